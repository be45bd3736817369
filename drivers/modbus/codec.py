"""The encodings of values in registers: number formats, byte orders, text.

Registers arrive big-endian, in the order of the device (Modbus Application Protocol V1.1b3, 4.2);
what lies beyond 16 bits is the maker's choice and named by `Order`. Pure: no I/O, no state.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from drivers.api import DataType

if TYPE_CHECKING:
    from drivers.modbus.address import Order

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
