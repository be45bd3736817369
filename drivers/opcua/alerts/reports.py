"""Event notifications, decoded field by field within bounds; nothing of a server is believed.

A field of another type than it should have is taken as absent. Texts are cut, never refused: an
alarm without its last words is worth more than no alarm.

Source: OPC 10000-4, 7.25.3 (EventNotificationList); OPC 10000-5, 6.4.2 (fields of every event);
OPC 10000-9, 5.5.2, 5.7.2 and 5.8.2 (fields of conditions).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias
from uuid import UUID

from drivers.opcua.decoding.binary import DecodeError, chunk, count_at, decoding, skip_variant, u32
from drivers.opcua.decoding.values import text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_CHARS: Final = 1024
"""Longest text of an event that is kept."""

MAX_ID_BYTES: Final = 512
"""A longer id of an event or a node is known by its digest."""

MOST_EVENTS: Final = 1_000
"""Events of one message that are looked at; what is behind them is as good as lost."""

MOST_ELEMENTS: Final = 100
"""Elements of an array that stands where none belongs, and is stepped over."""

MOST_FIELDS: Final = 64
"""More fields than were asked for are false; so many are stepped over, no more."""

_TICKS_1970: Final = 116_444_736_000_000_000  # 1970-01-01 in 100 ns since 1601
_LAST_TICK: Final = 2_650_467_743_990_000_000  # 9999-12-31T23:59:59Z

Identifier: TypeAlias = int | str | bytes | UUID


class NodeKey(NamedTuple):
    """A NodeId as it stands in a message; the index is good for this session only."""

    namespace: int
    identifier: Identifier


Field: TypeAlias = bool | int | str | bytes | NodeKey | None


@dataclass(frozen=True, slots=True)
class Report:
    """One event as the server sent it; None or empty where it does not say."""

    event_id: bytes = b""
    kind: NodeKey | None = None
    """Its type."""
    source: str = ""
    time_ns: int | None = None
    """UTC nanoseconds; None where absent or no time."""
    message: str = ""
    severity: int = 0
    active: bool | None = None
    acked: bool | None = None
    condition_name: str = ""
    condition: NodeKey | None = None
    handle: int = field(default=0, compare=False)
    """Client handle of the notifier it came by."""


def count_events(data: bytes, start: int) -> int:
    """Give how many events the body of an EventNotificationList says it has.

    Raises:
        DecodeError: there are not bytes for so many.
    """
    with decoding("an event notification"):
        return count_at(data, start, least_bytes=8)[0]


def read_events(data: bytes, start: int, end: int) -> Iterator[Report]:
    """Decode the first events of a body whose fields are those of `requests.FIELDS`.

    One at a time, so that nothing is held that is not kept; `MOST_EVENTS` at most, so that the
    others of the loop do not wait.

    Raises:
        DecodeError: the bytes are torn or false; events before them were given.
    """
    pos = start + 4
    for _ in range(min(count_events(data, start), MOST_EVENTS)):
        with decoding("an event notification"):
            handle, pos = u32(data, pos)
            report, pos = _read_event(data, pos, handle=handle)
        if pos > min(end, len(data)):
            raise DecodeError("an event notification ends early")
        yield report


def _read_event(data: bytes, pos: int, *, handle: int) -> tuple[Report, int]:
    """Decode the fields of one event; a shorter list of fields lacks the last ones."""
    count, pos = count_at(data, pos, least_bytes=1)
    if count > MOST_FIELDS:
        raise DecodeError(f"an event of {count} fields")
    fields: list[Field] = []
    for _ in range(count):
        value, pos = _read_field(data, pos)
        fields.append(value)
    fields += [None] * (_ASKED - count)
    return _report(fields, handle), pos


_ASKED: Final = 10


def _report(fields: list[Field], handle: int) -> Report:
    """Give fields their meaning, in the order of `requests.FIELDS`."""
    event_id, kind, source, time, message, severity, active, acked, name, condition = fields[:10]
    return Report(
        event_id=event_id if isinstance(event_id, bytes) else b"",
        kind=kind if isinstance(kind, NodeKey) else None,
        source=_text(source),
        time_ns=_time_ns(time),
        message=_text(message),
        severity=_severity(severity),
        active=active if isinstance(active, bool) else None,
        acked=acked if isinstance(acked, bool) else None,
        condition_name=_text(name),
        condition=condition if isinstance(condition, NodeKey) else None,
        handle=handle,
    )


def _text(value: Field) -> str:
    return value[:MAX_CHARS] if isinstance(value, str) else ""


def _severity(value: Field) -> int:
    """Give 1 to 1000, or 0 for what is none."""
    known = isinstance(value, int) and not isinstance(value, bool)
    return value if known and isinstance(value, int) and 1 <= value <= 1000 else 0


def _time_ns(value: Field) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _LAST_TICK:
        return None
    return (value - _TICKS_1970) * 100


def _read_field(data: bytes, pos: int) -> tuple[Field, int]:
    """Read one variant; what is no scalar of a known type is stepped over and absent."""
    encoding = data[pos]
    reader = _READERS.get(encoding)
    if reader is not None:
        return reader(data, pos + 1)
    if encoding & 0x3F in _NESTING:
        raise DecodeError(f"an event field of type {encoding & 0x3F}")
    if encoding & 0x80:
        count, _ = count_at(data, pos + 1, least_bytes=1)
        if count > MOST_ELEMENTS:
            raise DecodeError(f"an event field of {count} elements")
    return None, skip_variant(data, pos)


def _boolean(data: bytes, pos: int) -> tuple[Field, int]:
    return bool(data[pos]), pos + 1


def _number(code: str) -> Callable[[bytes, int], tuple[Field, int]]:
    layout = struct.Struct("<" + code)

    def read(data: bytes, pos: int) -> tuple[Field, int]:
        number: int = layout.unpack_from(data, pos)[0]
        return number, pos + layout.size

    return read


def _string(data: bytes, pos: int) -> tuple[Field, int]:
    raw, pos = chunk(data, pos)
    return (None if raw is None else _decoded(raw)), pos


def _decoded(raw: bytes) -> str:
    """Decode a text; one that is torn keeps what can be read of it."""
    short = raw[: 4 * MAX_CHARS]
    return text_of(short) or short.decode("utf-8", "replace")


def _byte_string(data: bytes, pos: int) -> tuple[Field, int]:
    raw, pos = chunk(data, pos)
    return (None if raw is None else _short(raw)), pos


def _short(raw: bytes) -> bytes:
    return raw if len(raw) <= MAX_ID_BYTES else sha256(raw).hexdigest().encode()


def _localized_text(data: bytes, pos: int) -> tuple[Field, int]:
    mask = data[pos]
    pos += 1
    if mask & 1:
        _, pos = chunk(data, pos)
    return _string(data, pos) if mask & 2 else (None, pos)


def _node_id(data: bytes, pos: int) -> tuple[Field, int]:
    """Read a NodeId. Source: OPC 10000-6, 5.2.2.9."""
    kind = data[pos]
    if kind == 0:
        return NodeKey(0, data[pos + 1]), pos + 2
    if kind == 1:
        return NodeKey(data[pos + 1], _U16(data, pos + 2)[0]), pos + 4
    space: int = _U16(data, pos + 1)[0]
    pos += 3
    if kind == 2:
        number, pos = u32(data, pos)
        return NodeKey(space, number), pos
    if kind == 4:
        return NodeKey(space, UUID(bytes_le=_sixteen(data, pos))), pos + 16
    if kind not in {3, 5}:
        raise DecodeError(f"a NodeId of kind {kind}")
    raw, pos = chunk(data, pos)
    name = _short(raw or b"")
    return NodeKey(space, name if kind == 5 else _decoded(name)), pos


def _sixteen(data: bytes, pos: int) -> bytes:
    if pos + 16 > len(data):
        raise IndexError(f"16 bytes wanted, {len(data) - pos} remain")
    return data[pos : pos + 16]


_NESTING: Final = frozenset({23, 24, 25})  # DataValue, Variant, DiagnosticInfo
_U16 = struct.Struct("<H").unpack_from
_READERS: Final[dict[int, Callable[[bytes, int], tuple[Field, int]]]] = {
    1: _boolean,
    2: _number("b"), 3: _number("B"), 4: _number("h"), 5: _number("H"),
    6: _number("i"), 7: _number("I"), 8: _number("q"), 9: _number("Q"),
    12: _string, 13: _number("q"), 15: _byte_string, 17: _node_id, 21: _localized_text,
}  # fmt: skip
"""Encoding byte of a scalar variant -> how it is read."""
