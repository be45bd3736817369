"""One stream of rows, (gateway, epoch): what arrived, twice, or not at all.

Row numbers of an epoch begin at 1, so every number up to the highest one is seen, announced as lost
by the gateway, or a hole. Nothing else is known of a hole: it is what the tests look for.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

import orjson

from simulators.platform.intervals import IntervalSet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulators.platform.rows import Row

_REMEMBERED: Final = 50_000
"""Rows per stream whose content is remembered, to tell a repeat from another row of that name."""


class Stream:
    """Counts of one stream; `from_start` false forgives what came before the first row seen."""

    def __init__(self, *, from_start: bool) -> None:
        self.seen = IntervalSet()
        self.lost = IntervalSet()
        self.duplicates = 0
        self.altered = 0
        """Repeats whose content differs from the first arrival: two rows under one identity."""
        self.announced_rows = 0
        self.announced_values = 0
        self._first = 1 if from_start else None
        self._digests: OrderedDict[tuple[int, int, int], int] = OrderedDict()
        self._parts: dict[tuple[int, int], set[int]] = {}
        self._replayed: list[tuple[int, int, int]] = []

    def take(self, row: Row) -> bool:
        """Count a row; whether it is new."""
        digest = zlib.crc32(orjson.dumps(row.content))
        if self._first is None:
            self._first = row.number
        which, of = row.content.get("part", (1, 1))
        key = (row.number, which, of)
        repeated = key in self._digests or (of == 1 and row.number in self.seen)
        if repeated:
            self.duplicates += 1
            self.altered += self._digests.get(key, digest) != digest
            return False
        self._digests[key] = digest
        if len(self._digests) > _REMEMBERED:
            self._digests.popitem(last=False)
        self._complete(row.number, which, of)
        return True

    def _complete(self, number: int, which: int, of: int) -> None:
        """Count a row as seen when it is whole: all parts of one cut are there."""
        parts = self._parts.setdefault((number, of), set())
        parts.add(which)
        if len(parts) == of:
            del self._parts[number, of]
            self.seen.add(number)

    def announce(self, record: Mapping[str, Any]) -> None:
        """Take the range of a `dropped` or `rejected` record as accounted for."""
        self.lost.add(record["from"], record["to"])
        self.announced_rows += record["rows"]
        self.announced_values += record["values"]

    def replayed(self, record: Mapping[str, Any]) -> None:
        """Take the answer to a request: so many numbers of a range are not there any more."""
        if record["gone"]:
            self._replayed.append((record["from"], record["to"], record["gone"]))

    @property
    def mark(self) -> int:
        """Every number up to here is stored, announced as lost, or said to be gone."""
        for first, last in self.holes:
            gone = [
                to
                for start, to, count in self._replayed
                if start <= first and last <= to and self._missing(start, to) <= count
            ]
            if not gone:
                return first - 1
        return max((end for end in (self.seen.last, self.lost.last) if end is not None), default=0)

    def _missing(self, first: int, last: int) -> int:
        return last - first + 1 - self.seen.count(first, last)

    @property
    def holes(self) -> list[tuple[int, int]]:
        """Ranges of row numbers neither seen nor announced as lost."""
        ends = [end for end in (self.seen.last, self.lost.last) if end is not None]
        if not ends or self._first is None:
            return []
        return [
            hole
            for first, last in self.seen.gaps(self._first, max(ends))
            for hole in self.lost.gaps(first, last)
        ]

    @property
    def missing_in_lost(self) -> int:
        """Rows announced as lost that never arrived; `announced_rows` if all was told true."""
        return sum(
            last - first + 1 - self.seen.count(first, last) for first, last in self.lost.ranges
        )

    @property
    def unaccounted(self) -> int:
        """Rows that are gone without a word: in holes, or in announced ranges beyond their count.

        A gateway announces a range and how many rows of it are lost; rows between may have arrived.
        """
        in_holes = sum(last - first + 1 for first, last in self.holes)
        return in_holes + max(0, self.missing_in_lost - self.announced_rows)

    def as_dict(self) -> dict[str, Any]:
        """Give it as JSON values."""
        return {
            "rows": len(self.seen),
            "last": self.seen.last,
            "duplicates": self.duplicates,
            "altered_duplicates": self.altered,
            "holes": [list(item) for item in self.holes],
            "unaccounted_rows": self.unaccounted,
            "lost": [list(item) for item in self.lost.ranges],
            "lost_rows_announced": self.announced_rows,
            "lost_values_announced": self.announced_values,
            "lost_rows_missing": self.missing_in_lost,
        }
