"""Which stored rows still have to be sent and are not in memory: disjoint ranges of seq."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.store.outbox import Range, Row


class Backlog:
    """A sorted set of disjoint ranges; rows inside them may have gone meanwhile."""

    def __init__(self) -> None:
        self._ranges: list[Range] = []

    def __bool__(self) -> bool:
        """Whether anything is left."""
        return bool(self._ranges)

    def __len__(self) -> int:
        """How many seqs the ranges span."""
        return sum(last - first + 1 for first, last in self._ranges)

    @property
    def first(self) -> Range:
        """The lowest range."""
        return self._ranges[0]

    @property
    def ranges(self) -> tuple[Range, ...]:
        """Every range, lowest first."""
        return tuple(self._ranges)

    def add(self, first: int, last: int) -> None:
        """Add a range, joining it with those it touches."""
        at = bisect_left(self._ranges, (first, first))
        if at and self._ranges[at - 1][1] >= first - 1:
            at -= 1
            first = self._ranges[at][0]
        end = at
        while end < len(self._ranges) and self._ranges[end][0] <= last + 1:
            last = max(last, self._ranges[end][1])
            end += 1
        self._ranges[at:end] = [(first, last)]

    def remove(self, first: int, last: int) -> None:
        """Forget what lies in a range, and nothing beside it."""
        self._ranges = [
            part
            for low, high in self._ranges
            for part in ((low, min(high, first - 1)), (max(low, last + 1), high))
            if part[0] <= part[1]
        ]


def ranges_of(rows: Iterable[Row]) -> list[Range]:
    """Give the seqs of rows as ranges without gaps, in the rows' order."""
    found: list[Range] = []
    for row in rows:
        if found and found[-1][1] == row.seq - 1:
            found[-1] = (found[-1][0], row.seq)
        else:
            found.append((row.seq, row.seq))
    return found
