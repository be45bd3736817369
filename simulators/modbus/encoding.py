"""From a raw value to the registers that hold it: every type, order and encoding of a map.

Written from the definitions of the formats alone, so that a reader can be held against it. Pure.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeAlias

from simulators.modbus.patterns import BIT_TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulators.modbus.places import Place

Raw: TypeAlias = bool | int | float | str
"""A value as the machine means it, before scale and offset; a date is ISO 8601 text."""

INTEGERS: Final = {
    "int8": (-(1 << 7), (1 << 7) - 1), "uint8": (0, (1 << 8) - 1),
    "int16": (-(1 << 15), (1 << 15) - 1), "uint16": (0, (1 << 16) - 1),
    "int32": (-(1 << 31), (1 << 31) - 1), "uint32": (0, (1 << 32) - 1),
    "int64": (-(1 << 63), (1 << 63) - 1), "uint64": (0, (1 << 64) - 1),
    "bcd16": (0, 10**4 - 1), "bcd32": (0, 10**8 - 1), "bcd64": (0, 10**16 - 1),
    "bool": (0, 1), "bit": (0, 1),
}  # fmt: skip
"""Least and greatest value of every integer type."""
FLOATS: Final = {"float16": ">e", "float32": ">f", "float64": ">d"}
"""How struct writes every type with a binary exponent."""

_EPOCH_2000_S: Final = 946_684_800
_CENTURY: Final = 2000


def cells(place: Place, raw: Raw) -> dict[int, tuple[int, int]]:
    """Give for each address covered what stands there: (bits of the value, mask of its bits).

    Raises:
        ValueError: the place cannot hold the value.
    """
    if place.table in BIT_TABLES:
        return {place.start: (int(bool(raw)), 1)}
    content = _content(place, raw)
    mask = place.mask or (1 << 16 * place.words) - 1
    if place.mask:
        content = content << _lowest(mask) & mask
    size = 2 * place.words
    value_bytes, mask_bytes = content.to_bytes(size, "big"), mask.to_bytes(size, "big")
    order = place.permutation
    on_wire = struct.unpack(f">{place.words}H", bytes(value_bytes[at] for at in order))
    masks = struct.unpack(f">{place.words}H", bytes(mask_bytes[at] for at in order))
    pairs = zip(on_wire, masks, strict=True)
    return {place.start + at: (word, own) for at, (word, own) in enumerate(pairs) if own}


def bits_of(place: Place) -> int:
    """Count the bits an integer of the place has."""
    return (place.mask or (1 << 16 * place.words) - 1).bit_count()


def _content(place: Place, raw: Raw) -> int:
    """Give the big-endian content of the place as one unsigned integer."""
    if place.type == "string":
        return int.from_bytes(_text(place, str(raw)), "big")
    if place.type == "datetime":
        return _DATES[place.date](_moment(raw))
    if isinstance(raw, str):
        raise ValueError(f"{place.table}:{place.start}: {raw!r} is no number / 不是数值")  # noqa: TRY004 - of a map
    if place.type in FLOATS:
        return int.from_bytes(struct.pack(FLOATS[place.type], raw), "big")
    number = round(raw * (1 << place.fraction_bits))
    low, high = INTEGERS[place.type]
    if place.mask and place.type not in {"int8", "uint8"}:
        low, high = 0, (1 << bits_of(place)) - 1
    if not low <= number <= high:
        raise ValueError(f"{place.table}:{place.start}: {raw!r} does not fit / 超出范围")
    if place.type.startswith("bcd"):
        return int(str(number), 16)
    return number & (1 << bits_of(place)) - 1


def _text(place: Place, text: str) -> bytes:
    """Encode a text, NUL-padded, cut at a whole character."""
    encoding, size = place.text or "utf-8", 2 * place.words
    while len(encoded := text.encode(encoding)) > size:
        text = text[:-1]
    return encoded.ljust(size, b"\0")


def _lowest(mask: int) -> int:
    """Give the position of the lowest bit set."""
    return (mask & -mask).bit_length() - 1


def _moment(raw: Raw) -> datetime:
    moment = datetime.fromisoformat(str(raw))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _words(*words: int) -> int:
    """Join registers to one integer, the first the most significant."""
    return int.from_bytes(struct.pack(f">{len(words)}H", *words), "big")


def _bcd(number: int) -> int:
    return int(str(number), 16)


def _calendar(moment: datetime) -> tuple[int, ...]:
    """Year of the century, month, day, hour, minute, second."""
    m = moment
    return (m.year - _CENTURY, m.month, m.day, m.hour, m.minute, m.second)


def _pairs(parts: tuple[int, ...]) -> int:
    """Put two parts into each register, the first into the high byte."""
    return _words(*(parts[at] << 8 | parts[at + 1] for at in range(0, len(parts), 2)))


def _iec870(moment: datetime) -> int:
    """IEC 60870-5-4 binary time in four registers: year; month, weekday, day; hour, minute; ms."""
    m = moment
    return _words(
        m.year - _CENTURY,
        m.month << 8 | m.isoweekday() << 5 | m.day,
        m.hour << 8 | m.minute,
        m.second * 1000 + m.microsecond // 1000,
    )


_DATES: Final[dict[str, Callable[[datetime], int]]] = {
    "unix32": _seconds,
    "unix64": _seconds,
    "unixms64": lambda m: _seconds(m) * 1000 + m.microsecond // 1000,
    "y2000": lambda m: _seconds(m) - _EPOCH_2000_S,
    "ymdhms": lambda m: _words(m.year, *_calendar(m)[1:]),
    "ymd_hms_packed": lambda m: _pairs(_calendar(m)),
    "bcd": lambda m: _pairs(tuple(_bcd(part) for part in _calendar(m))),
    "iec870": _iec870,
}
