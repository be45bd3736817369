"""Which addresses are read together: neighbours share a request.

Deterministic: ordered by table and address. A value never straddles two requests, so it is never
torn; no more than `max_gap` addresses in a row are read that nobody asked for. Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.modbus.address import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from drivers.api import Tag
    from drivers.modbus.address import Point
    from drivers.modbus.config import ModbusConfig

_TABLES = tuple(Table)


@dataclass(frozen=True, slots=True)
class Block:
    """The addresses one request reads, and the tags it serves."""

    table: Table
    start: int
    """First address, counted from 0."""
    count: int
    """Registers, or bits of a coil table."""
    tags: tuple[Tag, ...]
    """The tags read by it, in the order of their addresses."""
    columns: tuple[int, ...]
    """Which tag of the plan each of `tags` is."""

    @property
    def payload_bytes(self) -> int:
        """Bytes of data in the answer to the request."""
        return self.table.payload_bytes(self.count)


def coalesce(config: ModbusConfig, tags: Sequence[Tag], points: Sequence[Point]) -> Iterator[Block]:
    """Join neighbours into blocks, never across more than `max_gap` unasked addresses."""
    columns = sorted(
        range(len(points)),
        key=lambda column: (
            _TABLES.index(points[column].table),
            points[column].start,
            points[column].end,
        ),
    )
    taken: list[int] = []
    end = 0
    for column in columns:
        point = points[column]
        if taken and not _joins(config, points[taken[0]], end, point):
            yield _block(tags, points, taken)
            taken = []
        end = max(end, point.end) if taken else point.end
        taken.append(column)
    if taken:
        yield _block(tags, points, taken)


def _joins(config: ModbusConfig, first: Point, end: int, point: Point) -> bool:
    """Tell whether a point may join the block that began with `first` and now ends at `end`."""
    limit = config.max_bits if point.table.holds_bits else config.max_registers
    return (
        point.table is first.table
        and point.start <= end + config.max_gap
        and max(end, point.end) - first.start <= limit
    )


def _block(tags: Sequence[Tag], points: Sequence[Point], columns: Sequence[int]) -> Block:
    """Make the block that spans some points."""
    first = points[columns[0]]
    return Block(
        table=first.table,
        start=first.start,
        count=max(points[column].end for column in columns) - first.start,
        tags=tuple(tags[column] for column in columns),
        columns=tuple(columns),
    )
