"""What the broker does wrong on demand, seen by paho, and by a raw socket where paho hides it."""

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from simulators.mqtt import ALWAYS, Broker, Faults, Limits, Reason
from simulators.mqtt.decode import Framer, decode
from simulators.mqtt.encode import encode
from simulators.mqtt.packets import (
    Connack,
    Connect,
    Disconnect,
    Pingresp,
    Puback,
    Publish,
    Suback,
    Subscribe,
    Subscription,
    Version,
)
from simulators.mqtt.wire import Property


class Raw:
    """A client that sends and reads packets one by one."""

    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer
        self._framer, self._packets = Framer(1 << 28), []

    async def send(self, *packets):
        self._writer.write(b"".join(encode(packet, Version.V5) for packet in packets))
        await self._writer.drain()

    async def read(self):
        """Give the next packet, None at the end of the connection."""
        async with asyncio.timeout(5):
            while not self._packets:
                data = await self._reader.read(65536)
                if not data:
                    return None
                self._packets += [decode(*frame, Version.V5) for frame in self._framer.feed(data)]
        return self._packets.pop(0)

    async def write(self, data):
        self._writer.write(data)
        await self._writer.drain()


@asynccontextmanager
async def raw(broker, connect=None):
    """Connect by hand and read the CONNACK into `connack`."""
    reader, writer = await asyncio.open_connection(broker.host, broker.port)
    client = Raw(reader, writer)
    try:
        if connect is not False:
            await client.send(connect or Connect("raw", Version.V5))
            client.connack = await client.read()
        yield client
    finally:
        writer.close()
        with suppress(ConnectionError):  # where the broker cut first
            await writer.wait_closed()


def message(number, topic="t"):
    return Publish(topic, b"x", 1, packet_id=number)


async def test_limits_are_announced():
    """CONNACK says the largest packet, the receive maximum and the highest QoS."""
    limits = Limits(max_packet_bytes=5000, receive_maximum=7)
    async with Broker(limits=limits) as broker, raw(broker) as client:
        properties = client.connack.properties
        assert properties[Property.MAXIMUM_PACKET_BYTES] == 5000
        assert properties[Property.RECEIVE_MAXIMUM] == 7
        assert properties[Property.MAXIMUM_QOS] == 1


@pytest.mark.parametrize("reason", [Reason.SERVER_UNAVAILABLE, Reason.NOT_AUTHORIZED])
async def test_connections_are_refused(client, protocol, reason):
    """A refusing broker answers CONNECT with the reason and lets nobody in."""
    async with Broker(faults=Faults(refuse_connect=reason)) as broker:
        refused = client("c", protocol)
        assert (await refused.connect(broker))[1].is_failure
        assert (broker.stats.refused, broker.clients) == (1, ())


async def test_stalled_pubacks_come_when_released():
    """Stalled PUBACKs are held while the messages are routed, and come on release."""
    async with Broker(faults=Faults(stall_pubacks=True)) as broker, raw(broker) as client:
        await client.send(message(1), message(2))
        async with asyncio.timeout(5):
            await broker.until(lambda: broker.stats.published == 2)
        assert broker.stats.acknowledged == 0
        broker.release_pubacks()
        assert [(await client.read()).packet_id for _ in range(2)] == [1, 2]


async def test_dropped_pubacks_never_come():
    """The next so many PUBACKs are dropped, then all is well again."""
    async with Broker(faults=Faults(drop_pubacks=2)) as broker, raw(broker) as client:
        await client.send(message(1), message(2), message(3))
        assert (await client.read()).packet_id == 3
        assert broker.stats.acknowledged == 1


@pytest.mark.parametrize(
    "reason", [Reason.NOT_AUTHORIZED, Reason.QUOTA_EXCEEDED, Reason.PAYLOAD_FORMAT_INVALID]
)
async def test_forced_reasons_by_topic(client, protocol, reason):
    """A forced reason is told to MQTT 5, hidden from 3.1.1, and the message is not routed."""
    faults = Faults(reason_by_filter={"hb/+/event": reason})
    async with Broker(faults=faults) as broker:
        both = client("c", protocol)
        await both.connect(broker)
        await both.subscribe("#")
        told = await both.publish("hb/gw/event")
        assert told == (reason if protocol is MQTTProtocolVersion.MQTTv5 else Reason.SUCCESS)
        assert await both.publish("hb/gw/data") == Reason.SUCCESS
        assert (await both.message()).topic == "hb/gw/data"
        assert both.messages.empty()


async def test_duplicate_deliveries_carry_dup():
    """A duplicated delivery comes with the same packet id and DUP."""
    async with Broker(faults=Faults(duplicate_deliveries=True)) as broker, raw(broker) as client:
        await client.send(Subscribe(1, (Subscription("t", 1),)), message(9))
        got = [await client.read() for _ in range(4)]
        assert [type(packet) for packet in got] == [Suback, Publish, Publish, Puback]
        assert [packet.dup for packet in got[1:3]] == [False, True]
        assert got[1].packet_id == got[2].packet_id


async def test_double_late_and_unknown_pubacks():
    """PUBACKs come twice, late, or for a packet nobody sent."""
    async with Broker(faults=Faults(double_pubacks=True)) as broker, raw(broker) as client:
        await client.send(message(5))
        assert [(await client.read()).packet_id for _ in range(2)] == [5, 5]
        broker.faults.double_pubacks = False
        broker.faults.puback_delay_s = 0.05
        loop = asyncio.get_running_loop()
        sent_s = loop.time()
        await client.send(message(6))
        assert (await client.read()).packet_id == 6
        assert loop.time() - sent_s >= 0.045
        assert broker.inject(encode(Puback(777), Version.V5), "raw") == 1
        assert (await client.read()).packet_id == 777


async def test_paho_survives_duplicate_and_unknown_pubacks(client):
    """With doubled and foreign PUBACKs paho still sees each of its messages acknowledged."""
    async with Broker(faults=Faults(double_pubacks=True)) as broker:
        publisher = client("p")
        await publisher.connect(broker)
        broker.inject(encode(Puback(4242), Version.V5))
        for _ in range(10):
            await publisher.publish("t")
        assert broker.stats.published == 10


async def test_lowered_packet_size_ends_the_connection(client):
    """A packet above a limit lowered meanwhile ends the connection with 0x95."""
    async with Broker() as broker:
        publisher = client("p")
        await publisher.connect(broker)
        await publisher.publish("t", b"x" * 3000)
        broker.limits.max_packet_bytes = 2000
        publisher.paho.publish("t", b"x" * 3000, 1)
        assert await publisher.disconnected() == Reason.PACKET_TOO_LARGE
        assert broker.stats.published == 1


async def test_receive_maximum_is_enforced():
    """A client that sends more than Receive Maximum unacknowledged is ended with 0x93."""
    faults, limits = Faults(stall_pubacks=True), Limits(receive_maximum=1)
    async with Broker(faults=faults, limits=limits) as broker, raw(broker) as client:
        await client.send(message(1), message(2))
        assert (await client.read()).reason == Reason.RECEIVE_MAXIMUM_EXCEEDED
        assert await client.read() is None


async def test_dropped_pubacks_keep_the_window_shut():
    """A message whose PUBACK was dropped still counts, and its repeat is taken again."""
    faults, limits = Faults(drop_pubacks=1), Limits(receive_maximum=1)
    async with Broker(faults=faults, limits=limits) as broker, raw(broker) as client:
        await client.send(message(1), message(1))
        assert (await client.read()).packet_id == 1
        assert broker.stats.published == 2


async def test_silent_client_is_ended():
    """A client silent for 1.5 keep alives is ended with 0x8D and its Will sent."""
    async with Broker() as broker, raw(broker, Connect("q", Version.V5, keepalive_s=1)) as client:
        assert (await client.read()).reason == Reason.KEEP_ALIVE_TIMEOUT


async def test_frozen_broker_answers_nothing_until_thawed():
    """A frozen broker reads nothing, keeps its clients, and goes on where it stood."""
    async with Broker() as broker, raw(broker, Connect("q", Version.V5, keepalive_s=1)) as client:
        broker.freeze()
        await client.send(message(1))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.8):
                await broker.until(lambda: broker.stats.published > 0)
        assert broker.clients == ("q",)
        broker.thaw()
        assert (await client.read()).packet_id == 1


async def test_frozen_broker_accepts_connections_and_does_not_answer():
    """A client that connects to a frozen broker gets its CONNACK only when it is thawed."""
    async with Broker() as broker, raw(broker, connect=False) as client:
        broker.freeze()
        async with raw(broker, connect=False) as second:
            await client.send(Connect("a", Version.V5))
            await second.send(Connect("b", Version.V5))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await broker.until(lambda: broker.stats.connects > 0)
            broker.thaw()
            assert isinstance(await client.read(), Connack)
            assert isinstance(await second.read(), Connack)


async def test_a_client_that_does_not_read_is_cut():
    """Answers nobody reads pile up to the limit, then the client is cut."""
    limits = Limits(queued_bytes=100_000)
    async with Broker(limits=limits) as broker, raw(broker) as client:
        assert client.connack.reason == Reason.SUCCESS
        pongs = encode(Pingresp(), Version.V5) * 8_000_000  # more than the kernel's buffers
        assert broker.inject(pongs) == 1
        async with asyncio.timeout(5):
            await broker.until(lambda: not broker.clients)


async def test_disconnect_with_and_without_a_word():
    """Clients can be dropped with a reason, or cut without a word."""
    async with Broker() as broker:
        async with raw(broker) as client:
            assert broker.disconnect("raw", reason=Reason.SERVER_SHUTTING_DOWN) == 1
            assert (await client.read()).reason == Reason.SERVER_SHUTTING_DOWN
        async with raw(broker) as client:
            assert broker.disconnect() == 1
            assert await client.read() is None


async def test_qos_2_is_refused_clearly(client):
    """A QoS 2 message ends the connection with 0x9B."""
    async with Broker() as broker:
        publisher = client("p")
        await publisher.connect(broker)
        publisher.paho.publish("t", b"x", 2)
        assert await publisher.disconnected() == Reason.QOS_NOT_SUPPORTED


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xf0\x00", Reason.PROTOCOL_ERROR),  # AUTH
        (b"\x60\x02\x00\x01", Reason.PROTOCOL_ERROR),  # PUBREL
        (b"\x00\x00", Reason.PROTOCOL_ERROR),  # reserved type
        (b"\x30\xff\xff\xff\xff", Reason.MALFORMED_PACKET),  # five length bytes
        (b"\x30\xff\xff\xff\x7f", Reason.PACKET_TOO_LARGE),  # 256 MB announced
        (b"\x30\x05\x00\x03\xff\xfe\xfd", Reason.MALFORMED_PACKET),  # no UTF-8
        (b"\x36\x05\x00\x01t\x00\x01", Reason.MALFORMED_PACKET),  # QoS 3
        (b"\x82\x02\x00\x01", Reason.MALFORMED_PACKET),  # SUBSCRIBE to nothing
        (b"\x30\x04\x00\x01+\x00", Reason.TOPIC_NAME_INVALID),
        (b"\x30\x07\x00\x01t\x03\x23\x00\x01", Reason.TOPIC_ALIAS_INVALID),
        (b"\xc1\x00", Reason.MALFORMED_PACKET),  # PINGREQ with flags
    ],
)
async def test_hostile_bytes_end_only_their_connection(data, reason):
    """Whatever a client sends, it is told why and the others stay."""
    async with Broker() as broker, raw(broker, Connect("good", Version.V5)) as good:
        async with raw(broker) as bad:
            await bad.write(data)
            end = await bad.read()
            assert isinstance(end, Disconnect)
            assert end.reason == reason
        await good.send(message(1))
        assert (await good.read()).packet_id == 1
        assert broker.stats.protocol_errors == 1


async def test_other_protocols_are_not_spoken():
    """An HTTP request is cut, an old MQTT is told its level is not spoken."""
    async with Broker() as broker:
        async with raw(broker, connect=False) as client:
            await client.write(b"GET / HTTP/1.1\r\n\r\n")
            assert await client.read() is None
        async with raw(broker, connect=False) as client:
            await client.write(b"\x10\x0c\x00\x04MQTT\x03\x02\x00\x00\x00\x00")
            assert await client._reader.read() == b"\x20\x02\x00\x01"


async def test_always_drops_every_puback():
    """ALWAYS drops every PUBACK for good."""
    faults = Faults(drop_pubacks=ALWAYS)
    assert all(faults.drops_next_puback() for _ in range(1000))


async def test_connack_round_trip_of_a_refusal():
    """A refused CONNECT gets a CONNACK and no session."""
    async with Broker(users={}) as broker, raw(broker) as client:
        assert client.connack == Connack(Reason.BAD_USER_NAME_OR_PASSWORD)
        assert await client.read() is None
