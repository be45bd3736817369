"""How many parts a counter tells: differences, over wraps and resets, never negative. Pure."""

from __future__ import annotations


class Counter:
    """Takes the readings of one counter in order; gives what was added."""

    def __init__(self, *, wrap: int | None = None, last: int | None = None) -> None:
        """Take the count at which it begins anew at 0, and the last reading of an earlier life."""
        self._wrap = wrap
        self.last = last
        self.resets = 0
        """How often it went back and was no wrap: what it counted before is not known."""

    def add(self, reading: int) -> int:
        """Give how many were added since the reading before; 0 for the first.

        A counter that went back begins anew at 0: the reading itself is what it has counted
        since. With a wrap known the shorter way round counts, if it is less than half of it.
        """
        last, self.last = self.last, reading
        if last is None:
            return 0
        if reading >= last:
            return reading - last
        if self._wrap is not None and reading < self._wrap:
            around = reading + self._wrap - last
            if 0 <= around < self._wrap // 2:
                return around
        self.resets += 1
        return max(reading, 0)
