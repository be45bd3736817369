"""What a variant's value becomes for the host, or why it cannot become one.

A value is a bool, int, float or text, or None with a reason: never a guess, never 0 for an error.
Arrays and structures have no place in a tag; they are stepped over unread, and where they stand is
told, so that a part of them can be taken (`drivers.opcua.structures.extract`).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from drivers.opcua.decoding.binary import (
    DecodeError,
    chunk,
    skip_data_value,
    skip_diagnostic_info,
    skip_extension_object,
    skip_node_id,
    skip_variant,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.api import Value

TYPE_MISMATCH: Final = "BadTypeMismatch"
NO_DATA: Final = "BadNoData"
NOT_A_NUMBER: Final = "BadNotANumber"
DECODING_ERROR: Final = "BadDecodingError"
OUT_OF_RANGE: Final = "BadOutOfRange"
TOO_LONG: Final = "BadEncodingLimitsExceeded"

MAX_TEXT_BYTES: Final = 65_536
"""A longer text is not a point's value; it would fill the outbox."""

SCALARS: Final = {
    1: "?", 2: "b", 3: "B", 4: "h", 5: "H", 6: "i", 7: "I", 8: "q", 9: "Q", 10: "f", 11: "d",
    19: "I",
}  # fmt: skip
"""Variant type -> format of its bytes, for types of fixed width that need no conversion."""

FLOATS: Final = frozenset({10, 11})
"""Variant types that may hold what is not a number."""

_I64 = struct.Struct("<q").unpack_from
_READ: Final = {kind: struct.Struct("<" + code) for kind, code in SCALARS.items()}
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_LAST_TICK = 2_650_467_743_990_000_000  # 9999-12-31T23:59:59Z in 100 ns since 1601


@dataclass(frozen=True, slots=True, eq=False)
class Compound:
    """Where a variant stands that holds more than one value; never handed to the host."""

    data: bytes
    pos: int
    """Of the variant's first byte."""


def read_variant(data: bytes, pos: int) -> tuple[Any, str, int]:
    """Give (value, reason, position behind); the reason is empty where the value is fit.

    With a reason the value is None or a `Compound`.
    """
    encoding = data[pos]
    scalar = _READ.get(encoding)
    if scalar is not None:
        return scalar.unpack_from(data, pos + 1)[0], "", pos + 1 + scalar.size
    if encoding == 0:
        return None, NO_DATA, pos + 1
    reader = _CONVERSIONS.get(encoding)
    if reader is not None:
        return reader(data, pos + 1)
    return Compound(data, pos), TYPE_MISMATCH, skip_variant(data, pos)


def read_builtin(kind: int, data: bytes, pos: int) -> tuple[Value, str, int]:
    """Read a value whose built-in type is known, without the head of a variant."""
    scalar = _READ.get(kind)
    if scalar is not None:
        value = scalar.unpack_from(data, pos)[0]
        return (None, NOT_A_NUMBER, pos + scalar.size) if _is_no_number(value) else (
            value, "", pos + scalar.size
        )  # fmt: skip
    reader = _CONVERSIONS.get(kind)
    if reader is not None:
        return reader(data, pos)
    skip = _SKIPS.get(kind)
    if skip is None:
        raise DecodeError(f"there is no built-in type {kind}")
    return None, TYPE_MISMATCH, skip(data, pos)


def _is_no_number(value: object) -> bool:
    return isinstance(value, float) and value - value != 0.0


def text_of(raw: bytes) -> str | None:
    """Decode text as UTF-8, else as GB18030 as Chinese controllers send it; None if neither."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        pass
    try:
        return raw.decode("gb18030")
    except UnicodeDecodeError:
        return None


def _text(data: bytes, pos: int) -> tuple[Value, str, int]:
    raw, pos = chunk(data, pos)
    if raw is None:
        return None, NO_DATA, pos
    if len(raw) > MAX_TEXT_BYTES:
        return None, TOO_LONG, pos
    text = text_of(raw)
    return text, "" if text is not None else DECODING_ERROR, pos


def _byte_string(data: bytes, pos: int) -> tuple[Value, str, int]:
    raw, pos = chunk(data, pos)
    if raw is None:
        return None, NO_DATA, pos
    if len(raw) * 2 > MAX_TEXT_BYTES:
        return None, TOO_LONG, pos
    return raw.hex(), "", pos


def _date_time(data: bytes, pos: int) -> tuple[Value, str, int]:
    ticks: int = _I64(data, pos)[0]
    pos += 8
    if ticks == 0:
        return None, NO_DATA, pos  # the standard's "no time"
    if not 0 < ticks <= _LAST_TICK:
        return None, OUT_OF_RANGE, pos
    moment = _EPOCH + timedelta(microseconds=ticks // 10)
    return moment.isoformat().replace("+00:00", "Z"), "", pos


def _guid(data: bytes, pos: int) -> tuple[Value, str, int]:
    end = pos + 16
    return str(UUID(bytes_le=_exactly(data, pos, end))), "", end


def _exactly(data: bytes, pos: int, end: int) -> bytes:
    if end > len(data):
        raise IndexError(f"{end - pos} bytes wanted, {len(data) - pos} remain")
    return data[pos:end]


def _qualified_name(data: bytes, pos: int) -> tuple[Value, str, int]:
    return _text(data, pos + 2)


def _localized_text(data: bytes, pos: int) -> tuple[Value, str, int]:
    mask = data[pos]
    pos += 1
    if mask & 1:
        _, pos = chunk(data, pos)
    return _text(data, pos) if mask & 2 else (None, NO_DATA, pos)


_CONVERSIONS: dict[int, Callable[[bytes, int], tuple[Value, str, int]]] = {
    12: _text,
    13: _date_time,
    14: _guid,
    15: _byte_string,
    16: _text,
    20: _qualified_name,
    21: _localized_text,
}

_SKIPS: dict[int, Callable[[bytes, int], int]] = {
    17: skip_node_id,
    18: skip_node_id,
    22: skip_extension_object,
    23: skip_data_value,
    24: skip_variant,
    25: skip_diagnostic_info,
}
"""Types of which no value can be made."""
