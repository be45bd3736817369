"""Which addresses are read together: the cut of a plan's points into requests.

Deterministic: ordered by table and address, the cheapest cut by `drivers.modbus.cost`. A value
never straddles two requests, so it is never torn; no request crosses a hole, exceeds a limit or
reads more unasked addresses in a row than the device's settings allow. Pure: no I/O.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from drivers.modbus.cost import costs_of
from drivers.modbus.points.address import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from drivers.modbus.config import ModbusConfig
    from drivers.modbus.cost import Costs
    from drivers.modbus.points.address import Point

GAP_CAP = 32
"""Most unasked registers in a row where the cost alone would allow more: a device that answers
late or refuses is more likely the further a request strays from what its maker lists together."""

GAP_CAP_BITS = 16 * GAP_CAP
"""The same for coils and inputs."""

TOO_LONG = "BadOutOfRange"
"""Reason of a value wider than what the device was found to answer at once."""

_PICOSECONDS = 10**12
"""Costs are compared as whole picoseconds: sums of floats would make equal cuts unequal."""


class Hole(NamedTuple):
    """Addresses a device refuses; without length: it refuses to cross from one to the next."""

    table: Table
    start: int
    end: int
    """The address after the last."""
    reason: str = "BadConfigurationError"
    """What a value gets that lies there."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What was found out about a device while it was read."""

    holes: tuple[Hole, ...] = ()
    max_registers: int | None = None
    max_bits: int | None = None
    request_s: float | None = None
    """The measured fixed part of a request (`Costs.fixed_part`): its payload's time left out."""


NOTHING_KNOWN = Knowledge()


@dataclass(frozen=True, slots=True)
class Block:
    """The addresses one request reads, and the tags it serves."""

    table: Table
    start: int
    """First address, counted from 0."""
    count: int
    """Registers, or bits of a coil table."""
    columns: tuple[int, ...]
    """Which tags of the plan it serves, in the order of their addresses."""

    @property
    def end(self) -> int:
        """The address after the last one read."""
        return self.start + self.count

    @property
    def payload_bytes(self) -> int:
        """Bytes of data in the answer to the request."""
        return self.table.payload_bytes(self.count)


@dataclass(slots=True)
class _Span:
    """Addresses that are read together in any case: a value and the values within it."""

    start: int
    end: int
    columns: list[int]


@dataclass(frozen=True, slots=True)
class _Rules:
    """What holds for the requests to one table."""

    limit: int
    gap: int
    fixed_ps: int
    address_ps: int


def coalesce(
    config: ModbusConfig, points: Sequence[Point], *, knowledge: Knowledge = NOTHING_KNOWN
) -> tuple[tuple[Block, ...], dict[int, str]]:
    """Cut points into blocks; beside them, the columns that cannot be read and why."""
    costs = costs_of(config, request_s=knowledge.request_s)
    blocks: list[Block] = []
    unread: dict[int, str] = {}
    for table in Table:
        columns = [at for at, point in enumerate(points) if point.table is table]
        if columns:
            rules = _rules(config, knowledge, costs, table)
            holes = _Holes(hole for hole in knowledge.holes if hole.table is table)
            lost = _lost(points, columns, holes, rules.limit)
            unread |= lost
            spans = _spans(points, [column for column in columns if column not in lost])
            for run in _runs(spans, holes, rules.gap):
                blocks += (_block(table, part) for part in _cut(run, rules))
    return tuple(blocks), unread


class _Holes:
    """The holes of one table, merged, for look-up by address."""

    def __init__(self, holes: Iterable[Hole]) -> None:
        known = sorted(holes, key=lambda hole: (hole.start, hole.end))
        self._borders = {hole.start for hole in known if hole.start == hole.end}
        self._holes = [hole for hole in known if hole.start != hole.end]
        self._starts = [hole.start for hole in self._holes]
        self._reach: list[int] = []
        """The furthest end among the holes up to each."""
        for hole in self._holes:
            self._reach.append(max(hole.end, self._reach[-1] if self._reach else 0))

    def within(self, start: int, end: int) -> Hole | None:
        """Give a hole that shares an address with start..end; None if there is none."""
        at = bisect_right(self._starts, end - 1) - 1
        if start >= end or at < 0 or self._reach[at] <= start:
            return None
        return next(hole for hole in reversed(self._holes[: at + 1]) if hole.end > start)

    def part(self, end: int, start: int) -> bool:
        """Tell whether no request may go on from what ends at `end` to what begins at `start`."""
        return start in self._borders or self.within(end, start) is not None


def _rules(config: ModbusConfig, knowledge: Knowledge, costs: Costs, table: Table) -> _Rules:
    """Put limits and costs together; registers and bits are counted apart."""
    if table.holds_bits:
        limit, learned, cap, size_bytes = config.max_bits, knowledge.max_bits, GAP_CAP_BITS, 0.125
    else:
        limit, learned, cap, size_bytes = (
            config.max_registers, knowledge.max_registers, GAP_CAP, 2.0,
        )  # fmt: skip
    gap = config.max_gap
    if gap is None:
        gap = cap if config.learn else 0
    return _Rules(
        limit=limit if learned is None else min(limit, learned),
        gap=gap,
        fixed_ps=round(costs.request_s * _PICOSECONDS),
        address_ps=round(costs.byte_s * size_bytes * _PICOSECONDS),
    )


def _lost(
    points: Sequence[Point], columns: Sequence[int], holes: _Holes, limit: int
) -> Mapping[int, str]:
    """Tell which columns lie in a hole or are wider than a request may be, and why."""
    lost: dict[int, str] = {}
    for column in columns:
        point = points[column]
        hole = holes.within(point.start, point.end)
        if hole is not None:
            lost[column] = hole.reason
        elif point.width > limit:
            lost[column] = TOO_LONG
    return lost


def _spans(points: Sequence[Point], columns: Sequence[int]) -> list[_Span]:
    """Join what lies within another value; starts and ends both grow along the list."""
    spans: list[_Span] = []
    for column in sorted(columns, key=lambda at: (points[at].start, -points[at].end)):
        point = points[column]
        if spans and point.end <= spans[-1].end:
            spans[-1].columns.append(column)
        else:
            spans.append(_Span(point.start, point.end, [column]))
    return spans


def _runs(spans: Sequence[_Span], holes: _Holes, gap: int) -> Iterator[Sequence[_Span]]:
    """Part the spans where no request may go on: at a hole, and at a gap that is too wide."""
    begin = 0
    for at in range(1, len(spans) + 1):
        if at == len(spans) or (
            spans[at].start - spans[at - 1].end > gap
            or holes.part(spans[at - 1].end, spans[at].start)
        ):
            yield spans[begin:at]
            begin = at


def _cut(run: Sequence[_Span], rules: _Rules) -> Iterator[Sequence[_Span]]:
    """Cut a run into the requests that take the least time together; the first ones longest.

    From the end backwards: the best cut from a span on is the cheapest first request plus the best
    cut of the rest. The candidates for its last span are a sliding window whose minimum is kept.
    """
    ahead: deque[tuple[int, int]] = deque()
    """(cost as far as it depends on the last span, last span), cheapest at the right."""
    best = 0
    last = [0] * len(run)
    for first in reversed(range(len(run))):
        cost = rules.address_ps * run[first].end + best
        while ahead and ahead[0][0] > cost:
            ahead.popleft()
        ahead.appendleft((cost, first))
        while run[ahead[-1][1]].end - run[first].start > rules.limit:
            ahead.pop()
        cheapest, last[first] = ahead[-1]
        best = rules.fixed_ps + cheapest - rules.address_ps * run[first].start
    at = 0
    while at < len(run):
        yield run[at : last[at] + 1]
        at = last[at] + 1


def _block(table: Table, spans: Sequence[_Span]) -> Block:
    """Make the block that reads some spans."""
    start = spans[0].start
    columns = tuple(column for span in spans for column in span.columns)
    return Block(table, start, spans[-1].end - start, columns)
