"""Data types of MQTT on the wire: integers, strings, properties. Source: MQTT 5.0, 1.5, 2.2.2.

Guarantees: whatever bytes come in, the outcome is a value or `MqttError`, and no length a peer
announces is believed before that many bytes are there. It never does input or output.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_VARINT: Final = 268_435_455
"""The largest remaining length and variable byte integer."""


class Reason(IntEnum):
    """Reason codes of MQTT 5 that this broker gives or understands."""

    SUCCESS = 0x00
    GRANTED_QOS_1 = 0x01
    DISCONNECT_WITH_WILL = 0x04
    NO_MATCHING_SUBSCRIBERS = 0x10
    NO_SUBSCRIPTION_EXISTED = 0x11
    UNSPECIFIED_ERROR = 0x80
    MALFORMED_PACKET = 0x81
    PROTOCOL_ERROR = 0x82
    UNSUPPORTED_PROTOCOL_VERSION = 0x84
    CLIENT_IDENTIFIER_NOT_VALID = 0x85
    BAD_USER_NAME_OR_PASSWORD = 0x86
    NOT_AUTHORIZED = 0x87
    SERVER_UNAVAILABLE = 0x88
    SERVER_SHUTTING_DOWN = 0x8B
    BAD_AUTHENTICATION_METHOD = 0x8C
    KEEP_ALIVE_TIMEOUT = 0x8D
    SESSION_TAKEN_OVER = 0x8E
    TOPIC_FILTER_INVALID = 0x8F
    TOPIC_NAME_INVALID = 0x90
    RECEIVE_MAXIMUM_EXCEEDED = 0x93
    TOPIC_ALIAS_INVALID = 0x94
    PACKET_TOO_LARGE = 0x95
    QUOTA_EXCEEDED = 0x97
    PAYLOAD_FORMAT_INVALID = 0x99
    QOS_NOT_SUPPORTED = 0x9B
    SHARED_SUBSCRIPTIONS_NOT_SUPPORTED = 0x9E
    SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED = 0xA1


class MqttError(Exception):
    """The peer broke the protocol; `reason` is what it is told."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class Property(IntEnum):
    """Property identifiers of MQTT 5."""

    PAYLOAD_FORMAT = 0x01
    MESSAGE_EXPIRY_S = 0x02
    CONTENT_TYPE = 0x03
    RESPONSE_TOPIC = 0x08
    CORRELATION_DATA = 0x09
    SUBSCRIPTION_ID = 0x0B
    SESSION_EXPIRY_S = 0x11
    ASSIGNED_CLIENT_ID = 0x12
    SERVER_KEEP_ALIVE_S = 0x13
    AUTH_METHOD = 0x15
    AUTH_DATA = 0x16
    REQUEST_PROBLEM_INFO = 0x17
    WILL_DELAY_S = 0x18
    REQUEST_RESPONSE_INFO = 0x19
    RESPONSE_INFO = 0x1A
    SERVER_REFERENCE = 0x1C
    REASON_STRING = 0x1F
    RECEIVE_MAXIMUM = 0x21
    TOPIC_ALIAS_MAXIMUM = 0x22
    TOPIC_ALIAS = 0x23
    MAXIMUM_QOS = 0x24
    RETAIN_AVAILABLE = 0x25
    USER_PROPERTY = 0x26
    MAXIMUM_PACKET_BYTES = 0x27
    WILDCARD_AVAILABLE = 0x28
    SUBSCRIPTION_ID_AVAILABLE = 0x29
    SHARED_AVAILABLE = 0x2A


PropertyValue: TypeAlias = int | str | bytes | tuple[tuple[str, str], ...]
Properties: TypeAlias = "Mapping[Property, PropertyValue]"

_INT_BYTES: Final = {
    Property.PAYLOAD_FORMAT: 1,
    Property.MESSAGE_EXPIRY_S: 4,
    Property.SESSION_EXPIRY_S: 4,
    Property.SERVER_KEEP_ALIVE_S: 2,
    Property.REQUEST_PROBLEM_INFO: 1,
    Property.WILL_DELAY_S: 4,
    Property.REQUEST_RESPONSE_INFO: 1,
    Property.RECEIVE_MAXIMUM: 2,
    Property.TOPIC_ALIAS_MAXIMUM: 2,
    Property.TOPIC_ALIAS: 2,
    Property.MAXIMUM_QOS: 1,
    Property.RETAIN_AVAILABLE: 1,
    Property.MAXIMUM_PACKET_BYTES: 4,
    Property.WILDCARD_AVAILABLE: 1,
    Property.SUBSCRIPTION_ID_AVAILABLE: 1,
    Property.SHARED_AVAILABLE: 1,
}
_BINARY: Final = frozenset({Property.CORRELATION_DATA, Property.AUTH_DATA})


class Reader:
    """A cursor over the body of one packet; every read checks what is left."""

    __slots__ = ("_body", "_end", "_position")

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._position = 0
        self._end = len(body)

    @property
    def left(self) -> int:
        """How many bytes are still unread."""
        return self._end - self._position

    def take(self, count: int) -> bytes:
        """Give the next `count` bytes."""
        start = self._position
        if count > self._end - start:
            raise MqttError(Reason.MALFORMED_PACKET, "packet ends inside a field")
        self._position = start + count
        return self._body[start : start + count]

    def rest(self) -> bytes:
        """Give everything that is left."""
        return self.take(self.left)

    def unsigned(self, count: int) -> int:
        """Give a big-endian unsigned integer of `count` bytes."""
        return int.from_bytes(self.take(count), "big")

    def varint(self) -> int:
        """Give a variable byte integer of at most four bytes."""
        value = 0
        for shift in (0, 7, 14, 21):
            byte = self.unsigned(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise MqttError(Reason.MALFORMED_PACKET, "variable byte integer is longer than 4 bytes")

    def binary(self) -> bytes:
        """Give binary data behind a two-byte length."""
        return self.take(self.unsigned(2))

    def text(self) -> str:
        """Give a UTF-8 string; surrogates and U+0000 are refused."""
        try:
            text = self.binary().decode()
        except UnicodeDecodeError as error:
            raise MqttError(Reason.MALFORMED_PACKET, "string is not UTF-8") from error
        if "\0" in text:
            raise MqttError(Reason.MALFORMED_PACKET, "string holds U+0000")
        return text

    def properties(self, allowed: frozenset[Property]) -> Properties:
        """Give a property block; one not in `allowed`, or given twice, is refused."""
        block = Reader(self.take(self.varint()))
        found: dict[Property, PropertyValue] = {}
        pairs: list[tuple[str, str]] = []
        while block.left:
            key = _known_property(block.varint(), allowed)
            if key is Property.USER_PROPERTY:
                pairs.append((block.text(), block.text()))
            elif key in found:
                raise MqttError(Reason.PROTOCOL_ERROR, f"property {key.name} is given twice")
            else:
                found[key] = block.property_value(key)
        if pairs:
            found[Property.USER_PROPERTY] = tuple(pairs)
        return found

    def property_value(self, key: Property) -> PropertyValue:
        """Give the value of property `key`, in the type the standard gives it."""
        if key in _INT_BYTES:
            return self.unsigned(_INT_BYTES[key])
        if key is Property.SUBSCRIPTION_ID:
            return self.varint()
        return self.binary() if key in _BINARY else self.text()


def _known_property(number: int, allowed: frozenset[Property]) -> Property:
    try:
        key = Property(number)
    except ValueError:
        raise MqttError(Reason.MALFORMED_PACKET, f"property {number:#x} is unknown") from None
    if key not in allowed:
        raise MqttError(Reason.PROTOCOL_ERROR, f"property {key.name} is not allowed here")
    return key


def write_varint(value: int) -> bytes:
    """Encode a variable byte integer; ValueError above `MAX_VARINT`."""
    if not 0 <= value <= MAX_VARINT:
        raise ValueError(f"{value} does not fit a variable byte integer")
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def write_binary(data: bytes) -> bytes:
    """Encode binary data behind its length; OverflowError above 65,535 bytes."""
    return len(data).to_bytes(2, "big") + data


def write_text(text: str) -> bytes:
    """Encode a UTF-8 string behind its length; OverflowError above 65,535 bytes."""
    return write_binary(text.encode())


def write_properties(properties: Properties) -> bytes:
    """Encode a property block with its length."""
    if not properties:
        return b"\0"
    out = bytearray()
    for key, value in properties.items():
        if isinstance(value, tuple):
            for name, text in value:
                out += bytes((key,)) + write_text(name) + write_text(text)
        else:
            out += bytes((key,)) + _write_value(key, value)
    return write_varint(len(out)) + bytes(out)


def _write_value(key: Property, value: float | str | bytes) -> bytes:
    if isinstance(value, bytes):
        return write_binary(value)
    if isinstance(value, str):
        return write_text(value)
    number = int(value)
    if key is Property.SUBSCRIPTION_ID:
        return write_varint(number)
    return number.to_bytes(_INT_BYTES[key], "big")


def number_property(properties: Properties, key: Property, default: int) -> int:
    """Give an integer property, or `default` where it is absent."""
    value = properties.get(key, default)
    return value if isinstance(value, int) else default
