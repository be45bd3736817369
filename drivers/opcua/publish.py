"""The envelope of a publish response: whose notification it is, and where its parts lie.

Source: OPC 10000-4, 5.14.5 (Publish) and 7.26 (NotificationMessage).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from drivers.opcua.binary import (
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

_HEADER = struct.Struct("<qII").unpack_from  # time, request handle, service result


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of any response."""

    type_id: int
    status: int
    """Service result; 0 is good."""
    body: int
    """Where the rest begins."""


@dataclass(frozen=True, slots=True)
class Part:
    """One notification of a message."""

    type_id: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Notification:
    """A message of a subscription; without parts it only says that the subscription lives."""

    subscription_id: int
    sequence: int
    parts: tuple[Part, ...]


def read_answer(data: bytes) -> Answer:
    """Decode the type and the header of a response.

    Raises:
        DecodeError: the bytes are torn or false.
    """
    with decoding("a response header"):
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
    with decoding("a publish response"):
        subscription_id, pos = u32(data, pos)
        available, pos = count_at(data, pos, least_bytes=4)
        sequence, pos = u32(data, pos + 4 * available + 1)  # behind MoreNotifications
        count, pos = count_at(data, pos + 8, least_bytes=3)  # behind the publish time
        parts: list[Part] = []
        for _ in range(count):
            part, pos = _part(data, pos)
            parts.append(part)
    return Notification(subscription_id, sequence, tuple(parts))


def read_status_change(data: bytes, part: Part) -> int:
    """Give the status code of a StatusChangeNotification."""
    with decoding("a status change"):
        return u32(data, part.start)[0]


def _part(data: bytes, pos: int) -> tuple[Part, int]:
    """Read one notification, an ExtensionObject with a body of bytes."""
    end = skip_extension_object(data, pos)
    type_id, pos = node_id(data, pos)
    if data[pos] != 1:
        raise DecodeError(f"a notification with body encoding {data[pos]}")
    return Part(type_id, pos + 5, end), end
