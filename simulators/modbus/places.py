"""Where a point of a map stands, parsed from its address; an implementation of its own.

    hr:100  ir:100  co:5  di:5  40101      a table and an address, from 0 or in Modicon notation
    .3  .4-7  &0x0F00  .h  .l              a bit, a bit field, a mask, the high or the low byte
    /8                                     text in 8 registers
    @CDAB  @gb18030  @q8  @unix32          order, text encoding, fixed point, encoding of a date
    [8]  [8:4]                             8 values side by side, or 4 registers apart

Pure. Errors are ValueErrors that name the address.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from simulators.modbus.patterns import BIT_TABLES

WIDTHS: Final = {
    "bool": 1, "bit": 1, "int8": 1, "uint8": 1,
    "int16": 1, "uint16": 1, "float16": 1, "bcd16": 1,
    "int32": 2, "uint32": 2, "float32": 2, "bcd32": 2,
    "int64": 4, "uint64": 4, "float64": 4, "bcd64": 4,
}  # fmt: skip
"""Registers of every type that has a fixed width."""
DATE_WIDTHS: Final = {
    "unix32": 2, "y2000": 2, "unix64": 4, "unixms64": 4,
    "ymdhms": 6, "ymd_hms_packed": 3, "bcd": 3, "iec870": 4,
}  # fmt: skip
"""Registers of every encoding of a date."""
COUNTED_DATES: Final = frozenset({"unix32", "y2000", "unix64", "unixms64"})
"""Dates that are one integer, whose registers have an order."""
TEXT_ENCODINGS: Final = frozenset({"utf-8", "gb18030", "latin-1"})

_EIGHT: Final = {"ABCD": "ABCDEFGH", "CDAB": "GHEFCDAB", "BADC": "BADCFEHG", "DCBA": "HGFEDCBA"}
_TABLE_OF: Final = {"0": "co", "1": "di", "3": "ir", "4": "hr"}
_ARRAY: Final = re.compile(r"\[(\d+)(?::(\d+))?\]")
_SYNTAX: Final = re.compile(
    r"(?:(?P<table>co|di|hr|ir):(?P<zero>\d{1,5})|(?P<modicon>[0134])(?P<one>\d{4,5}))"
    r"(?:\.(?P<byte>[hl])|\.(?P<low>\d{1,2})(?:-(?P<high>\d{1,2}))?"
    r"|&(?P<mask>0x[0-9a-f]+|\d+)|/(?P<length>\d{1,3}))?"
    r"(?P<suffixes>(?:@[a-z0-9_-]+)*)",
    re.ASCII | re.IGNORECASE,
)
_SWAPPED_BYTES: Final = {"BADC", "DCBA"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where one value stands and how its bytes lie there."""

    table: str
    start: int
    type: str
    """The type at the machine, never `auto`."""
    words: int
    """Registers covered; 1 for a coil or input."""
    order: str = "ABCD"
    """Which byte of the value stands where, A the most significant: 4 letters, or 8 literally."""
    mask: int = 0
    """Bits of the value that are the point's own, shifted down to bit 0; 0: all."""
    text: str = ""
    """Encoding of a text; empty: UTF-8."""
    date: str = ""
    """Encoding of a date."""
    fraction_bits: int = 0
    """Bits after the binary point of a fixed-point number."""

    @property
    def permutation(self) -> tuple[int, ...]:
        """Give, for each byte on the wire, which byte of the big-endian value it is."""
        size = 2 * self.words
        if self.type == "string" or (self.date and self.date not in COUNTED_DATES) or size == 2:
            swap = int(self.order in _SWAPPED_BYTES)
            return tuple(at ^ swap for at in range(size))
        order = _EIGHT.get(self.order, self.order) if size == 8 else self.order
        return tuple(ord(letter) - ord("A") for letter in order)


def places(address: str, data_type: str, *, default_order: str = "ABCD") -> tuple[Place, ...]:
    """Parse an address with its type; one place per value it names.

    Raises:
        ValueError: it cannot be understood.
    """
    array = _ARRAY.search(address)
    one = _parse(_ARRAY.sub("", address, count=1).strip(), data_type, default_order)
    if array is None:
        return (one,)
    stride = int(array[2] or one.words)
    return tuple(replace(one, start=one.start + at * stride) for at in range(int(array[1])))


def _parse(address: str, data_type: str, default_order: str) -> Place:
    match = _SYNTAX.fullmatch(address)
    if match is None:
        raise ValueError(f"{address!r}: no address of a map / 无法识别的地址")
    table = (match["table"] or _TABLE_OF[match["modicon"]]).lower()
    start = int(match["zero"]) if match["table"] else int(match["one"]) - 1
    if table in BIT_TABLES:
        return Place(table, start, "bool", 1)
    place = Place(table, start, _type(match, data_type), 1, order=default_order)
    for suffix in match["suffixes"].split("@")[1:]:
        place = _with_suffix(place, suffix)
    place = replace(place, mask=_mask(match))
    if match["length"]:
        return replace(place, words=int(match["length"]))
    width = DATE_WIDTHS.get(place.date) or WIDTHS.get(place.type)
    if width is None:
        raise ValueError(f"{address!r}: type {place.type!r} needs more / 类型 {place.type} 不完整")
    return replace(place, words=width)


def _type(match: re.Match[str], data_type: str) -> str:
    if match["length"]:
        return "string"
    if match["low"] and not match["high"]:
        return "bit"
    if data_type == "auto" and (match["high"] or match["mask"]):
        return "uint16"
    return data_type


def _mask(match: re.Match[str]) -> int:
    """Tell which bits of the value are the point's own."""
    if match["byte"]:
        return 0xFF00 if match["byte"].lower() == "h" else 0x00FF
    if match["mask"]:
        return int(match["mask"], 0)
    if match["low"]:
        low, high = int(match["low"]), int(match["high"] or match["low"])
        return (1 << high + 1) - (1 << low)
    return 0


def _with_suffix(place: Place, suffix: str) -> Place:
    """Apply one part written after an @."""
    lower, upper = suffix.lower(), suffix.upper()
    if lower in DATE_WIDTHS:
        return replace(place, date=lower, type="datetime")
    if lower in TEXT_ENCODINGS:
        return replace(place, text=lower)
    if re.fullmatch(r"q\d{1,2}", lower):
        return replace(place, fraction_bits=int(lower[1:]))
    if set(upper) in ({*"ABCD"}, {*"ABCDEFGH"}):
        return replace(place, order=upper)
    raise ValueError(f"@{suffix}: no such suffix / 无法识别的后缀")
