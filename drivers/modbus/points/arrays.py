"""Arrays: one line of a point table that stands for many values, and the tags it becomes.

Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from drivers.api import AddressError
from drivers.modbus.points import refusals
from drivers.modbus.points.address import shape_of
from drivers.modbus.points.refusals import Refusal
from drivers.modbus.points.syntax import ADDRESS_SPACE, parse_address

if TYPE_CHECKING:
    from drivers.api import Tag
    from drivers.modbus.points.syntax import Address

MAX_VALUES: Final = 2000
"""Most values of one array: what a device offers in a row is a fraction of it."""


def expand(tag: Tag) -> tuple[Tag, ...]:
    """Give the tags `name.0`, `name.1`, … of an array; the tag alone when it is none.

    A tag whose address or type is wrong in itself comes back as it is: the plan refuses it.

    Raises:
        AddressError: the array is empty, too long, overlaps itself or leaves its table.
    """
    try:
        address = parse_address(tag.address)
        if address.count is None:
            return (tag,)
        _, width = shape_of(address, tag.data_type)
    except Refusal:
        return (tag,)
    stride = width if address.stride is None else address.stride
    refusal = _refusal(address, address.count, stride=stride, width=width)
    if refusal is not None:
        raise AddressError([refusal.problem(tag)])
    return tuple(
        replace(
            tag,
            name=f"{tag.name}.{at}",
            address=f"{address.table}:{address.start + at * stride}{address.tail}",
        )
        for at in range(address.count)
    )


def _refusal(address: Address, count: int, *, stride: int, width: int) -> Refusal | None:
    """Say what is wrong with an array; None when nothing is."""
    if not 1 <= count <= MAX_VALUES:
        return refusals.array_size(count, MAX_VALUES)
    if stride < width:
        return refusals.array_overlaps(stride, width)
    reach = (count - 1) * stride + width
    if address.start + reach > ADDRESS_SPACE:
        return refusals.beyond_table(address.start, reach)
    return None
