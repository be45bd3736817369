"""Live rows in memory, in lanes: events, then rows that carry a machine's state, then the rest.

On a link that takes less than is collected the first lanes go first, and what is left to the
backlog for want of room is taken from the last. Within a lane rows keep their order.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from agent.store.outbox import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from agent.store.outbox import Row

ORDER: Final = (Kind.EVENT, Kind.STATE, Kind.DATA)
"""Kinds of rows, the most urgent first."""


class Lanes:
    """Rows by urgency; `size_bytes` is the size of them all."""

    def __init__(self) -> None:
        self._lanes: dict[Kind, deque[Row]] = {kind: deque() for kind in ORDER}
        self.size_bytes = 0
        """Size of the rows' bodies."""

    def __bool__(self) -> bool:
        """Whether there is a row."""
        return any(self._lanes.values())

    def __iter__(self) -> Iterator[Row]:
        """Give every row, the most urgent first."""
        for lane in self._lanes.values():
            yield from lane

    @property
    def next(self) -> deque[Row]:
        """The first lane that has a row, or an empty one; take from its left, and tell `left`."""
        for lane in self._lanes.values():
            if lane:
                return lane
        return self._lanes[Kind.DATA]

    def add(self, rows: Iterable[Row]) -> None:
        """Put rows behind those of their lane."""
        for row in rows:
            self._lanes[row.kind].append(row)
            self.size_bytes += len(row.body)

    def left(self, size_bytes: int) -> None:
        """Note that rows of so many bytes were taken from `next`."""
        self.size_bytes -= size_bytes

    def give_up(self) -> Row:
        """Take out the oldest row of the least urgent lane that has one."""
        lane = next(lane for lane in reversed(self._lanes.values()) if lane)
        row = lane.popleft()
        self.size_bytes -= len(row.body)
        return row

    def keep(self, wanted: Callable[[Row], bool]) -> None:
        """Keep only rows that are wanted."""
        rows = [row for row in self if wanted(row)]
        self.clear()
        self.add(rows)

    def clear(self) -> None:
        """Forget every row."""
        for lane in self._lanes.values():
            lane.clear()
        self.size_bytes = 0
