"""The publisher at a broker that behaves, and at one that does not: nothing is lost."""

from __future__ import annotations

import asyncio
import time

import orjson
import pytest
from integration.agent.publishing import TOPIC, Bench, arrived, hurry, listening
from unit.agent.store.patience import until

from agent.backoff import Backoff
from agent.publish import lookout, mqtt, publisher, refusal
from agent.telemetry.status import Count
from simulators.mqtt import Broker, Faults, Limits
from simulators.mqtt.wire import Reason


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    hurry(monkeypatch)


@pytest.fixture
async def broker():
    """A broker that behaves until told otherwise."""
    async with Broker() as running:
        yield running


@pytest.fixture
async def platform(broker):
    """A platform that checks everything it gets."""
    async with listening(broker) as subscribed:
        yield subscribed


def values_in(platform):
    """Collect the values of rows in the order of their arrival."""
    values = []
    platform.on_row(lambda row: values.extend(p.value for p in row.points()))
    return values


async def test_rows_leave_on_acknowledgement(tmp_path, broker, platform):
    """Backlog and live rows arrive once, in order, and leave the store when acknowledged."""
    values = values_in(platform)
    async with Bench(tmp_path, broker.url) as bench:
        await bench.put(3)
        bench.start()
        await bench.drained()
        await bench.put(2)
        await bench.drained()
        await arrived(platform, 5)
        status = bench.publisher.status()
        store = bench.writer.status()
    assert values == [1, 2, 3, 4, 5]
    assert (store.acked, store.stored) == (Count(5, 5), Count(5, 5))
    assert (status.connects, status.problem, status.in_flight) == (1, None, 0)
    assert status.sent_messages == status.acked_messages > 0
    assert platform.summary()["duplicates"] == 0
    assert platform.receiver.total("hist_rows") == 3
    assert platform.receiver.total("data_rows") == 2


async def test_meta_and_status_are_retained(tmp_path, broker, platform):
    """Meta and status are kept at the broker; a clean end says offline there."""
    async with Bench(tmp_path, broker.url) as bench:
        bench.start()
        await until(lambda: TOPIC + "status" in broker.retained)
        assert broker.retained[TOPIC + "meta"].payload == bench.meta
        assert orjson.loads(broker.retained[TOPIC + "status"].payload)["state"] == "online"
        await bench.stop()
        await until(lambda: b'"offline"' in broker.retained[TOPIC + "status"].payload)
    assert broker.stats.wills == 0


async def test_the_status_is_repeated(tmp_path, broker, monkeypatch):
    """The status is sent again and again, for platforms that keep nothing."""
    monkeypatch.setattr(publisher, "HEARTBEAT_S", 0.02)
    async with Bench(tmp_path, broker.url) as bench:
        bench.start()
        await until(lambda: broker.stats.published >= 5)


async def test_meta_comes_before_the_first_row(tmp_path, broker, platform):
    """A platform that listens from the start knows the names before it gets values."""
    topics = []
    broker._on_publish = lambda _client, packet: topics.append(packet.topic.removeprefix(TOPIC))
    async with Bench(tmp_path, broker.url) as bench:
        await bench.put(1)
        bench.start()
        await bench.drained()
    assert topics[:3] == ["meta", "status", "hist"]


@pytest.mark.parametrize("receive_maximum", [1, 2, 5])
async def test_the_brokers_receive_maximum_is_kept(tmp_path, receive_maximum):
    """With slow acknowledgements there are never more messages in flight than the broker takes."""
    limits = Limits(receive_maximum=receive_maximum)
    faults = Faults(puback_delay_s=0.003)
    async with Broker(limits=limits, faults=faults) as broker, listening(broker) as platform:
        async with Bench(tmp_path, broker.url, max_message_kb=1) as bench:
            await bench.put(20, text="y" * 500)
            bench.start()
            await bench.drained()
            await arrived(platform, 20)
            assert bench.publisher.status().connects == 1
        assert broker.stats.protocol_errors == 0


async def test_our_own_window_is_kept(tmp_path, broker, platform):
    """While the broker acknowledges nothing, no more than the window is sent."""
    broker.faults.stall_pubacks = True
    before = broker.stats.published
    async with Bench(tmp_path, broker.url, window=4, max_message_kb=1, backlog_share=1) as bench:
        await bench.put(12, text="y" * 500)
        bench.start()
        await until(lambda: bench.publisher.status().in_flight == 4)
        await until(lambda: broker.stats.published == before + 4)
        await bench.put(1)
        assert bench.publisher.status().in_flight == 4
        assert bench.waiting == 13
        broker.release_pubacks()
        await bench.drained()
        assert broker.stats.published == before + 2 + 13


async def test_the_backlog_leaves_room_for_live_rows(tmp_path, broker, platform):
    """The backlog fills its share of the window; a live row still goes out at once."""
    settings = {"window": 6, "backlog_share": 0.5, "max_message_kb": 1}
    async with Bench(tmp_path, broker.url, **settings) as bench:
        await bench.put(12, text="y" * 500)
        bench.start()
        await until(lambda: broker.retained.get(TOPIC + "status"))
        broker.faults.stall_pubacks = True
        await bench.stop()
        await bench.put(12, text="y" * 500)
        bench.start()
        await until(lambda: bench.publisher._delivery.window._backlog == 3)
        levels = []
        broker._on_publish = lambda _client, packet: levels.append(packet.topic)
        await bench.put(1, text="live")
        await until(lambda: TOPIC + "data" in levels)
        broker.release_pubacks()
        await bench.drained()


async def test_live_rows_do_not_wait_for_the_backlog(tmp_path, broker, platform):
    """After a reconnect a new value arrives long before the backlog is through."""
    values = values_in(platform)
    broker.faults.puback_delay_s = 0.005
    async with Bench(tmp_path, broker.url, max_message_kb=1, window=4) as bench:
        await bench.put(100, text="y" * 500)
        bench.start()
        await until(lambda: len(values) > 4)
        await bench.put(1, text="live")
        await until(lambda: "live" in values)
        assert bench.waiting > 20
        await bench.drained()
    assert len(values) == 101


@pytest.mark.parametrize("protocol", ["mqtt5", "mqtt311"])
async def test_both_protocols(tmp_path, broker, platform, protocol):
    """The degraded mode of MQTT 3.1.1 delivers like MQTT 5."""
    async with Bench(tmp_path, broker.url, protocol=protocol) as bench:
        await bench.put(3)
        bench.start()
        await bench.drained()
        await arrived(platform, 3)
        assert bench.publisher.status().protocol == protocol


async def test_rows_wait_for_company(tmp_path, broker, platform):
    """With a delay allowed, rows committed one by one leave in one message."""
    levels = []
    async with Bench(tmp_path, broker.url, max_delay_s=0.3) as bench:
        bench.start()
        await bench.connected()
        broker._on_publish = lambda _client, packet: levels.append(packet.topic)
        began_s = time.monotonic()
        await bench.put(4)
        await bench.drained()
        assert time.monotonic() - began_s >= 0.3
    assert levels.count(TOPIC + "data") == 1


# -- acknowledgements that say no ----------------------------------------------------------------


async def test_without_a_subscriber_rows_are_kept(tmp_path, broker):
    """0x10 keeps the rows and says why; they arrive once somebody subscribes."""
    async with Bench(tmp_path, broker.url) as bench:
        await bench.put(2)
        bench.start()
        await until(lambda: bench.problem)
        assert "nobody" in bench.problem.en
        assert "没有任何接收方" in bench.problem.zh
        assert bench.waiting == 2
        async with listening(broker) as platform:
            await bench.drained()
            await arrived(platform, 2)
        assert bench.problem is None


async def test_without_a_subscriber_rows_may_count_as_delivered(tmp_path, broker):
    """Where the site says so, 0x10 lets rows go."""
    async with Bench(tmp_path, broker.url, no_subscriber="accept") as bench:
        await bench.put(2)
        bench.start()
        await bench.drained()
        assert bench.writer.status().acked == Count(2, 2)


@pytest.mark.parametrize("code", [0x87, 0x97])
async def test_not_now_means_a_pause(tmp_path, broker, platform, monkeypatch, code):
    """While the broker says later nothing is sent until the pause is over; nothing is lost."""
    monkeypatch.setitem(refusal.PAUSES_S, code, 0.3)
    tries = []
    broker.faults.reason_by_filter = {TOPIC + "hist": code}
    broker._on_publish = lambda _client, packet: tries.append((time.monotonic(), packet.topic))
    async with Bench(tmp_path, broker.url) as bench:
        await bench.put(2)
        bench.start()
        await until(lambda: bench.problem)
        await until(lambda: len([1 for _, topic in tries if topic.endswith("hist")]) == 2)
        first, second = (at_s for at_s, topic in tries if topic.endswith("hist"))
        assert second - first >= 0.3
        assert f"0x{code:02x}" in bench.problem.en
        assert bench.writer.status().rejected == Count()
        broker.faults.reason_by_filter = {}
        await bench.drained()
        await arrived(platform, 2)


async def test_a_poisoned_row_goes_alone_and_is_set_aside(tmp_path, broker, platform):
    """One row the platform refuses is rejected after its tries and announced; the rest arrives."""

    def refuse_poison(_client, packet):
        poisoned = b'"poison"' in packet.payload
        broker.faults.reason_by_filter = {packet.topic: 0x99} if poisoned else {}

    broker._on_publish = refuse_poison
    values = values_in(platform)
    async with Bench(tmp_path, broker.url) as bench:
        await bench.put(3)
        await bench.put(1, text="poison")
        await bench.put(3)
        bench.start()
        await bench.drained()
        store = bench.writer.status()
        await arrived(platform, 7)
    assert sorted(values) == [1, 2, 3, 5, 6, 7]
    assert (store.rejected, store.acked) == (Count(1, 1), Count(7, 6))
    gateway = platform.receiver.gateways["gw"]
    assert gateway.events["rejected"] == 1
    assert gateway.streams[bench.epoch].as_dict()["lost"] == [[4, 4]]


async def test_a_platform_that_refuses_every_event_still_gets_the_data(tmp_path, broker, platform):
    """Events are tried, set aside and announced like data; refused announcements end there."""
    broker.faults.reason_by_filter = {TOPIC + "event": 0x83}
    async with Bench(tmp_path, broker.url) as bench:
        await bench.put(1)
        bench.writer.put_event(1, b'"t":1,"type":"start"}')
        await bench.writer.flush()
        bench.start()
        await bench.drained()
        assert bench.writer.status().rejected == Count(2, 0)
        await arrived(platform, 1)


async def test_refusals_of_meta_and_status_stop_nothing(tmp_path, broker, platform):
    """A platform that does not take our retained messages still gets the rows."""
    broker.faults.reason_by_filter = {TOPIC + "meta": 0x87, TOPIC + "status": 0x10}
    async with Bench(tmp_path, broker.url) as bench:
        await bench.put(2)
        bench.start()
        await bench.drained()
        await arrived(platform, 2)


# -- sizes ---------------------------------------------------------------------------------------


async def test_a_row_no_message_can_hold_is_set_aside(tmp_path, broker, platform):
    """A single value larger than a message is rejected and announced; it does not block others."""
    async with Bench(tmp_path, broker.url, max_message_kb=2) as bench:
        await bench.put(1)
        await bench.put(1, text="y" * 5000)
        await bench.put(1)
        bench.start()
        await bench.drained()
        await arrived(platform, 3)
        assert bench.writer.status().rejected == Count(1, 1)
    assert platform.receiver.gateways["gw"].events["rejected"] == 1


async def test_the_brokers_packet_limit_is_kept(tmp_path):
    """A broker that takes less than we do gets smaller messages, and what fits none is told."""
    async with (
        Broker(limits=Limits(max_packet_bytes=2000)) as broker,
        listening(broker) as platform,
    ):
        async with Bench(tmp_path, broker.url) as bench:
            await bench.put(10, text="y" * 500)
            await bench.put(1, text="y" * 3000)
            bench.start()
            await bench.drained()
            await arrived(platform, 11)
            assert bench.writer.status().rejected == Count(1, 1)
            assert bench.publisher.status().connects == 1
        assert broker.stats.protocol_errors == 0


async def test_a_meta_message_that_is_too_large_does_not_end_the_connection(tmp_path):
    """What the broker would cut us off for is not sent, but told; rows go on."""
    async with Broker(limits=Limits(max_packet_bytes=2000)) as broker:
        async with listening(broker) as platform, Bench(tmp_path, broker.url) as bench:
            bench.meta += b" " * 3000
            bench.start()
            await until(lambda: bench.problem)
            assert "meta" in bench.problem.en
            await bench.put(1)
            await bench.drained()
            await arrived(platform, 1)
            assert bench.publisher.status().connects == 1
        assert broker.stats.protocol_errors == 0


# -- connections that end ------------------------------------------------------------------------


async def test_what_was_in_flight_is_sent_again(tmp_path, broker, platform):
    """A connection that ends before the acknowledgements costs repeats, never rows."""
    broker.faults.stall_pubacks = True
    async with Bench(tmp_path, broker.url, max_message_kb=1) as bench:
        await bench.put(3, text="y" * 500)
        bench.start()
        await until(lambda: platform.receiver.total("rows") == 3)
        await bench.put(2)
        await until(lambda: platform.receiver.total("rows") == 5)
        broker.disconnect("gw")
        broker.faults.stall_pubacks = False
        await bench.drained()
        await until(lambda: platform.receiver.total("duplicates") == 5)
        assert bench.publisher.status().connects == 2
    await arrived(platform, 5)


async def test_acknowledgements_that_never_come(tmp_path, broker, platform):
    """Rows whose acknowledgement was lost stay, and leave after the next connection."""
    async with Bench(tmp_path, broker.url, max_message_kb=1) as bench:
        bench.start()
        await until(lambda: bench.publisher.status().connected)
        await until(lambda: not bench.publisher._delivery.window)
        broker.faults.drop_pubacks = 2
        await bench.put(5, text="y" * 500)
        await until(lambda: bench.waiting == 2)
        assert bench.publisher.status().in_flight == 2
        broker.disconnect("gw", reason=Reason.SERVER_SHUTTING_DOWN)
        await bench.drained()
        await arrived(platform, 5)
    assert platform.receiver.total("duplicates") == 2


async def test_double_and_unknown_acknowledgements_count_once(tmp_path, broker, platform):
    """A second acknowledgement, and one nobody asked for, acknowledge nothing."""
    broker.faults.double_pubacks = True
    async with Bench(tmp_path, broker.url) as bench:
        bench.start()
        await bench.connected()
        broker.inject(b"\x40\x02\x77\x77", "gw")
        await bench.put(5)
        await bench.drained()
        assert bench.writer.status().acked == Count(5, 5)
        assert bench.publisher.status().connects == 1
    await arrived(platform, 5)


@pytest.mark.parametrize("persistent", [True, False])
async def test_a_broker_that_restarts(tmp_path, broker, platform, persistent):
    """Rows stored while the broker was away arrive when it is back."""
    async with Bench(tmp_path, broker.url) as bench:
        bench.start()
        await bench.connected()
        await broker.stop()
        await until(lambda: not bench.publisher.status().connected)
        await bench.put(3)
        await until(lambda: bench.problem)
        assert "cannot be reached" in bench.problem.en
        assert "无法连接" in bench.problem.zh
        if not persistent:
            broker.forget()
        await broker.start()
        await bench.drained()
        await arrived(platform, 3)


async def test_a_broker_that_returns_is_found_before_the_next_attempt_is_due(
    tmp_path, broker, platform, monkeypatch
):
    """With ten minutes to the next attempt, rows arrive as soon as the broker is back."""
    looks, look = [], lookout.takes_connections

    async def noted(address, within_s):
        looks.append(await look(address, within_s))
        return looks[-1]

    monkeypatch.setattr(lookout, "takes_connections", noted)
    monkeypatch.setattr(publisher, "Backoff", lambda longest_s: Backoff(first_s=600, longest_s=600))
    by_name = broker.url.replace("127.0.0.1", "localhost")
    async with Bench(tmp_path, by_name, probe_s=0.05) as bench:
        bench.start()
        await bench.connected()
        await broker.stop()
        await until(lambda: False in looks)
        await bench.put(3)
        await broker.start()
        await bench.drained()
        await arrived(platform, 3)


async def test_the_will_says_offline(tmp_path, broker, platform, monkeypatch):
    """A gateway whose connection is cut is said to be offline by the broker, then online again."""
    monkeypatch.setattr(mqtt, "WILL_DELAY_S", 0)
    states = []
    broker._on_publish = lambda _client, packet: (
        states.append(orjson.loads(packet.payload)["state"])
        if packet.topic.endswith("status")
        else None
    )
    async with Bench(tmp_path, broker.url) as bench:
        bench.start()
        await until(lambda: states == ["online"])
        broker.disconnect("gw")
        await until(lambda: broker.stats.wills == 1)
        await until(lambda: states == ["online", "online"])
    assert TOPIC + "status" in broker.retained


async def test_a_will_waits_for_a_short_reconnect(tmp_path, broker, platform):
    """A reconnect within the delay of the Will leaves no trace of a fall."""
    async with Bench(tmp_path, broker.url) as bench:
        bench.start()
        await bench.connected()
        broker.disconnect("gw")
        await until(lambda: bench.publisher.status().connects == 2)
        await until(lambda: bench.publisher.status().connected)
    assert broker.stats.wills == 0


async def test_finishing_waits_for_acknowledgements(tmp_path, broker, platform):
    """On the way out what is in memory is sent and acknowledged within the grace."""
    broker.faults.puback_delay_s = 0.05
    async with Bench(tmp_path, broker.url) as bench:
        bench.start()
        await bench.connected()
        await bench.put(3)
        async with asyncio.timeout(3):
            await bench.publisher.finish(10)
        await bench.drained()


async def test_finishing_ends_with_the_grace_or_the_connection(tmp_path, broker, platform):
    """A broker that does not answer costs the grace; one that is gone costs nothing."""
    broker.faults.stall_pubacks = True
    async with Bench(tmp_path, broker.url) as bench:
        bench.start()
        await until(lambda: bench.publisher.status().in_flight)
        began_s = time.monotonic()
        await bench.publisher.finish(0.1)
        assert 0.1 <= time.monotonic() - began_s < 2
        finishing = asyncio.create_task(bench.publisher.finish(30))
        await asyncio.sleep(0)
        await bench.stop()
        await asyncio.wait_for(finishing, 2)


async def test_what_waits_for_its_commit_does_not_when_somebody_comes_who_can_send_it(
    tmp_path, broker, platform
):
    """With a minute between two commits, a connection has what waits committed and sent."""
    async with Bench(tmp_path, broker.url, commit_interval_s=60) as bench:
        await bench.put(1)
        await bench.collect()
        assert bench.writer.pending_frames == 1
        bench.start()
        await arrived(platform, 2)
