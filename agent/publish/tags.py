"""Which tags the values of a frame are of, worked out once for columns that come again.

A subscription's messages are cut alike again and again, and come with the same tuple of columns.
"""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drivers.api import Value

MOST_SAMPLES: Final = 24
"""So many columns per tag are remembered, about 30 bytes each; beyond, all are forgotten."""
MOST_PARTS: Final = 64
"""So many parts of the same columns are remembered."""
LEAST_ROOM: Final = 1024
"""So many columns are remembered in any case."""


class Tags:
    """The tags of a frame's values."""

    def __init__(
        self, columns: tuple[int, ...] | None, names: tuple[str, ...], *, once_each: bool
    ) -> None:
        self.columns = columns
        """Column of each value; None: every tag once, in the order of the plan."""
        self.names = names
        """Name of each value's tag."""
        self.once_each = once_each
        """Whether no tag comes twice."""
        self._scans = 0
        self._cells: list[list[Value]] = []
        self._one_scan: dict[str, list[Value]] = {}
        self._parts: dict[tuple[int, int], tuple[int, ...]] = {}

    def part(self, positions: range) -> tuple[int, ...]:
        """Give the columns of consecutive positions: the same tuple for the same ones."""
        key = positions.start, positions.stop
        found = self._parts.get(key)
        if found is None:
            if len(self._parts) >= MOST_PARTS:
                self._parts.clear()
            columns = self.columns
            found = tuple(positions) if columns is None else columns[key[0] : key[1]]
            self._parts[key] = found
        return found

    def one_scan(self, values: tuple[Value, ...]) -> Mapping[str, Sequence[Value]]:
        """Give each name its one value, until the next call; only where no tag comes twice.

        What comes again is put into columns that are kept, for a third of the cost.
        """
        self._scans += 1
        if self._scans == 1:
            return dict(zip(self.names, zip(values, strict=True), strict=True))
        if not self._cells:
            self._cells = [[None] for _ in self.names]
            self._one_scan = dict(zip(self.names, self._cells, strict=True))
        for cell, value in zip(self._cells, values, strict=True):
            cell[0] = value
        return self._one_scan

    @cached_property
    def stretches(self) -> tuple[tuple[str, slice], ...] | None:
        """Where each tag's values lie; None where those of one tag lie apart."""
        names = self.names
        ends = [at for at, (one, next_) in enumerate(pairwise(names), 1) if one is not next_]
        starts = [0, *ends]
        firsts = [names[at] for at in starts]
        if len(set(firsts)) < len(firsts):
            return None
        return tuple(zip(firsts, map(slice, starts, [*ends, len(names)]), strict=True))

    @cached_property
    def each(self) -> int:
        """How many values each tag has, where those of one lie together; 0 where that differs."""
        counts = {where.stop - where.start for _, where in self.stretches or ()}
        return counts.pop() if len(counts) == 1 else 0


class TagsOf:
    """Remembers, for the group whose tags have these names, what columns mean."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._every = Tags(None, self._names, once_each=True)
        self._known: dict[int, Tags] = {}  # by identity of the columns, which are kept in it
        self._held = 0

    def __call__(self, columns: tuple[int, ...] | None) -> Tags:
        """Give the tags of these columns."""
        if columns is None:
            return self._every
        known = self._known.get(id(columns))
        if known is not None:
            return known
        names = tuple(map(self._names.__getitem__, columns))
        tags = Tags(columns, names, once_each=len(set(columns)) == len(columns))
        if self._held + len(columns) > LEAST_ROOM + MOST_SAMPLES * len(self._names):
            self._known.clear()
            self._held = 0
        self._known[id(columns)] = tags
        self._held += len(columns)
        return tags
