"""The grammar of addresses, as people write them in a point table.

    hr:100  ir:100          holding, input register 100; addresses count from 0, as on the wire
    co:5    di:5            coil, discrete input 5
    40101   400101          Modicon notation, counting from 1: the same register as hr:100
    hr:100.3                bit 3 of a register, 0 the lowest
    hr:100.4-7              bits 4 to 7 as one number
    hr:100&0x0F00           the bits of a mask as one number, the mask's lowest bit its lowest
    hr:100.h   hr:100.l     the high, the low byte of a register
    hr:100/8                text in 8 registers
    hr:100[8]  hr:100[8:4]  8 values side by side, or each 4 addresses after the one before
    hr:100@CDAB             order of the bytes of this one value; A is the most significant
    hr:100/8@gb18030        encoding of a text
    hr:100@unix32           encoding of a date
    hr:100@q8               fixed point with 8 bits after the point

Everything else is refused with what was seen and what to write instead, in both languages.
Pure: no I/O; knows nothing of types.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final
from unicodedata import normalize

from drivers.modbus.points import refusals

ADDRESS_SPACE = 65536
"""Addresses in one table. Source: Modbus Application Protocol V1.1b3, 4.4."""


class Table(StrEnum):
    """The four tables of a Modbus device."""

    COILS = "co"
    DISCRETE_INPUTS = "di"
    HOLDING_REGISTERS = "hr"
    INPUT_REGISTERS = "ir"

    @property
    def holds_bits(self) -> bool:
        """Whether an address of the table is one bit, not one register."""
        return self in {Table.COILS, Table.DISCRETE_INPUTS}

    def payload_bytes(self, count: int) -> int:
        """Count the bytes of data in the answer to a request for `count` addresses."""
        return (count + 7) // 8 if self.holds_bits else 2 * count


class Order(Enum):
    """Order of a value's bytes on the wire; A is the most significant of each four (or two).

    The last two are of 64-bit values only: halves, or the registers of each half, exchanged.
    """

    ABCD = ("straight", False)
    CDAB = ("reversed", False)
    BADC = ("straight", True)
    DCBA = ("reversed", True)
    EFGHABCD = ("halves", False)
    CDABGHEF = ("pairs", False)

    @property
    def swaps_words(self) -> bool:
        """Whether the registers stand in another order than the most significant first."""
        return self.value[0] != "straight"

    @property
    def swaps_bytes(self) -> bool:
        """Whether the low byte of each register comes first."""
        return self.value[1]

    def words(self, registers: int) -> tuple[int, ...]:
        """Tell which registers hold a value, the most significant first."""
        straight = tuple(range(registers))
        return {
            "straight": straight,
            "reversed": straight[::-1],
            "halves": straight[registers // 2 :] + straight[: registers // 2],
            "pairs": tuple(at ^ 1 for at in straight),
        }[self.value[0]]


ORDERS: Final = {
    "ABCD": Order.ABCD,
    "CDAB": Order.CDAB,
    "BADC": Order.BADC,
    "DCBA": Order.DCBA,
    "ABCDEFGH": Order.ABCD,
    "GHEFCDAB": Order.CDAB,
    "BADCFEHG": Order.BADC,
    "HGFEDCBA": Order.DCBA,
    "EFGHABCD": Order.EFGHABCD,
    "CDABGHEF": Order.CDABGHEF,
}
"""Every order that can be written: 4 letters for any value, 8 for one of 8 bytes."""

TEXT_ENCODINGS: Final = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "latin-1": "latin-1",
    "latin1": "latin-1",
}
"""Every text encoding that can be written, and its codec; GB 18030 contains the older two."""

DATE_REGISTERS: Final = {
    "unix32": 2,
    "unix64": 4,
    "unixms64": 4,
    "y2000": 2,
    "ymdhms": 6,
    "ymd_hms_packed": 3,
    "bcd": 3,
    "iec870": 4,
}
"""Every encoding of a date and time that can be written, and how many registers it takes."""

_MODICON: Final = {
    "0": Table.COILS,
    "1": Table.DISCRETE_INPUTS,
    "3": Table.INPUT_REGISTERS,
    "4": Table.HOLDING_REGISTERS,
}
_SYNTAX: Final = re.compile(
    r"(?:(?P<table>co|di|hr|ir):(?P<zero_based>\d{1,6})|(?P<modicon>[0134])(?P<one_based>\d{4,5}))"
    r"(?P<part>\.(?P<byte>[hl])|\.(?P<bit>\d{1,3})(?:-(?P<last_bit>\d{1,3}))?"
    r"|&(?P<mask>0x[0-9a-f]{1,16}|\d{1,20})|/(?P<length>\d{1,4}))?"
    r"(?:\[(?P<count>\d{1,6})(?::(?P<stride>\d{1,6}))?\])?"
    r"(?P<suffixes>(?:@[a-z0-9_-]+)*)",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Address:
    """An address as written, before it is known what type is wanted there."""

    table: Table
    start: int
    bits: tuple[int, int] | None = None
    """First and last bit; equal for a single one."""
    mask: int | None = None
    byte: str = ""
    """`h` or `l`."""
    length: int | None = None
    """Registers of a text."""
    count: int | None = None
    """Values of an array."""
    stride: int | None = None
    """Addresses from one value of an array to the next."""
    order: str = ""
    """A key of `ORDERS`."""
    text: str = ""
    """Codec of a text."""
    date: str = ""
    """A key of `DATE_REGISTERS`."""
    fraction_bits: int = 0
    """Bits after the point of a fixed-point number."""
    tail: str = ""
    """The address without its place and array, as written: what all values of an array share."""

    @property
    def single_bit(self) -> bool:
        """Whether the address names one bit of a register."""
        return self.bits is not None and self.bits[0] == self.bits[1]

    @property
    def plain(self) -> bool:
        """Whether the address is a place (or an array of places) and nothing else."""
        return not self.tail


def parse_address(text: str) -> Address:
    """Read an address as written; raises `Refusal`."""
    match = _SYNTAX.fullmatch(text.strip())
    if match is None:
        if _SYNTAX.fullmatch(normalize("NFKC", text).strip()):
            raise refusals.full_width(text)
        raise refusals.unknown_syntax(text)
    table, start = _place(match)
    order, encoding, date, fraction_bits = _suffixes(match["suffixes"])
    return Address(
        table=table,
        start=start,
        bits=_bits(match),
        mask=_mask(match),
        byte=(match["byte"] or "").lower(),
        length=_number(match["length"]),
        count=_number(match["count"]),
        stride=_number(match["stride"]),
        order=order,
        text=encoding,
        date=date,
        fraction_bits=fraction_bits,
        tail=(match["part"] or "") + match["suffixes"],
    )


def _place(match: re.Match[str]) -> tuple[Table, int]:
    """Tell the table and the address counted from 0, of either notation."""
    if match["table"]:
        start = int(match["zero_based"])
        if start >= ADDRESS_SPACE:
            raise refusals.beyond_table(start, 1)
        return Table(match["table"].lower()), start
    number = int(match["one_based"])
    if not 1 <= number <= ADDRESS_SPACE:
        raise refusals.beyond_modicon(match["modicon"] + match["one_based"])
    return _MODICON[match["modicon"]], number - 1


def _number(written: str | None) -> int | None:
    """Read a number that need not be there."""
    return None if written is None else int(written)


def _bits(match: re.Match[str]) -> tuple[int, int] | None:
    """Read a bit number, or the first and the last of several."""
    if match["bit"] is None:
        return None
    first = int(match["bit"])
    last = first if match["last_bit"] is None else int(match["last_bit"])
    if last < first:
        raise refusals.bits_backwards(first, last)
    return first, last


def _mask(match: re.Match[str]) -> int | None:
    """Read a mask, hexadecimal or decimal."""
    if match["mask"] is None:
        return None
    mask = int(match["mask"], 16 if match["mask"][:2].lower() == "0x" else 10)
    if not mask:
        raise refusals.mask_empty()
    return mask


def _suffixes(written: str) -> tuple[str, str, str, int]:
    """Tell order, text encoding, date encoding and fraction bits; each may be given once."""
    order = encoding = date = ""
    fraction_bits = 0
    for suffix in written.split("@")[1:]:
        name = suffix.lower()
        if suffix.upper() in ORDERS and not order:
            order = suffix.upper()
        elif name in TEXT_ENCODINGS and not encoding:
            encoding = TEXT_ENCODINGS[name]
        elif name in DATE_REGISTERS and not date:
            date = name
        elif name[0] == "q" and name[1:].isdecimal() and not fraction_bits:
            fraction_bits = int(name[1:])
            if not 1 <= fraction_bits <= 32:
                raise refusals.fraction_out_of_range(suffix)
        else:
            raise refusals.unknown_suffix(suffix)
    return order, encoding, date, fraction_bits
