"""The encodings of values in registers: number formats, byte orders, BCD, text.

Registers arrive big-endian, in the order of the device (Modbus Application Protocol V1.1b3, 4.2);
what lies beyond 16 bits is the maker's choice and named by `Order`. Pure: no I/O, no state.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Final

from drivers.api import DataType

if TYPE_CHECKING:
    from drivers.modbus.points.syntax import Order

NOT_A_NUMBER = "BadNotANumber"
"""Reason of a float that is NaN or infinite."""

NOT_DECODABLE = "BadDecodingError"
"""Reason of a text in another encoding, a digit above 9 and a date that does not exist."""

FLOATS: Final = frozenset({DataType.FLOAT16, DataType.FLOAT32, DataType.FLOAT64})
BCD: Final = frozenset({DataType.BCD16, DataType.BCD32, DataType.BCD64})

NUMBER_CODES: Final = {
    DataType.INT8: "b",
    DataType.UINT8: "B",
    DataType.INT16: "h",
    DataType.UINT16: "H",
    DataType.INT32: "i",
    DataType.UINT32: "I",
    DataType.INT64: "q",
    DataType.UINT64: "Q",
    DataType.FLOAT16: "e",
    DataType.FLOAT32: "f",
    DataType.FLOAT64: "d",
}
"""The `struct` code of every binary number."""

REGISTER_BYTES = 2
BITS_PER_BYTE = 8


def byte_positions(registers: int, order: Order) -> tuple[int, ...]:
    """Tell where a value's bytes stand on the wire, the most significant first."""
    in_word = (1, 0) if order.swaps_bytes else (0, 1)
    return tuple(
        REGISTER_BYTES * word + byte for word in order.words(registers) for byte in in_word
    )


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
        return gb18030(raw)
    return decoded if used == len(raw) else None


def gb18030(raw: bytes) -> str | None:
    """Decode GB 18030 (and so GBK and GB 2312), without NULs and spaces at the end."""
    try:
        return raw.rstrip(b"\0 ").decode("gb18030")
    except UnicodeDecodeError:
        return None


def utf8(raw: bytes) -> str | None:
    """Decode UTF-8, without NULs and spaces at the end."""
    try:
        return raw.rstrip(b"\0 ").decode()
    except UnicodeDecodeError:
        return None


def latin1(raw: bytes) -> str:
    """Decode Latin-1, in which every byte is a character, without NULs and spaces at the end."""
    return raw.rstrip(b"\0 ").decode("latin-1")


TEXTS: Final = {"": text, "utf-8": utf8, "gb18030": gb18030, "latin-1": latin1}
"""The decoder of every text encoding; without one, UTF-8 else GB18030."""


def bcd(raw: bytes) -> int | None:
    """Decode one decimal digit per half byte, the most significant first; None above 9."""
    digits = raw.hex()
    return int(digits) if digits.isdecimal() else None
