"""Lists of data values, decoded into columns; the same bytes give the same columns on any path.

Three ways, each faster and narrower than the one before: value by value for whatever may come;
one precompiled struct per item for scalars of fixed width; and in `decoding.shape` one
struct for a whole message that looks like the last one.

Source: OPC 10000-6, 5.2.2.17 (DataValue: the order on the wire is value, status, source time
and picoseconds, server time and picoseconds); OPC 10000-4, 7.25.2 (DataChangeNotification).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from drivers.opcua.decoding.binary import (
    STRING,
    DecodeError,
    count_at,
    decoding,
    skip_diagnostic_info,
    strings,
    trailer_size,
)
from drivers.opcua.decoding.values import FLOATS, NO_DATA, SCALARS, read_variant, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from drivers.api import Value

HAS_VALUE, HAS_STATUS, HAS_SOURCE_TIME, HAS_SERVER_TIME = 1, 2, 4, 8
ARRAY = 0x80
"""Bit of a variant's encoding: an array follows."""

HEAD_BYTES = 6
"""Client handle, mask and variant type: what tells how the rest of an item is laid out."""

_STATUS_BYTES, _TIME_BYTES = 4, 8

_U32 = struct.Struct("<I").unpack_from
_I64 = struct.Struct("<q").unpack_from


@dataclass(slots=True)
class Columns:
    """Data values of one message, still as the server sent them; columns of the same length."""

    handles: tuple[int, ...]
    """Client handle of each value; empty for the answer to a Read, whose order is the request's."""
    values: Sequence[Value]
    statuses: Sequence[int] | None = None
    """Status code of each value; None where every one is 0, plainly good."""
    sources: Sequence[int] | None = None
    """Source time in 100 ns since 1601, 0 where absent; None where every one is absent."""
    unfit: dict[int, str] = field(default_factory=dict)
    """Position -> why there is no value though the server sent something."""
    floats: bool = True
    """Whether a value may be not a number."""
    pattern: tuple[int, ...] | None = None
    """Source times that come again and again, in turn, the last turn perhaps cut short; all
    statuses are then 0. None where that is not known."""


class ItemLayout(NamedTuple):
    """How one monitored item of fixed width lies in the message."""

    unpack: Callable[[bytes, int], tuple[int | bool | float, ...]]
    size: int
    mask: int
    item: str
    """Struct format of the whole item without its head and the byte order."""
    floats: bool
    code: str
    """Struct format of the value."""
    tail: int
    """Where in the item the value ends."""
    source: int
    """Where the source time begins, if there is one."""
    heads: bytes
    """1 for the bits of an item's head, 0 for the others."""
    known: bytes
    """1 for the bits that are known where it is plainly good: head, status and source time."""


def layout_of(key: bytes) -> ItemLayout | None:
    """Give the layout for a mask and a variant type; None where items differ in width."""
    if len(key) != 2 or not key[0] & HAS_VALUE or key[1] not in SCALARS:
        return None
    mask = key[0]
    rest = trailer_size(mask & ~(HAS_STATUS | HAS_SOURCE_TIME))
    code = SCALARS[key[1]]
    body = (
        code
        + ("I" if mask & HAS_STATUS else "")
        + ("q" if mask & HAS_SOURCE_TIME else "")
        + (f"{rest}x" if rest else "")
    )
    whole = struct.Struct("<I2x" + body)
    tail = HEAD_BYTES + struct.calcsize("<" + code)
    source = tail + (_STATUS_BYTES if mask & HAS_STATUS else 0)
    head = b"\xff" * HEAD_BYTES
    behind = source + (_TIME_BYTES if mask & HAS_SOURCE_TIME else 0)
    known = head.ljust(tail, b"\0").ljust(behind, b"\xff")
    return ItemLayout(
        whole.unpack_from, whole.size, mask, f"{HEAD_BYTES}x{body}", key[1] in FLOATS, code, tail,
        source, head.ljust(whole.size, b"\0"), known.ljust(whole.size, b"\0"),
    )  # fmt: skip


class _Layouts(dict[bytes, ItemLayout | None]):
    """Layouts by mask and type, made when first met; at most one per pair of bytes."""

    def __missing__(self, key: bytes) -> ItemLayout | None:
        layout = self[key] = layout_of(key)
        return layout


LAYOUTS = _Layouts()
"""Every layout met so far in this process."""


def read_data_value(data: bytes, pos: int) -> tuple[Value, str, int, int, int]:
    """Give (value, reason, status code, source time or 0, position behind)."""
    mask = data[pos]
    pos += 1
    value: Value = None
    reason = NO_DATA
    status = source = 0
    if mask & HAS_VALUE:
        value, reason, pos = read_variant(data, pos)
    if mask & HAS_STATUS:
        status = _U32(data, pos)[0]
        pos += 4
    if mask & HAS_SOURCE_TIME:
        source = _I64(data, pos)[0]
        pos += 8
    return value, reason, status, source, pos + trailer_size(mask & ~6)


def read_items(data: bytes, pos: int, count: int) -> tuple[Columns, int]:
    """Decode monitored items one after the other; give the columns and the position behind."""
    handles: list[int] = []
    values: list[Value] = []
    statuses: list[int] = []
    sources: list[int] = []
    unfit: dict[int, str] = {}
    layouts = LAYOUTS
    fields: tuple[int | bool | float, ...]
    for position in range(count):
        layout = layouts[data[pos + 4 : pos + 6]]
        if layout is None:
            handles.append(_U32(data, pos)[0])
            value, reason, status, source, pos = read_data_value(data, pos + 4)
            values.append(value)
            statuses.append(status)
            sources.append(source)
            if reason:
                unfit[position] = reason
            continue
        fields = layout.unpack(data, pos)
        pos += layout.size
        handles.append(fields[0])  # type: ignore[arg-type]  # the layout's first field is "I"
        values.append(fields[1])
        mask = layout.mask
        statuses.append(fields[2] if mask & HAS_STATUS else 0)  # type: ignore[arg-type]  # "I"
        sources.append(fields[-1] if mask & HAS_SOURCE_TIME else 0)  # type: ignore[arg-type]  # "q"
    return _columns(tuple(handles), values, statuses, sources, unfit), pos


def read_results(data: bytes, pos: int, *, expected: int) -> Columns:
    """Decode the array of data values that answers a Read of `expected` nodes.

    Raises:
        DecodeError: the bytes are torn or false, or the number is another.
    """
    values: list[Value] = []
    statuses: list[int] = []
    sources: list[int] = []
    unfit: dict[int, str] = {}
    with decoding("the answer to a Read"):
        count, pos = count_at(data, pos, least_bytes=1)
        if count != expected:
            raise DecodeError(f"{count} values answer a Read of {expected} nodes")
        for position in range(count):
            value, reason, status, source, pos = read_data_value(data, pos)
            values.append(value)
            statuses.append(status)
            sources.append(source)
            if reason:
                unfit[position] = reason
    if pos > len(data):
        raise DecodeError("the answer to a Read ends early")
    return _columns((), values, statuses, sources, unfit)


def end_of_diagnostics(data: bytes, pos: int) -> int:
    """Step over an array of DiagnosticInfo."""
    count, pos = count_at(data, pos, least_bytes=1)
    for _ in range(count):
        pos = skip_diagnostic_info(data, pos)
    return pos


def _columns(
    handles: tuple[int, ...],
    values: list[Value],
    statuses: list[int],
    sources: list[int],
    unfit: dict[int, str],
) -> Columns:
    return Columns(
        handles,
        values,
        statuses if any(statuses) else None,
        sources if any(sources) else None,
        unfit,
    )


def read_text_array(data: bytes, pos: int) -> list[str]:
    """Decode the answer to a Read of one array of texts; empty where it holds anything else.

    Raises:
        DecodeError: the bytes are torn or false.
    """
    with decoding("an array of texts"):
        count, pos = count_at(data, pos, least_bytes=1)
        if count != 1 or not data[pos] & HAS_VALUE or data[pos + 1] != ARRAY | STRING:
            return []
        found, _ = strings(data, pos + 2)
    return [text_of(raw) or "" for raw in found]
