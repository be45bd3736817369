"""Modbus addresses as people write them in a point table, parsed and matched with their type.

    hr:100  ir:100          holding, input register 100; addresses count from 0, as on the wire
    co:5    di:5            coil, discrete input 5
    hr:100.3                bit 3 of a register, 0 the lowest
    hr:100/8                text in 8 registers
    hr:100@CDAB             order of the bytes of this one value; A is the most significant
    40101   400101          Modicon notation, counting from 1: the same register as hr:100

Everything else is refused with what was seen and what to write instead, in both languages.
Pure: no I/O.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TYPE_CHECKING
from unicodedata import normalize

from drivers.api import DataType
from drivers.modbus import refusals

if TYPE_CHECKING:
    from drivers.api import Tag
    from drivers.modbus.config import ModbusConfig

ADDRESS_SPACE = 65536
"""Addresses in one table. Source: Modbus Application Protocol V1.1b3, 4.4."""

BITS_PER_REGISTER = 16


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
    """Order of a value's bytes on the wire; A is the most significant of each four (or two)."""

    ABCD = (False, False)
    CDAB = (True, False)
    BADC = (False, True)
    DCBA = (True, True)

    @property
    def swaps_words(self) -> bool:
        """Whether the least significant register comes first."""
        return self.value[0]

    @property
    def swaps_bytes(self) -> bool:
        """Whether the low byte of each register comes first."""
        return self.value[1]


WIDTHS = {
    DataType.BOOL: 1,
    DataType.BIT: 1,
    DataType.INT16: 1,
    DataType.UINT16: 1,
    DataType.INT32: 2,
    DataType.UINT32: 2,
    DataType.FLOAT32: 2,
    DataType.INT64: 4,
    DataType.UINT64: 4,
    DataType.FLOAT64: 4,
}
"""Registers per value of every type but text."""

_ORDERS = {
    **{order.name: order for order in Order},
    "ABCDEFGH": Order.ABCD,
    "GHEFCDAB": Order.CDAB,
    "BADCFEHG": Order.BADC,
    "HGFEDCBA": Order.DCBA,
}
_MODICON = {
    "0": Table.COILS,
    "1": Table.DISCRETE_INPUTS,
    "3": Table.INPUT_REGISTERS,
    "4": Table.HOLDING_REGISTERS,
}
_SYNTAX = re.compile(
    r"(?:(?P<table>co|di|hr|ir):(?P<zero_based>\d{1,6})|(?P<modicon>[0134])(?P<one_based>\d{4,5}))"
    r"(?:\.(?P<bit>\d{1,3})|/(?P<length>\d{1,4}))?(?:@(?P<order>[a-z]+))?",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Address:
    """An address as written, before it is known what type is wanted there."""

    table: Table
    start: int
    bit: int | None = None
    length: int | None = None
    order: Order | None = None
    order_name: str = ""
    """The order as written: 4 letters, or 8 for a value of 8 bytes."""


@dataclass(frozen=True, slots=True)
class Point:
    """One tag, ready to be read: where it is, how wide, how to be understood."""

    table: Table
    start: int
    width: int
    """Addresses the value takes: registers, or 1 bit of a coil table."""
    data_type: DataType
    """Never AUTO; BOOL for coils and inputs."""
    order: Order = Order.ABCD
    bit: int = 0
    """Which bit of the register, for BIT."""

    @property
    def end(self) -> int:
        """The address after the last one taken."""
        return self.start + self.width


def parse_address(text: str) -> Address:
    """Read an address as written; raises `Refusal`."""
    match = _SYNTAX.fullmatch(text.strip())
    if match is None:
        if _SYNTAX.fullmatch(normalize("NFKC", text).strip()):
            raise refusals.full_width(text)
        raise refusals.unknown_syntax(text)
    table, start = _place(match)
    order_name = (match["order"] or "").upper()
    if order_name and order_name not in _ORDERS:
        raise refusals.unknown_order(order_name)
    bit = None if match["bit"] is None else int(match["bit"])
    if bit is not None and bit >= BITS_PER_REGISTER:
        raise refusals.bit_beyond_register(bit)
    return Address(
        table=table,
        start=start,
        bit=bit,
        length=None if match["length"] is None else int(match["length"]),
        order=_ORDERS.get(order_name),
        order_name=order_name,
    )


def resolve(tag: Tag, config: ModbusConfig) -> Point:
    """Match a tag's address with its type and the device's limits; raises `Refusal`."""
    address = parse_address(tag.address)
    if address.table.holds_bits:
        return _bit_point(address, tag.data_type)
    data_type = _register_type(address, tag.data_type)
    width = _width(address, data_type, config.max_registers)
    if address.start + width > ADDRESS_SPACE:
        raise refusals.beyond_table(address.start, width)
    return Point(
        table=address.table,
        start=address.start,
        width=width,
        data_type=data_type,
        order=_order(address, data_type, config),
        bit=address.bit or 0,
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


def _bit_point(address: Address, data_type: DataType) -> Point:
    """Make the point of a coil or discrete input, which can only be a truth value."""
    if address.bit is not None or address.length is not None or address.order is not None:
        raise refusals.suffix_on_bit_table()
    if data_type not in {DataType.BOOL, DataType.BIT, DataType.AUTO}:
        raise refusals.number_in_bit_table(data_type)
    return Point(address.table, address.start, 1, DataType.BOOL)


def _register_type(address: Address, data_type: DataType) -> DataType:
    """Tell the type of a register tag; the address decides only where it leaves no choice."""
    if data_type in {DataType.INT8, DataType.UINT8}:
        raise refusals.eight_bits(data_type)
    if address.bit is not None:
        if data_type not in {DataType.BIT, DataType.BOOL, DataType.AUTO}:
            raise refusals.bit_suffix_on(data_type)
        return DataType.BIT
    if address.length is not None:
        if data_type not in {DataType.STRING, DataType.AUTO}:
            raise refusals.length_suffix_on(data_type)
        return DataType.STRING
    if data_type is DataType.AUTO:
        raise refusals.type_missing()
    if data_type is DataType.BIT:
        raise refusals.bit_number_missing()
    if data_type is DataType.STRING:
        raise refusals.length_missing()
    return data_type


def _width(address: Address, data_type: DataType, max_registers: int) -> int:
    """Count the registers of a value, which must fit one request to be read in one piece."""
    width = WIDTHS[data_type] if address.length is None else address.length
    if not 1 <= width <= max_registers:
        raise refusals.does_not_fit(width, max_registers)
    return width


def _order(address: Address, data_type: DataType, config: ModbusConfig) -> Order:
    """Tell the byte order of a value: its own suffix, else the device's default."""
    text = data_type is DataType.STRING
    order = address.order
    if order is None:
        words = config.word_order == "little" and not text
        return Order((words, config.byte_order == "little"))
    if len(address.order_name) == 8 and WIDTHS.get(data_type) != 4:
        raise refusals.order_too_long(address.order_name, data_type)
    if text and order.swaps_words:
        raise refusals.text_has_no_word_order(address.order_name)
    return order
