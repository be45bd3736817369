"""Modbus addresses matched with their types: where a tag is, how wide, how to be understood.

What cannot be read, or could be read in more than one way, is refused with what to write instead,
in both languages. Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from drivers.api import DataType
from drivers.modbus.points import refusals, refused_types
from drivers.modbus.points.syntax import (
    ADDRESS_SPACE,
    DATE_REGISTERS,
    ORDERS,
    Address,
    Order,
    Table,
    parse_address,
)

if TYPE_CHECKING:
    from drivers.api import Tag
    from drivers.modbus.config import ModbusConfig

__all__ = ["Order", "Point", "Table", "parse_address", "resolve", "shape_of"]

BITS_PER_REGISTER = 16

WIDTHS: Final = {
    DataType.BOOL: 1,
    DataType.BIT: 1,
    DataType.INT8: 1,
    DataType.UINT8: 1,
    DataType.INT16: 1,
    DataType.UINT16: 1,
    DataType.FLOAT16: 1,
    DataType.BCD16: 1,
    DataType.INT32: 2,
    DataType.UINT32: 2,
    DataType.FLOAT32: 2,
    DataType.BCD32: 2,
    DataType.INT64: 4,
    DataType.UINT64: 4,
    DataType.FLOAT64: 4,
    DataType.BCD64: 4,
}
"""Registers per value of every type but text and dates."""

COUNTED_DATES: Final = frozenset({"unix32", "unix64", "unixms64", "y2000"})
"""Dates that are one whole number, with the order of one."""

_FIELD_TYPES: Final = frozenset({DataType.UINT16, DataType.UINT32, DataType.UINT64})
_FIXED_TYPES: Final = frozenset({DataType.INT16, DataType.UINT16, DataType.INT32, DataType.UINT32})


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
    shift: int = 0
    """Lowest bit of the value in its registers, taken together; for BIT and for fields of bits."""
    mask: int = 0
    """The value's own bits where they stand; 0: all of them."""
    byte: str = ""
    """Which byte of the register: `h`, `l`, or empty for all of it."""
    fraction_bits: int = 0
    """Bits after the binary point; above 0 the value is a float."""
    encoding: str = ""
    """Codec of a text (empty: UTF-8, else GB18030), or encoding of a date."""

    @property
    def end(self) -> int:
        """The address after the last one taken."""
        return self.start + self.width

    @property
    def partial(self) -> bool:
        """Whether the value is only a part of its registers, which hold something else too."""
        return bool(self.mask or self.byte)


def resolve(tag: Tag, config: ModbusConfig) -> Point:
    """Match a tag's address with its type and the device's limits; raises `Refusal`."""
    address = parse_address(tag.address)
    data_type, width = shape_of(address, tag.data_type)
    if address.count is not None:
        raise refusals.array_as_value()
    if address.start + width > ADDRESS_SPACE:
        raise refusals.beyond_table(address.start, width)
    if address.table.holds_bits:
        return Point(address.table, address.start, width, data_type)
    if width > config.max_registers:
        raise refusals.does_not_fit(width, config.max_registers)
    shift, mask = _bits(address)
    return Point(
        table=address.table,
        start=address.start,
        width=width,
        data_type=data_type,
        order=_order(address, data_type, width, config),
        shift=shift,
        mask=mask,
        byte=address.byte,
        fraction_bits=address.fraction_bits,
        encoding=address.date or address.text,
    )


def shape_of(address: Address, data_type: DataType) -> tuple[DataType, int]:
    """Tell the type and the width of one value at an address; raises `Refusal`."""
    if address.table.holds_bits:
        if not address.plain:
            raise refusals.suffix_on_bit_table()
        if data_type not in {DataType.BOOL, DataType.BIT, DataType.AUTO}:
            raise refused_types.number_in_bit_table(data_type)
        return DataType.BOOL, 1
    if address.length is not None or address.text:
        return _text_shape(address, data_type)
    if address.date or data_type is DataType.DATETIME:
        return _date_shape(address, data_type)
    if address.bits is not None or address.mask is not None:
        return _bits_shape(address, data_type)
    return _number_shape(address, data_type)


def _text_shape(address: Address, data_type: DataType) -> tuple[DataType, int]:
    """Tell the shape of a text."""
    if data_type not in {DataType.STRING, DataType.AUTO}:
        raise refused_types.text_suffix_on(data_type)
    if address.length is None:
        raise refused_types.length_missing()
    if address.date or address.fraction_bits:
        raise refused_types.suffixes_exclude()
    if not address.length:
        raise refused_types.length_zero()
    return DataType.STRING, address.length


def _date_shape(address: Address, data_type: DataType) -> tuple[DataType, int]:
    """Tell the shape of a date and time."""
    if not address.date:
        raise refused_types.date_encoding_missing()
    if data_type not in {DataType.DATETIME, DataType.AUTO}:
        raise refused_types.date_suffix_on(address.date, data_type)
    if address.fraction_bits or address.byte or address.bits or address.mask:
        raise refused_types.suffixes_exclude()
    return DataType.DATETIME, DATE_REGISTERS[address.date]


def _bits_shape(address: Address, data_type: DataType) -> tuple[DataType, int]:
    """Tell the shape of one bit, some bits or a mask."""
    if address.fraction_bits:
        raise refused_types.suffixes_exclude()
    if address.single_bit and data_type in {DataType.BIT, DataType.BOOL, DataType.AUTO}:
        data_type = DataType.BIT
    elif data_type is DataType.AUTO:
        data_type = DataType.UINT16
    elif data_type not in _FIELD_TYPES or address.single_bit:
        wrong = refused_types.bit_suffix_on if address.single_bit else refused_types.field_on
        raise wrong(data_type)
    width = WIDTHS[data_type]
    _, mask = _bits(address)
    if mask >> BITS_PER_REGISTER * width:
        raise refused_types.bits_beyond(mask.bit_length() - 1, BITS_PER_REGISTER * width)
    return data_type, width


def _number_shape(address: Address, data_type: DataType) -> tuple[DataType, int]:
    """Tell the shape of a number; its address never decides what it is."""
    if data_type is DataType.AUTO:
        raise refused_types.type_missing()
    if data_type is DataType.BIT:
        raise refused_types.bit_number_missing()
    if data_type is DataType.STRING:
        raise refused_types.length_missing()
    halves = data_type in {DataType.INT8, DataType.UINT8}
    if halves and not address.byte:
        raise refused_types.byte_missing(data_type)
    if address.byte and not halves:
        raise refused_types.byte_suffix_on(data_type)
    width = WIDTHS[data_type]
    if address.fraction_bits:
        if data_type not in _FIXED_TYPES:
            raise refused_types.fraction_on(data_type)
        if address.fraction_bits > BITS_PER_REGISTER * width:
            raise refused_types.fraction_beyond(address.fraction_bits, data_type)
    return data_type, width


def _bits(address: Address) -> tuple[int, int]:
    """Tell the lowest bit and the mask of an address that names bits; 0, 0 of any other."""
    if address.bits is not None:
        first, last = address.bits
        return first, (1 << last + 1) - (1 << first)
    if address.mask is not None:
        return (address.mask & -address.mask).bit_length() - 1, address.mask
    return 0, 0


def _order(address: Address, data_type: DataType, width: int, config: ModbusConfig) -> Order:
    """Tell the byte order of a value: its own suffix, else the device's default."""
    side_by_side = data_type is DataType.STRING or (
        data_type is DataType.DATETIME and address.date not in COUNTED_DATES
    )
    if not address.order:
        words = config.word_order == "little" and not side_by_side
        low_byte_first = config.byte_order == "little"
        return Order(("reversed" if words else "straight", low_byte_first))
    order = ORDERS[address.order]
    if len(address.order) == 8 and (width != 4 or data_type is DataType.STRING):
        raise refused_types.order_too_long(address.order, data_type)
    if side_by_side and order.swaps_words and address.date != "iec870":
        raise refused_types.no_word_order(address.order, data_type)
    return order
