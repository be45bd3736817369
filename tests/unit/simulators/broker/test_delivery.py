"""What a good broker does: routing, retained messages, Wills, sessions. With paho as client."""

import asyncio
import time

import pytest
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from simulators.mqtt import Broker, Limits, Reason

V5, V311 = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311


async def test_qos_1_reaches_a_wildcard_subscriber(client, protocol):
    """A QoS 1 message reaches a subscriber in both versions and is acknowledged with success."""
    async with Broker() as broker:
        subscriber, publisher = client("s", protocol), client("p", protocol)
        await subscriber.connect(broker)
        assert await subscriber.subscribe("hb/v1/+/+/#") == [1]
        await publisher.connect(broker)
        assert await publisher.publish("hb/v1/acme/gw/data", b"{}") == Reason.SUCCESS
        message = await subscriber.message()
        assert (message.topic, message.payload, message.qos) == ("hb/v1/acme/gw/data", b"{}", 1)


async def test_nobody_subscribed_is_said_in_mqtt_5_only(client, protocol):
    """Without a subscriber MQTT 5 is told 0x10 and MQTT 3.1.1 sees plain success."""
    async with Broker() as broker:
        publisher = client("p", protocol)
        await publisher.connect(broker)
        expected = Reason.NO_MATCHING_SUBSCRIBERS if protocol is V5 else Reason.SUCCESS
        assert await publisher.publish("a/b") == expected


async def test_order_and_nothing_lost_at_a_small_window(client):
    """500 messages arrive once and in order although the subscriber takes 3 at a time."""
    async with Broker() as broker:
        subscriber, publisher = client("s"), client("p")
        subscriber._connect["properties"].ReceiveMaximum = 3
        await subscriber.connect(broker)
        await subscriber.subscribe("t")
        await publisher.connect(broker)
        for number in range(500):
            publisher.paho.publish("t", str(number), 1)
        got = [int((await subscriber.message()).payload) for _ in range(500)]
        assert got == list(range(500))


async def test_qos_0_is_delivered(client, protocol):
    """A QoS 0 message is delivered at QoS 0."""
    async with Broker() as broker:
        both = client("b", protocol)
        await both.connect(broker)
        await both.subscribe("t")
        both.paho.publish("t", b"zero", 0)
        message = await both.message()
        assert (message.payload, message.qos) == (b"zero", 0)


async def test_retained_message_meets_a_later_subscriber(client, protocol):
    """A retained message is given to who subscribes later, and an empty one removes it."""
    async with Broker() as broker:
        publisher, late, later = (client(name, protocol) for name in "pab")
        await publisher.connect(broker)
        await publisher.publish("x/meta", b"m", retain=True)
        await late.connect(broker)
        await late.subscribe("x/#")
        message = await late.message()
        assert (message.payload, message.retain) == (b"m", True)
        await publisher.publish("x/meta", b"", retain=True)
        assert not broker.retained
        await later.connect(broker)
        await later.subscribe("x/#")
        await publisher.publish("x/end", b"end")
        assert (await later.message()).payload == b"end"


async def test_will_is_sent_when_a_client_vanishes(client, protocol):
    """The Will of a client that is cut off is published and retained; that of a polite one not."""
    async with Broker() as broker:
        watcher, polite, cut = client("w", protocol), client("a", protocol), client("b", protocol)
        await watcher.connect(broker)
        await watcher.subscribe("+/status")
        for item in (polite, cut):
            item.paho.will_set(f"{item.paho._client_id.decode()}/status", b"offline", 1, True)
            await item.connect(broker)
        await polite.close()
        broker.disconnect("b")
        message = await watcher.message()
        assert (message.topic, message.payload) == ("b/status", b"offline")
        assert list(broker.retained) == ["b/status"]
        assert broker.stats.wills == 1


async def test_delayed_will_is_not_sent_when_the_client_returns(client):
    """A Will with a delay is dropped when its client is back in time with its session."""
    async with Broker() as broker:
        watcher, flapping = client("w"), client("f", expiry_s=60)
        await watcher.connect(broker)
        await watcher.subscribe("#")
        will = Properties(PacketTypes.WILLMESSAGE)
        will.WillDelayInterval = 30
        flapping.paho.will_set("f/status", b"offline", 1, properties=will)
        await flapping.connect(broker)
        broker.disconnect("f")
        await flapping.disconnected()
        again = client("f", clean=False)
        await again.connect(broker)
        await again.publish("f/back", b"back")
        assert (await watcher.message()).topic == "f/back"
        assert broker.stats.wills == 0


async def test_session_keeps_messages_for_an_absent_subscriber(client, protocol):
    """Messages to a subscriber whose session outlives its connection wait for it."""
    async with Broker() as broker:
        publisher = client("p", protocol)
        await publisher.connect(broker)
        away = client("s", protocol, clean=False, expiry_s=60)
        assert not (await away.connect(broker))[0].session_present
        await away.subscribe("t")
        broker.disconnect("s")
        await away.disconnected()
        for number in range(20):
            assert await publisher.publish("t", str(number)) == Reason.SUCCESS
        assert broker.waiting("s") == 20
        back = client("s", protocol, clean=False, expiry_s=60)
        assert (await back.connect(broker))[0].session_present
        assert [int((await back.message()).payload) for _ in range(20)] == list(range(20))


async def test_restart_keeps_or_forgets(client):
    """A restart with persistence keeps the session, one without forgets it."""
    async with Broker() as broker:
        for persistent in (True, False):
            first = client("s", clean=False, expiry_s=60)
            await first.connect(broker)
            await first.subscribe("t")
            await broker.restart(persistent=persistent)
            second = client("s", clean=False, expiry_s=60)
            assert (await second.connect(broker))[0].session_present is persistent


async def test_second_client_takes_the_session_over(client):
    """A second client with the same id ends the first one with 0x8E."""
    async with Broker() as broker:
        first, second = client("same"), client("same")
        await first.connect(broker)
        await second.connect(broker)
        assert await first.disconnected() == Reason.SESSION_TAKEN_OVER
        assert broker.stats.takeovers == 1
        assert broker.clients == ("same",)


async def test_full_queue_is_said_to_the_publisher(client):
    """When a subscriber's queue is full the publisher is told 0x97 and the loss is counted."""
    async with Broker(limits=Limits(queued_messages=2)) as broker:
        away, publisher = client("s", clean=False, expiry_s=60), client("p")
        await away.connect(broker)
        await away.subscribe("t")
        await away.close()
        async with asyncio.timeout(5):
            await broker.until(lambda: "s" not in broker.clients)
        await publisher.connect(broker)
        reasons = [await publisher.publish("t") for _ in range(3)]
        assert reasons == [Reason.SUCCESS, Reason.SUCCESS, Reason.QUOTA_EXCEEDED]
        assert broker.stats.dropped == 0  # the publisher still has it


async def test_content_type_and_user_properties_pass(client):
    """Message properties of MQTT 5 reach the subscriber as they were sent."""
    async with Broker() as broker:
        both = client("b")
        await both.connect(broker)
        await both.subscribe("t")
        sent = Properties(PacketTypes.PUBLISH)
        sent.ContentType = "application/json"
        sent.UserProperty = [("a", "1"), ("a", "2")]
        await both.publish("t", properties=sent)
        got = (await both.message()).properties
        assert (got.ContentType, got.UserProperty) == ("application/json", [("a", "1"), ("a", "2")])


async def test_wrong_password_is_refused(client, protocol):
    """A wrong password is refused with 0x86 (or its 3.1.1 word), the right one is let in."""
    async with Broker(users={"gw": "secret"}) as broker:
        wrong, right = client("a", protocol), client("b", protocol)
        wrong.paho.username_pw_set("gw", "guess")
        right.paho.username_pw_set("gw", "secret")
        assert (await wrong.connect(broker))[1].is_failure
        assert not (await right.connect(broker))[1].is_failure
        assert broker.stats.refused == 1


@pytest.mark.timeout(30)
async def test_a_burst_passes_completely(client):
    """A burst of 4,000 QoS 1 messages of 2 kB is delivered and acknowledged to the last one."""
    count, payload = 4000, b"x" * 2000
    async with Broker() as broker:
        subscriber, publisher = client("s"), client("p")
        publisher.paho.max_inflight_messages_set(200)
        publisher.paho.max_queued_messages_set(0)
        await subscriber.connect(broker)
        await subscriber.subscribe("t")
        await publisher.connect(broker)
        started_s = time.perf_counter()
        await asyncio.to_thread(
            lambda: [publisher.paho.publish("t", payload, 1) for _ in range(count)]
        )
        async with asyncio.timeout(25):
            await broker.until(lambda: broker.stats.acknowledged >= count)
            await broker.until(lambda: broker.waiting("s") == 0)
        rate = count / (time.perf_counter() - started_s)
        print(f"{rate:.0f} messages/s through broker and two paho clients")
        assert broker.stats.delivered == count
