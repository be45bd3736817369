"""From the bytes of registers to values, one value at a time; the reference for the fast decoder.

Registers arrive big-endian, in the order of the device (Modbus Application Protocol V1.1b3, 4.2);
what lies beyond 16 bits is the maker's choice and named by `Order`. A value that is no number or
no text is None with a reason, never a substitute. Pure: no I/O, no state.
"""

from __future__ import annotations

import codecs
import math
import struct
from typing import TYPE_CHECKING

from drivers.api import DataType
from drivers.modbus.address import Order

if TYPE_CHECKING:
    from drivers.api import Value
    from drivers.modbus.address import Point

NOT_A_NUMBER = "BadNotANumber"
"""Reason of a float that is NaN or infinite."""

NOT_TEXT = "BadDecodingError"
"""Reason of a string that is neither UTF-8 nor GB18030."""

NUMBER_CODES = {
    DataType.INT16: "h",
    DataType.UINT16: "H",
    DataType.INT32: "i",
    DataType.UINT32: "I",
    DataType.INT64: "q",
    DataType.UINT64: "Q",
    DataType.FLOAT32: "f",
    DataType.FLOAT64: "d",
}
"""The `struct` code of every numeric type."""

REGISTER_BYTES = 2
BITS_PER_BYTE = 8


def byte_positions(registers: int, order: Order) -> tuple[int, ...]:
    """Tell where a value's bytes stand on the wire, the most significant first."""
    words = reversed(range(registers)) if order.swaps_words else range(registers)
    in_word = (1, 0) if order.swaps_bytes else (0, 1)
    return tuple(REGISTER_BYTES * word + byte for word in words for byte in in_word)


def register_mask(bit: int, order: Order) -> int:
    """Tell which bit of a register, taken big-endian, is the wanted one."""
    return 1 << (bit ^ BITS_PER_BYTE if order.swaps_bytes else bit)


def text(raw: bytes) -> str | None:
    """Decode UTF-8, else GB18030, without NULs and spaces at the end; None if it is neither.

    Text cut off inside a character is None too: read as the other encoding it would be nonsense.
    """
    raw = raw.rstrip(b"\0 ")
    try:
        # not final: a cut-off end is told by `used`, not taken for another encoding
        decoded, used = codecs.utf_8_decode(raw, "strict", False)
    except UnicodeDecodeError:
        try:
            return raw.decode("gb18030")
        except UnicodeDecodeError:
            return None
    return decoded if used == len(raw) else None


def decode_value(point: Point, payload: bytes, block_start: int) -> tuple[Value, str]:
    """Decode one point from the payload of the request that began at `block_start`.

    Gives the value and an empty reason, or None and the reason why there is no value.
    """
    place = point.start - block_start
    if point.table.holds_bits:
        byte, bit = divmod(place, BITS_PER_BYTE)
        return bool(payload[byte] >> bit & 1), ""
    first = REGISTER_BYTES * place
    raw = payload[first : first + REGISTER_BYTES * point.width]
    if point.data_type is DataType.BOOL:
        return any(raw), ""
    if point.data_type is DataType.BIT:
        return bool(int.from_bytes(raw, "big") & register_mask(point.bit, point.order)), ""
    if point.order is not Order.ABCD:
        raw = bytes(raw[at] for at in byte_positions(point.width, point.order))
    if point.data_type is DataType.STRING:
        decoded = text(raw)
        return decoded, "" if decoded is not None else NOT_TEXT
    return _number(NUMBER_CODES[point.data_type], raw)


def _number(code: str, raw: bytes) -> tuple[Value, str]:
    """Decode a big-endian number; one that is not finite is no value."""
    (number,) = struct.unpack(f">{code}", raw)
    if isinstance(number, float) and not math.isfinite(number):
        return None, NOT_A_NUMBER
    return number, ""
