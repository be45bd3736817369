"""Rows leave by the platform's own word: marks, answers, refusals, and requests for old rows."""

from __future__ import annotations

import orjson
import pytest
from integration.agent.publishing import TOPIC, Bench, arrived, hurry, listening
from unit.agent.store.patience import until

from agent.publish import delivery
from agent.telemetry.status import Count
from simulators.mqtt import Broker


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    hurry(monkeypatch)
    monkeypatch.setattr(delivery, "REQUEST_PAUSE_S", 0.0)


@pytest.fixture
async def broker():
    """A broker that behaves until told otherwise."""
    async with Broker() as running:
        yield running


@pytest.fixture
async def platform(broker):
    """A platform that checks everything it gets, and confirms nothing by itself."""
    async with listening(broker) as subscribed:
        yield subscribed


def say(broker, bench, *, retain=False, **fields):
    """Publish a receipt as the platform."""
    body = {"ep": bench.epoch, **fields}
    broker.publish(TOPIC + "ack", orjson.dumps(body), qos=1, retain=retain)


async def sent(bench, rows):
    """Wait until the broker has taken so many rows that nobody has confirmed."""
    await until(lambda: bench.publisher.status().unconfirmed == rows)


async def test_rows_stay_until_the_platform_marks_them(tmp_path, broker, platform):
    """A PUBACK lets nothing leave; the platform's mark lets go exactly what it covers."""
    async with Bench(tmp_path, broker.url, ack="watermark") as bench:
        await bench.put(2)
        bench.start()
        await bench.put(3)
        await arrived(platform, 5)
        await sent(bench, 5)
        assert bench.waiting == 5
        say(broker, bench, seq=3)
        await until(lambda: bench.waiting == 2)
        say(broker, bench, seq=5)
        await bench.drained()
        assert bench.writer.status().acked == Count(5, 5)
        assert bench.problem is None
    assert platform.summary()["duplicates"] == 0


async def test_a_retained_mark_spares_a_restart_the_repeats(tmp_path, broker, platform):
    """What the platform had marked before a restart leaves without being sent again."""
    async with Bench(tmp_path, broker.url, ack="watermark") as bench:
        await bench.put(3)
        bench.start()
        await sent(bench, 3)
    say(broker, bench, seq=3, retain=True)
    async with Bench(tmp_path, broker.url, ack="watermark") as bench:
        bench.start()
        await bench.drained()
        assert bench.writer.status().acked == Count(3, 3)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"seq": 4}, "never sent"),
        ({"ep": "0000000000", "seq": 3}, "epoch 0000000000"),
        ({"seq": -1}, "cannot be read"),
        ({"ok": [[2, 9]]}, "never sent"),
        ({"rej": [{"seq": 8, "code": 1}]}, "never sent"),
    ],
)
async def test_what_cannot_be_true_is_not_believed(tmp_path, broker, platform, fields, word):
    """A receipt of another epoch, or beyond what was sent, lets nothing leave and is told."""
    async with Bench(tmp_path, broker.url, ack="watermark") as bench:
        bench.start()
        await bench.connected()
        await bench.put(3)
        await sent(bench, 3)
        say(broker, bench, **fields)
        await until(lambda: bench.problem)
        assert word in bench.problem.en
        assert bench.waiting == 3
        say(broker, bench, seq=3)
        await bench.drained()
        assert bench.problem is None


async def test_rows_the_platform_refuses_are_set_aside(tmp_path, broker, platform):
    """A refused row is rejected and announced; the mark passes over it."""
    async with Bench(tmp_path, broker.url, ack="watermark") as bench:
        bench.start()
        await bench.connected()
        await bench.put(3)
        await sent(bench, 3)
        say(broker, bench, seq=1, rej=[{"seq": 2, "code": 7, "reason": "NotInLedger"}])
        await until(lambda: bench.writer.status().rejected == Count(1, 1))
        await arrived(platform, 4)
        say(broker, bench, seq=4)
        await bench.drained()
        assert bench.writer.status().acked == Count(3, 2)
    assert platform.receiver.gateways["gw"].events["rejected"] == 1


async def test_answers_let_go_what_they_name(tmp_path, broker, platform):
    """With `reply` rows leave when an answer names them, and a mark counts for nothing."""
    async with Bench(tmp_path, broker.url, ack="reply") as bench:
        bench.start()
        await bench.connected()
        await bench.put(4)
        await sent(bench, 4)
        say(broker, bench, seq=4, ok=[[2, 2], [4, 4]])
        await until(lambda: bench.waiting == 2)
        say(broker, bench, ok=[[1, 4]])
        await bench.drained()


async def test_what_nobody_confirms_is_sent_again(tmp_path, broker, platform):
    """Rows that the broker took and the platform never confirmed come again, and it is told."""
    async with Bench(tmp_path, broker.url, ack="watermark", ack_timeout_s=1) as bench:
        await bench.put(3)
        bench.start()
        await until(lambda: platform.receiver.total("duplicates") == 3)
        assert "not confirmed" in bench.problem.en
        assert bench.waiting == 3
        say(broker, bench, seq=3)
        await bench.drained()
        assert bench.problem is None


async def test_the_platform_can_ask_for_rows_again(tmp_path, broker, platform):
    """Rows that have left are sent again from what is kept, once per request, and it is told."""
    async with Bench(tmp_path, broker.url, ack="watermark") as bench:
        await bench.put(5)
        bench.start()
        await sent(bench, 5)
        say(broker, bench, seq=5)
        await bench.drained()
        say(broker, bench, seq=5, want=[[2, 3], [5, 9]])
        await until(lambda: platform.receiver.total("duplicates") == 3)
        await until(lambda: platform.receiver.gateways["gw"].events["replay"] == 2)
        say(broker, bench, seq=7)
        await bench.drained()


async def test_a_broker_that_lost_what_it_had_taken(tmp_path, broker):
    """Rows acknowledged by a broker that then forgets them arrive all the same."""
    async with Bench(tmp_path, broker.url, ack="watermark", ack_timeout_s=1) as bench:
        bench.start()
        async with listening(broker):
            await bench.connected()
        bench_rows = 6
        await bench.put(bench_rows)  # the platform is away: its session takes them
        await sent(bench, bench_rows)
        await broker.restart(persistent=False)
        async with listening(broker) as platform:
            await until(lambda: platform.receiver.total("rows") >= bench_rows, within_s=10)
            say(broker, bench, seq=bench_rows)
            await bench.drained()


async def test_a_broker_that_does_not_let_us_listen(tmp_path, broker, monkeypatch):
    """Without the right to hear receipts nothing is sent, and it is said what to do."""
    monkeypatch.setattr("simulators.mqtt.connection.granted", lambda *_: 0x87)
    async with Bench(tmp_path, broker.url, ack="watermark") as bench:
        await bench.put(1)
        bench.start()
        await until(lambda: bench.problem)
        assert "0x87" in bench.problem.en
        assert bench.waiting == 1
        assert bench.publisher.status().sent_messages == 0
