"""A set of whole numbers as sorted, disjoint, inclusive ranges. Pure; costs grow with the holes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agent.store.outbox import Range


class Ranges:
    """Numbers that are in, written as few ranges as possible."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, ranges: Iterable[Range] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in ranges:
            self.add(first, last)

    def __iter__(self) -> Iterator[Range]:
        """Give the ranges, lowest first."""
        return zip(self._firsts, self._lasts, strict=True)

    def __len__(self) -> int:
        """How many ranges there are."""
        return len(self._firsts)

    def __contains__(self, number: int) -> bool:
        """Whether a number is in."""
        at = bisect_right(self._firsts, number) - 1
        return at >= 0 and self._lasts[at] >= number

    def __eq__(self, other: object) -> bool:
        """Whether both hold the same numbers."""
        return isinstance(other, Ranges) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment] # it changes

    def copy(self) -> Ranges:
        """Give another set of the same numbers."""
        twin = Ranges()
        twin._firsts, twin._lasts = self._firsts[:], self._lasts[:]
        return twin

    def add(self, first: int, last: int) -> None:
        """Put a range in, joining those it touches."""
        start = bisect_left(self._lasts, first - 1)
        end = bisect_right(self._firsts, last + 1)
        if start < end:
            first = min(first, self._firsts[start])
            last = max(last, self._lasts[end - 1])
        self._firsts[start:end] = [first]
        self._lasts[start:end] = [last]

    def remove(self, first: int, last: int) -> None:
        """Take a range out, and nothing beside it."""
        start = bisect_left(self._lasts, first)
        end = bisect_right(self._firsts, last)
        if start >= end:
            return
        left = [(self._firsts[start], first - 1)] if self._firsts[start] < first else []
        right = [(last + 1, self._lasts[end - 1])] if self._lasts[end - 1] > last else []
        self._firsts[start:end] = [part[0] for part in left + right]
        self._lasts[start:end] = [part[1] for part in left + right]

    def inside(self, first: int, last: int) -> list[Range]:
        """Give the parts of a range that are in."""
        start = bisect_left(self._lasts, first)
        end = bisect_right(self._firsts, last)
        return [
            (max(first, low), min(last, high))
            for low, high in zip(self._firsts[start:end], self._lasts[start:end], strict=True)
        ]

    def outside(self, first: int, last: int) -> list[Range]:
        """Give the parts of a range that are not in."""
        return list(self.holes(first, last))

    def holes(self, first: int, last: int) -> Iterator[Range]:
        """Give the parts of a range that are not in, one by one; nothing may change meanwhile."""
        for at in range(bisect_left(self._lasts, first), bisect_right(self._firsts, last)):
            if first < self._firsts[at]:
                yield first, self._firsts[at] - 1
            first = self._lasts[at] + 1
        if first <= last:
            yield first, last
