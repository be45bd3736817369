"""Packets out of bytes, for MQTT 3.1.1 and 5. Source: MQTT 5.0, chapters 2 and 3.

Guarantees: any bytes end in a packet or in `MqttError`, never in another error; `Framer` holds at
most one packet of the permitted size. It never does input or output.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from simulators.mqtt.packets import (
    Connack,
    Connect,
    Disconnect,
    Packet,
    PacketType,
    Pingreq,
    Pingresp,
    Puback,
    Publish,
    Suback,
    Subscribe,
    Subscription,
    Unsuback,
    Unsubscribe,
    Version,
    Will,
)
from simulators.mqtt.wire import (
    MqttError,
    Properties,
    Property,
    Reader,
    Reason,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MESSAGE: Final = frozenset(
    {
        Property.PAYLOAD_FORMAT,
        Property.MESSAGE_EXPIRY_S,
        Property.CONTENT_TYPE,
        Property.RESPONSE_TOPIC,
        Property.CORRELATION_DATA,
        Property.USER_PROPERTY,
    }
)
_PUBLISH: Final = _MESSAGE | {Property.TOPIC_ALIAS, Property.SUBSCRIPTION_ID}
_WILL: Final = _MESSAGE | {Property.WILL_DELAY_S}
_CONNECT: Final = frozenset(
    {
        Property.SESSION_EXPIRY_S,
        Property.RECEIVE_MAXIMUM,
        Property.MAXIMUM_PACKET_BYTES,
        Property.TOPIC_ALIAS_MAXIMUM,
        Property.REQUEST_RESPONSE_INFO,
        Property.REQUEST_PROBLEM_INFO,
        Property.USER_PROPERTY,
        Property.AUTH_METHOD,
        Property.AUTH_DATA,
    }
)
_CONNACK: Final = frozenset(Property) - _WILL - {Property.TOPIC_ALIAS, Property.SUBSCRIPTION_ID} | {
    Property.USER_PROPERTY
}
_SUBSCRIBE: Final = frozenset({Property.SUBSCRIPTION_ID, Property.USER_PROPERTY})
_ACK: Final = frozenset({Property.REASON_STRING, Property.USER_PROPERTY})
_DISCONNECT: Final = _ACK | {Property.SESSION_EXPIRY_S, Property.SERVER_REFERENCE}


class Framer:
    """Cuts a byte stream into packets; one above `max_bytes` is refused by its header alone."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield (first byte, body) of each packet that is complete; MqttError on a bad header."""
        buffer = self._buffer
        buffer += data
        start = 0
        try:
            while (found := self._frame(start)) is not None:
                first, body, start = found
                yield first, body
        finally:
            del buffer[:start]

    def _frame(self, start: int) -> tuple[int, bytes, int] | None:
        buffer, length = self._buffer, 0
        for index in range(4):
            position = start + 1 + index
            if position >= len(buffer):
                return None
            length |= (buffer[position] & 0x7F) << (7 * index)
            if buffer[position] < 0x80:
                break
        else:
            raise MqttError(Reason.MALFORMED_PACKET, "remaining length is longer than 4 bytes")
        body = position + 1
        if body - start + length > self.max_bytes:
            raise MqttError(Reason.PACKET_TOO_LARGE, f"a packet exceeds {self.max_bytes} bytes")
        if body + length > len(buffer):
            return None
        return buffer[start], bytes(buffer[body : body + length]), body + length


def decode(first: int, body: bytes, version: Version) -> Packet:
    """Read one packet; MqttError if it is not one. CONNECT brings its own version."""
    try:
        kind = PacketType(first >> 4)
    except ValueError:
        text = f"packet type {first >> 4} is not spoken here (QoS 2 and AUTH are not)"
        raise MqttError(Reason.PROTOCOL_ERROR, text) from None
    flags = first & 0x0F
    if kind is not PacketType.PUBLISH and flags != _flags(kind):
        raise MqttError(Reason.MALFORMED_PACKET, f"{kind.name} has reserved flags {flags:#x}")
    reader = Reader(body)
    if kind is PacketType.PUBLISH:
        return _read_publish(reader, flags, version)
    packet = _READERS[kind](reader, version)
    if reader.left:
        raise MqttError(Reason.MALFORMED_PACKET, f"{kind.name} has {reader.left} bytes too many")
    return packet


def _flags(kind: PacketType) -> int:
    return 2 if kind in {PacketType.SUBSCRIBE, PacketType.UNSUBSCRIBE} else 0


def _properties(reader: Reader, version: Version, allowed: frozenset[Property]) -> Properties:
    return reader.properties(allowed) if version is Version.V5 else {}


def _packet_id(reader: Reader) -> int:
    packet_id = reader.unsigned(2)
    if not packet_id:
        raise MqttError(Reason.MALFORMED_PACKET, "packet identifier is 0")
    return packet_id


def _bit(flags: int, position: int) -> bool:
    return bool(flags >> position & 1)


def _read_connect(reader: Reader, _: Version) -> Connect:
    if reader.text() != "MQTT":
        raise MqttError(Reason.UNSUPPORTED_PROTOCOL_VERSION, "protocol name is not MQTT")
    level = reader.unsigned(1)
    if level not in {Version.V311, Version.V5}:
        raise MqttError(Reason.UNSUPPORTED_PROTOCOL_VERSION, f"protocol level {level}, not 4 or 5")
    version = Version(level)
    flags, keepalive_s = reader.unsigned(1), reader.unsigned(2)
    if flags & 1 or (not _bit(flags, 2) and flags & 0x38) or flags >> 3 & 3 == 3:
        raise MqttError(Reason.MALFORMED_PACKET, f"connect flags {flags:#x} contradict themselves")
    properties = _properties(reader, version, _CONNECT)
    client_id = reader.text()
    will = _read_will(reader, flags, version) if _bit(flags, 2) else None
    username = reader.text() if _bit(flags, 7) else None
    password = reader.binary() if _bit(flags, 6) else None
    return Connect(
        client_id=client_id,
        version=version,
        clean_start=_bit(flags, 1),
        keepalive_s=keepalive_s,
        will=will,
        username=username,
        password=password,
        properties=properties,
    )


def _read_will(reader: Reader, flags: int, version: Version) -> Will:
    properties = _properties(reader, version, _WILL)
    topic, payload = reader.text(), reader.binary()
    return Will(topic, payload, flags >> 3 & 3, _bit(flags, 5), properties)


def _read_connack(reader: Reader, version: Version) -> Connack:
    present, reason = reader.unsigned(1), reader.unsigned(1)
    return Connack(reason, _bit(present, 0), _properties(reader, version, _CONNACK))


def _read_publish(reader: Reader, flags: int, version: Version) -> Publish:
    qos = flags >> 1 & 3
    if qos == 3 or (qos == 0 and flags & 8):
        raise MqttError(Reason.MALFORMED_PACKET, f"publish flags {flags:#x} contradict themselves")
    topic = reader.text()
    packet_id = _packet_id(reader) if qos else 0
    properties = _properties(reader, version, _PUBLISH)
    return Publish(
        topic, reader.rest(), qos, bool(flags & 1), bool(flags & 8), packet_id, properties
    )


def _read_puback(reader: Reader, version: Version) -> Puback:
    packet_id = _packet_id(reader)
    if version is Version.V311 or not reader.left:
        return Puback(packet_id)
    reason = reader.unsigned(1)
    if reader.left:
        reader.properties(_ACK)
    return Puback(packet_id, reason)


def _read_subscribe(reader: Reader, version: Version) -> Subscribe:
    packet_id = _packet_id(reader)
    properties = _properties(reader, version, _SUBSCRIBE)
    wanted: list[Subscription] = []
    while reader.left or not wanted:
        wanted.append(_read_subscription(reader, version))
    return Subscribe(packet_id, tuple(wanted), properties)


def _read_subscription(reader: Reader, version: Version) -> Subscription:
    topic_filter, options = reader.text(), reader.unsigned(1)
    reserved = 0xC0 if version is Version.V5 else 0xFC
    if options & reserved or options & 3 == 3 or options >> 4 & 3 == 3:
        raise MqttError(Reason.MALFORMED_PACKET, f"subscription options {options:#x} are reserved")
    return Subscription(
        topic_filter, options & 3, _bit(options, 2), _bit(options, 3), options >> 4 & 3
    )


def _read_suback(reader: Reader, version: Version) -> Suback:
    packet_id = _packet_id(reader)
    _properties(reader, version, _ACK)
    return Suback(packet_id, tuple(reader.rest()))


def _read_unsubscribe(reader: Reader, version: Version) -> Unsubscribe:
    packet_id = _packet_id(reader)
    properties = _properties(reader, version, frozenset({Property.USER_PROPERTY}))
    filters = [reader.text()]
    while reader.left:
        filters.append(reader.text())
    return Unsubscribe(packet_id, tuple(filters), properties)


def _read_unsuback(reader: Reader, version: Version) -> Unsuback:
    packet_id = _packet_id(reader)
    _properties(reader, version, _ACK)
    return Unsuback(packet_id, tuple(reader.rest()))


def _read_disconnect(reader: Reader, version: Version) -> Disconnect:
    if version is Version.V311 or not reader.left:
        return Disconnect()
    reason = reader.unsigned(1)
    return Disconnect(reason, reader.properties(_DISCONNECT) if reader.left else {})


_READERS: Final[dict[PacketType, Callable[[Reader, Version], Packet]]] = {
    PacketType.CONNECT: _read_connect,
    PacketType.CONNACK: _read_connack,
    PacketType.PUBACK: _read_puback,
    PacketType.SUBSCRIBE: _read_subscribe,
    PacketType.SUBACK: _read_suback,
    PacketType.UNSUBSCRIBE: _read_unsubscribe,
    PacketType.UNSUBACK: _read_unsuback,
    PacketType.PINGREQ: lambda _reader, _version: Pingreq(),
    PacketType.PINGRESP: lambda _reader, _version: Pingresp(),
    PacketType.DISCONNECT: _read_disconnect,
}
