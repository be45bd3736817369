"""From a value to its registers: the inverse of decoding, by other means.

Guarantees that what is encoded decodes to the very same value; a value the point cannot hold
exactly is refused, never rounded, cut or wrapped. `nearest` tells what it could hold. Orders are
taken from their letters, not from the decoder's tables. Pure: no I/O.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Final

from drivers.api import DataType
from drivers.modbus.points.encode_dates import encode_date
from drivers.modbus.points.syntax import Order

if TYPE_CHECKING:
    from drivers.api import Value
    from drivers.modbus.points.address import Point

_LETTERS: Final = {
    (Order.CDAB, 2): "AB",
    (Order.CDAB, 4): "CDAB",
    (Order.CDAB, 8): "GHEFCDAB",
    (Order.DCBA, 2): "BA",
    (Order.DCBA, 4): "DCBA",
    (Order.DCBA, 8): "HGFEDCBA",
    (Order.EFGHABCD, 8): "EFGHABCD",
    (Order.CDABGHEF, 8): "CDABGHEF",
}
_FLOATS: Final = {DataType.FLOAT16: ">e", DataType.FLOAT32: ">f", DataType.FLOAT64: ">d"}
_DIGITS: Final = {DataType.BCD16: 4, DataType.BCD32: 8, DataType.BCD64: 16}
_SIGNED: Final = frozenset({DataType.INT8, DataType.INT16, DataType.INT32, DataType.INT64})


def encode(point: Point, value: Value, *, onto: bytes | None = None) -> bytes:
    """Give the registers of a value in the order of the wire; one byte, 1 or 0, for a coil.

    `onto` is what the registers hold now: a value that is only a part of them changes its own bits
    there. Any other value needs none.

    Raises:
        ValueError: the point cannot hold exactly this value; the message says why.
    """
    if point.table.holds_bits:
        return bytes([_truth(value)])
    if not point.partial:
        return _in_order(point, _whole(point, value))
    if onto is None or len(onto) != 2 * point.width:
        raise ValueError("a part of a register needs what the register holds now")
    shift, mask = _place(point)
    number = _part(point, value, mask >> shift) << shift
    held = int.from_bytes(_in_order(point, onto), "big")  # each order undoes itself
    return _in_order(point, (held & ~mask | number).to_bytes(len(onto), "big"))


def nearest(point: Point, value: float) -> float:
    """Give the value nearest to a number that a numeric point can hold exactly.

    Raises:
        ValueError: the point is no number, or the value is none.
    """
    if point.data_type in _FLOATS:
        return _nearest_float(_FLOATS[point.data_type], _number(value))
    low, high = _range(point)
    unit = 1 << point.fraction_bits
    clamped = min(max(_number(value), low / unit), high / unit)
    number = min(max(round(clamped * unit), low), high)
    return number / unit if point.fraction_bits else number


def _in_order(point: Point, big: bytes) -> bytes:
    """Put bytes, the most significant first, into the order of the wire (or back)."""
    letters = _LETTERS.get((point.order, len(big)))
    if letters:
        return bytes(big["ABCDEFGH".index(letter)] for letter in letters)
    if point.order.swaps_bytes:
        return bytes(big[at ^ 1] for at in range(len(big)))
    return big


def _whole(point: Point, value: Value) -> bytes:
    """Encode a value that fills its registers, the most significant byte first."""
    size = 2 * point.width
    if point.data_type is DataType.STRING:
        return _text(point, value, size)
    if point.data_type is DataType.DATETIME:
        if not isinstance(value, str):
            raise ValueError(f"{value!r} is not a date in ISO 8601")
        return encode_date(point.encoding, value)
    if point.data_type is DataType.BOOL:
        return _truth(value).to_bytes(size, "big")
    if point.data_type in _FLOATS:
        return _float(_FLOATS[point.data_type], value)
    number = _integer(point, value)
    if point.data_type in _DIGITS:
        return bytes.fromhex(str(number).rjust(2 * size, "0"))
    return number.to_bytes(size, "big", signed=point.data_type in _SIGNED)


def _number(value: Value) -> float:
    """Take a value as a finite number, which a truth value is not."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a number")
    return value


def _integer(point: Point, value: Value) -> int:
    """Give the integer that stands for a number in the registers."""
    raw = _number(value) * (1 << point.fraction_bits)
    number = int(raw)
    if number != raw:
        step = f" in steps of {2.0**-point.fraction_bits!r}" if point.fraction_bits else ""
        raise ValueError(f"{value!r} is not a whole number{step}")
    low, high = _range(point)
    if not low <= number <= high:
        raise ValueError(f"{value!r} is outside {point.data_type}: {low} to {high}")
    return number


def _range(point: Point) -> tuple[int, int]:
    """Tell the least and the greatest integer in the registers of a numeric point."""
    if point.data_type in _DIGITS:
        return 0, 10 ** _DIGITS[point.data_type] - 1
    if point.data_type in {DataType.STRING, DataType.DATETIME}:
        raise ValueError(f"a {point.data_type} is not a number")
    shift, mask = _place(point)
    top = mask >> shift if point.partial else (1 << 16 * point.width) - 1
    return (-(top + 1) // 2, top // 2) if point.data_type in _SIGNED else (0, top)


def _float(code: str, value: Value) -> bytes:
    """Encode a float."""
    number = _number(value)
    near = _nearest_float(code, number)
    if near != number:
        raise ValueError(f"{value!r} cannot be held exactly, the nearest value is {near!r}")
    return struct.pack(code, number)


def _nearest_float(code: str, value: float) -> float:
    """Round to what a float of the given code holds; the greatest one beyond its range."""
    greatest: float = {">e": 65504.0, ">f": 3.4028234663852886e38}.get(code, 1.7976931348623157e308)
    if abs(value) >= greatest:
        return math.copysign(greatest, value)
    near: float = struct.unpack(code, struct.pack(code, value))[0]
    return near


def _text(point: Point, value: Value, size: int) -> bytes:
    """Encode a text, filled up with NULs."""
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a text")  # noqa: TRY004 - one error for all
    try:
        raw = value.encode(point.encoding or "utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"{value!r} cannot be written in {error.encoding}") from None
    if len(raw) > size:
        raise ValueError(f"{value!r} takes {len(raw)} bytes, there are {size}")
    if raw.endswith((b"\0", b" ")):
        raise ValueError(f"{value!r} ends with what is cut off when it is read")
    return raw.ljust(size, b"\0")


def _place(point: Point) -> tuple[int, int]:
    """Tell the lowest bit and the mask of a value within its registers."""
    if point.byte:
        return (8, 0xFF00) if point.byte == "h" else (0, 0x00FF)
    return point.shift, point.mask


def _part(point: Point, value: Value, bits: int) -> int:
    """Encode a value that takes some bits only; `bits` is its mask, shifted down."""
    if point.data_type is DataType.BIT:
        return _truth(value)
    number = _integer(point, value) & 0xFF if point.byte else _integer(point, value)
    if number & ~bits:
        raise ValueError(f"{value!r} has bits outside the mask")
    return number


def _truth(value: Value) -> int:
    """Encode a truth value."""
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is not true or false")  # noqa: TRY004 - one error for all
    return int(value)
