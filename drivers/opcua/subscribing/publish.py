"""The envelope of a publish response: whose notification it is, and where its parts lie.

Source: OPC 10000-4, 5.14.5 (Publish), 5.14.6 (Republish) and 7.26 (NotificationMessage).
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from drivers.opcua.decoding.binary import (
    DecodeError,
    count_at,
    decoding,
    node_id,
    skip_diagnostic_info,
    skip_extension_object,
    strings,
    u32,
)

SERVICE_FAULT: Final = 397
READ_RESPONSE: Final = 634
DATA_CHANGE: Final = 811
STATUS_CHANGE: Final = 820
PUBLISH_RESPONSE: Final = 829
REPUBLISH_RESPONSE: Final = 835
EVENTS: Final = 916

_HEADER = struct.Struct("<qII").unpack_from  # time, request handle, service result
_TICKS = struct.Struct("<q").unpack_from

# what nearly all servers send: a type of four bytes, no diagnostics, no strings, nothing added
_USUAL = struct.Struct("<HHqIIBi3s")
_BEGINNING = struct.Struct("<Ii").unpack_from  # subscription, numbers that are available
_ONE_CHANGE = struct.Struct("<?IqiBBHBi").unpack_from  # a message of one DataChangeNotification
_ONE_CHANGE_BYTES: Final = struct.calcsize("<?IqiBBHBi")
_FOUR_BYTES: Final = 1  # encoding of a NodeId of namespace 0, as "<H" reads it
_DATA_CHANGE_HEAD: Final = (1, _FOUR_BYTES, 0, DATA_CHANGE, 1)  # one part, with a body of bytes
_NO_STRINGS: Final = frozenset({-1, 0})


class Answer(NamedTuple):
    """The head of any response."""

    type_id: int
    status: int
    """Service result; 0 is good."""
    body: int
    """Where the rest begins."""


class Part(NamedTuple):
    """One notification of a message."""

    type_id: int
    start: int
    end: int


class Notification(NamedTuple):
    """A message of a subscription; without parts it only says that the subscription lives."""

    subscription_id: int
    sequence: int
    parts: tuple[Part, ...]
    more: bool = False
    """Whether the subscription has more to tell, and waits only for requests to answer."""
    sent_ticks: int = 0
    """When the server sent it (PublishTime), in 100 ns of its clock since 1601; 0: unknown."""


def read_answer(data: bytes) -> Answer:
    """Decode the type and the header of a response.

    Raises:
        DecodeError: the bytes are torn or false.
    """
    with decoding("a response header"):
        kind, type_id, _, _, status, diagnostics, count, added = _USUAL.unpack_from(data)
        if kind == _FOUR_BYTES and not diagnostics and count in _NO_STRINGS and not any(added):
            return Answer(type_id, status, _USUAL.size)
        type_id, pos = node_id(data, 0)
        _, _, status = _HEADER(data, pos)
        pos = skip_diagnostic_info(data, pos + 16)
        _, pos = strings(data, pos)
        return Answer(type_id, status, skip_extension_object(data, pos))


def read_notification(data: bytes, pos: int) -> Notification:
    """Decode what follows the header of a publish response.

    Raises:
        DecodeError: the bytes are torn or false.
    """
    usual = _one_change(data, pos)
    if usual is not None:
        return usual
    with decoding("a publish response"):
        subscription_id, pos = u32(data, pos)
        available, pos = count_at(data, pos, least_bytes=4)
        pos += 4 * available
        more = data[pos] != 0
        sequence, sent_ticks, parts = _message(data, pos + 1)
    return Notification(subscription_id, sequence, parts, more, sent_ticks)


def read_again(data: bytes, subscription_id: int) -> Notification:
    """Decode a republish response: a message of a subscription that is sent again.

    Raises:
        DecodeError: the bytes are torn or false, or answer something else.
    """
    answer = read_answer(data)
    if answer.type_id != REPUBLISH_RESPONSE:
        raise DecodeError(f"a message of type {answer.type_id} answers a Republish")
    with decoding("a republish response"):
        sequence, _, parts = _message(data, answer.body)
    return Notification(subscription_id, sequence, parts)


def read_status_change(data: bytes, part: Part) -> int:
    """Give the status code of a StatusChangeNotification."""
    with decoding("a status change"):
        return u32(data, part.start)[0]


def _one_change(data: bytes, pos: int) -> Notification | None:
    """Decode a publish response that holds one data change, as most do; None for any other."""
    if len(data) < pos + 8:
        return None
    subscription_id, available = _BEGINNING(data, pos)
    at = pos + 8 + 4 * max(available, 0)
    start = at + _ONE_CHANGE_BYTES
    if not -1 <= available <= len(data) or start > len(data):
        return None
    more, sequence, sent, count, kind, space, type_id, encoding, size = _ONE_CHANGE(data, at)
    if (count, kind, space, type_id, encoding) != _DATA_CHANGE_HEAD:
        return None
    if not 0 <= size <= len(data) - start:
        return None
    parts = (Part(type_id, start, start + size),)
    return Notification(subscription_id, sequence, parts, more, sent)


def _message(data: bytes, pos: int) -> tuple[int, int, tuple[Part, ...]]:
    """Read a NotificationMessage: its number, when it was sent, and where its parts lie."""
    sequence, pos = u32(data, pos)
    sent_ticks = _TICKS(data, pos)[0]
    count, pos = count_at(data, pos + 8, least_bytes=3)
    parts: list[Part] = []
    for _ in range(count):
        part, pos = _part(data, pos)
        parts.append(part)
    return sequence, sent_ticks, tuple(parts)


def _part(data: bytes, pos: int) -> tuple[Part, int]:
    """Read one notification, an ExtensionObject with a body of bytes."""
    end = skip_extension_object(data, pos)
    type_id, pos = node_id(data, pos)
    if data[pos] != 1:
        raise DecodeError(f"a notification with body encoding {data[pos]}")
    return Part(type_id, pos + 5, end), end
