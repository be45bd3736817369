"""A set of integers kept as disjoint ranges: what was seen of a stream, and what is missing."""

from __future__ import annotations

from bisect import bisect_left, bisect_right


class IntervalSet:
    """Grows only; its size is that of its ranges, not of its members."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def __contains__(self, number: int) -> bool:
        index = bisect_right(self._starts, number) - 1
        return index >= 0 and number <= self._ends[index]

    def __len__(self) -> int:
        return sum(end - start + 1 for start, end in self.ranges)

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """The ranges, ascending, both ends included, never touching each other."""
        return list(zip(self._starts, self._ends, strict=True))

    @property
    def last(self) -> int | None:
        """The largest member."""
        return self._ends[-1] if self._ends else None

    def add(self, first: int, last: int | None = None) -> bool:
        """Add one number or a range, both ends included; whether any of it is new."""
        last = first if last is None else last
        if last < first:
            return False
        index = bisect_right(self._starts, first) - 1
        if index >= 0 and last <= self._ends[index]:
            return False
        left = bisect_left(self._ends, first - 1)
        right = bisect_right(self._starts, last + 1)
        if left < right:
            first = min(first, self._starts[left])
            last = max(last, self._ends[right - 1])
        self._starts[left:right] = [first]
        self._ends[left:right] = [last]
        return True

    def gaps(self, first: int, last: int) -> list[tuple[int, int]]:
        """Give the ranges between `first` and `last` that are not in the set."""
        gaps: list[tuple[int, int]] = []
        position = first
        for start, end in self.ranges:
            if end < position:
                continue
            if start > last:
                break
            if start > position:
                gaps.append((position, start - 1))
            position = end + 1
        if position <= last:
            gaps.append((position, last))
        return gaps

    def count(self, first: int, last: int) -> int:
        """How many members lie between `first` and `last`, both included."""
        missing = sum(end - start + 1 for start, end in self.gaps(first, last))
        return max(0, last - first + 1 - missing)
