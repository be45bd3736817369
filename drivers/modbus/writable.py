"""Which tags may be written at all; asked when a plan is made, so that nobody finds out later.

Only coils, and numbers that fill whole holding registers. A part of a register is refused: it
could only be written by reading its register, changing the part and writing everything back, and
the device may change its other bits in between. Pure: no I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.api import Access, DataType
from drivers.modbus.points.address import Point, Table
from drivers.modbus.points.refusals import Refusal

if TYPE_CHECKING:
    from drivers.api import Tag
    from drivers.modbus.config import ModbusConfig

WRITABLE_TYPES = frozenset(
    {
        DataType.INT16, DataType.UINT16, DataType.INT32, DataType.UINT32, DataType.INT64,
        DataType.UINT64, DataType.FLOAT16, DataType.FLOAT32, DataType.FLOAT64, DataType.BCD16,
        DataType.BCD32, DataType.BCD64,
    }
)  # fmt: skip
"""Types that fill whole registers and have one encoding per value."""

EVERYBODY = 0
"""The unit id that every device on a line listens to."""


def check_writable(tag: Tag, point: Point, config: ModbusConfig) -> None:
    """Refuse a tag that is to be written and cannot be; raises `Refusal`."""
    if tag.access is not Access.READ_WRITE:
        return
    if config.unit == EVERYBODY:
        raise _to_everybody()
    if point.table is Table.COILS:
        return
    if point.table is not Table.HOLDING_REGISTERS:
        raise _read_only_table(point.table)
    if point.partial:
        raise _part_of_register()
    plain = Point(point.table, point.start, point.width, point.data_type, point.order)
    if point.data_type not in WRITABLE_TYPES or point != plain:
        raise _no_plain_number(point.data_type)


def _to_everybody() -> Refusal:
    """Refuse a broadcast."""
    return Refusal(
        "unit 0 is every device on the line at once",
        "站号 0 是广播，会写到总线上的所有设备",
        hint="set the device's own unit id; for a device with its own network port 1 or 255",
        hint_zh="请填写设备自己的站号；设备自带网口时一般填 1 或 255",
    )


def _read_only_table(table: Table) -> Refusal:
    """Refuse the two tables that no function writes."""
    return Refusal(
        f"{table}: can only be read; Modbus knows no function that writes it",
        f"{table}: 只能读，Modbus 没有写这个区的功能码",
        hint="remove write, or use the coil (co:) or holding register (hr:) of the manual",
        hint_zh="请删去 write，或按设备手册改用线圈（co:）或保持寄存器（hr:）",
    )


def _part_of_register() -> Refusal:
    """Refuse bits, bytes and masks."""
    return Refusal(
        "only whole registers are written: the device may change the other bits in between",
        "只能整寄存器写：写其中几位时，设备可能正在改同一寄存器的其他位",
        hint="remove write, or give the whole register a tag of its own, such as uint16 at hr:100",
        hint_zh="请删去 write，或为整个寄存器单独建一个点位，例如 hr:100、uint16",
    )


def _no_plain_number(data_type: DataType) -> Refusal:
    """Refuse what several raw values mean, or no single number."""
    return Refusal(
        f"only plain numbers are written to registers, not this {data_type}",
        f"寄存器只能写普通数值，不能写这种 {data_type}",
        hint="for on and off write uint16 with min 0 and max 1; for a fixed point use scale",
        hint_zh="开关量请用 uint16，min: 0、max: 1；定点数请改用倍率 scale",
    )
