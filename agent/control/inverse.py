"""From the value a person means to the raw value that gives exactly it, or none at all.

Reckons with the numbers as people wrote them (a scale of 0.1 is a tenth, not the nearest double),
so that a value is never moved to a neighbour in silence. Pure.
"""

from __future__ import annotations

import struct
from fractions import Fraction
from math import inf, isfinite, nextafter
from typing import TYPE_CHECKING, Final

from drivers.api import DataType

if TYPE_CHECKING:
    from decimal import Decimal

    from agent.config.model import TagEntry

INTEGER_RANGES: Final = {
    DataType.INT8: (-(2**7), 2**7 - 1),
    DataType.UINT8: (0, 2**8 - 1),
    DataType.INT16: (-(2**15), 2**15 - 1),
    DataType.UINT16: (0, 2**16 - 1),
    DataType.INT32: (-(2**31), 2**31 - 1),
    DataType.UINT32: (0, 2**32 - 1),
    DataType.INT64: (-(2**63), 2**63 - 1),
    DataType.UINT64: (0, 2**64 - 1),
    DataType.BCD16: (0, 10**4 - 1),
    DataType.BCD32: (0, 10**8 - 1),
    DataType.BCD64: (0, 10**16 - 1),
}
"""Least and greatest raw value of every whole-number type."""

_FLOAT_CODES: Final = {DataType.FLOAT16: "<e", DataType.FLOAT32: "<f", DataType.FLOAT64: "<d"}
_BIT_CODES: Final = {DataType.FLOAT16: "<H", DataType.FLOAT32: "<I", DataType.FLOAT64: "<Q"}
_GUARD_DIGITS: Final = 1
"""A float must give the value in as many decimals as were written, and so many more."""


class Inexact(ValueError):  # noqa: N818 - names what the value is
    """No raw value gives the value; `near` are the values next to it that can be had."""

    def __init__(self, near: tuple[float, ...]) -> None:
        super().__init__(f"next to it: {near}")
        self.near = near


def exact(number: float) -> Fraction:
    """Give a configured number as it was written, not as the nearest double."""
    return Fraction(repr(number)) if isfinite(number) else Fraction(0)


def raw_of(value: Decimal, tag: TagEntry) -> int | float:
    """Give the raw value of a finite number in the tag's unit.

    Raises:
        Inexact: the tag's type holds no raw value for it.
    """
    raw = (Fraction(value) - exact(tag.offset)) / exact(tag.scale)
    if tag.type in INTEGER_RANGES:
        return _whole(raw, tag)
    return _floating(raw, value, tag)


def _whole(raw: Fraction, tag: TagEntry) -> int:
    """Give a whole raw value, which must be the very one."""
    least, greatest = INTEGER_RANGES[tag.type]
    if raw.denominator == 1 and least <= raw <= greatest:
        return int(raw)
    below = raw.numerator // raw.denominator
    near = {min(max(one, least), greatest) for one in (below, below + (raw.denominator != 1))}
    raise Inexact(_values(near, tag))


def _floating(raw: Fraction, value: Decimal, tag: TagEntry) -> float:
    """Give the nearest float, which must give the value in the decimals it was written with."""
    nearest = _nearest(raw, tag.type)
    if isfinite(nearest):
        gives = Fraction(nearest) * exact(tag.scale) + exact(tag.offset)
        exponent = value.as_tuple().exponent
        decimals = max(0, -exponent) if isinstance(exponent, int) else 0
        if abs(gives - Fraction(value)) * 2 < Fraction(1, 10 ** (decimals + _GUARD_DIGITS)):
            return nearest
    neighbours = {nearest, *(_step(nearest, tag.type, up=up) for up in (False, True))}
    near = sorted(filter(isfinite, neighbours), key=lambda one: abs(Fraction(one) - raw))[:2]
    raise Inexact(_values(set(near), tag))


def _nearest(raw: Fraction, data_type: DataType) -> float:
    """Round to the type's nearest float; infinite beyond its range."""
    try:
        as_double = float(raw)
        packed = struct.pack(_FLOAT_CODES[data_type], as_double)
    except OverflowError:
        return inf if raw > 0 else -inf
    found: float = struct.unpack(_FLOAT_CODES[data_type], packed)[0]
    return found


def _step(value: float, data_type: DataType, *, up: bool) -> float:
    """Give the type's next float, above or below."""
    if not isfinite(value):
        return _greatest(data_type) if value > 0 else -_greatest(data_type)
    if data_type is DataType.FLOAT64:
        return nextafter(value, inf if up else -inf)
    code, bits_code = _FLOAT_CODES[data_type], _BIT_CODES[data_type]
    if value == 0:
        tiny: float = struct.unpack(code, struct.pack(bits_code, 1))[0]
        return tiny if up else -tiny
    bits = struct.unpack(bits_code, struct.pack(code, value))[0]
    found: float = struct.unpack(
        code, struct.pack(bits_code, bits + (1 if up == (value > 0) else -1))
    )[0]
    return found


def _greatest(data_type: DataType) -> float:
    """Give the greatest finite float of a type."""
    size = struct.calcsize(_FLOAT_CODES[data_type])
    exponent_bits = {2: 5, 4: 8, 8: 11}[size]
    infinite = ((1 << exponent_bits) - 1) << (8 * size - 1 - exponent_bits)
    found: float = struct.unpack(
        _FLOAT_CODES[data_type], struct.pack(_BIT_CODES[data_type], infinite - 1)
    )[0]
    return found


def _values(raws: set[int] | set[float] | set[int | float], tag: TagEntry) -> tuple[float, ...]:
    """Give what raw values mean, in order."""
    scale, offset = exact(tag.scale), exact(tag.offset)
    return tuple(sorted(float(Fraction(raw) * scale + offset) for raw in raws))
