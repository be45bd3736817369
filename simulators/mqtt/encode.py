"""Packets into bytes, for MQTT 3.1.1 and 5. Source: MQTT 5.0, chapters 2 and 3.

Guarantees: `decode` gives the same packet back, except for what 3.1.1 cannot say (properties and
reason codes are left out there). It never does input or output.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

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
    Reason,
    write_binary,
    write_properties,
    write_text,
    write_varint,
)

if TYPE_CHECKING:
    from simulators.mqtt.wire import Properties


def encode(packet: Packet, version: Version) -> bytes:  # noqa: C901, PLR0911 - one case per packet
    """Write one packet as it goes on the wire."""
    match packet:
        case Publish():
            return _publish(packet, version)
        case Puback():
            return _puback(packet, version)
        case Connect():
            return _frame(PacketType.CONNECT, 0, _connect(packet))
        case Connack():
            head = bytes((packet.session_present, packet.reason))
            return _frame(PacketType.CONNACK, 0, head + _block(packet.properties, version))
        case Subscribe():
            items = b"".join(_subscription(item) for item in packet.subscriptions)
            head = _id(packet.packet_id) + _block(packet.properties, version)
            return _frame(PacketType.SUBSCRIBE, 2, head + items)
        case Suback():
            head = _id(packet.packet_id) + _block({}, version)
            return _frame(PacketType.SUBACK, 0, head + bytes(packet.reasons))
        case Unsubscribe():
            items = b"".join(write_text(item) for item in packet.topic_filters)
            head = _id(packet.packet_id) + _block(packet.properties, version)
            return _frame(PacketType.UNSUBSCRIBE, 2, head + items)
        case Unsuback():
            reasons = bytes(packet.reasons) if version is Version.V5 else b""
            head = _id(packet.packet_id) + _block({}, version)
            return _frame(PacketType.UNSUBACK, 0, head + reasons)
        case Pingreq():
            return _frame(PacketType.PINGREQ, 0, b"")
        case Pingresp():
            return _frame(PacketType.PINGRESP, 0, b"")
        case Disconnect():
            return _disconnect(packet, version)
        case _:
            assert_never(packet)


def _frame(kind: PacketType, flags: int, body: bytes) -> bytes:
    return bytes((kind << 4 | flags,)) + write_varint(len(body)) + body


def _id(packet_id: int) -> bytes:
    return packet_id.to_bytes(2, "big")


def _block(properties: Properties, version: Version) -> bytes:
    return write_properties(properties) if version is Version.V5 else b""


def _publish(packet: Publish, version: Version) -> bytes:
    flags = packet.dup << 3 | packet.qos << 1 | packet.retain
    head = write_text(packet.topic) + (_id(packet.packet_id) if packet.qos else b"")
    body = head + _block(packet.properties, version) + packet.payload
    return _frame(PacketType.PUBLISH, flags, body)


def _puback(packet: Puback, version: Version) -> bytes:
    said = version is Version.V5 and packet.reason != Reason.SUCCESS
    return _frame(
        PacketType.PUBACK, 0, _id(packet.packet_id) + (bytes((packet.reason,)) if said else b"")
    )


def _disconnect(packet: Disconnect, version: Version) -> bytes:
    if version is Version.V311 or (packet.reason == Reason.SUCCESS and not packet.properties):
        return _frame(PacketType.DISCONNECT, 0, b"")
    body = bytes((packet.reason,)) + write_properties(packet.properties)
    return _frame(PacketType.DISCONNECT, 0, body)


def _connect(packet: Connect) -> bytes:
    will = packet.will
    flags = packet.clean_start << 1
    flags |= (packet.username is not None) << 7 | (packet.password is not None) << 6
    if will is not None:
        flags |= 1 << 2 | will.qos << 3 | will.retain << 5
    body = write_text("MQTT") + bytes((packet.version, flags))
    body += packet.keepalive_s.to_bytes(2, "big") + _block(packet.properties, packet.version)
    body += write_text(packet.client_id) + _will(will, packet.version)
    body += write_text(packet.username) if packet.username is not None else b""
    return body + (write_binary(packet.password) if packet.password is not None else b"")


def _will(will: Will | None, version: Version) -> bytes:
    if will is None:
        return b""
    return _block(will.properties, version) + write_text(will.topic) + write_binary(will.payload)


def _subscription(item: Subscription) -> bytes:
    options = item.retain_handling << 4 | item.retain_as_published << 3 | item.no_local << 2
    return write_text(item.topic_filter) + bytes((options | item.qos,))
