"""How many parts a counter tells: differences, over wraps and resets, never negative. Pure.

A reading that is far too low once, and the next one is where the counter was before, is a fault of
the reading: nothing was counted by it, and it is told apart from a counter that was set back.
"""

from __future__ import annotations

from typing import Final, NamedTuple

FAR: Final = 2
"""So many times the greatest step seen is more than a counter counts between two readings."""


class Fall(NamedTuple):
    """A counter that reads less than before, until its next reading tells why."""

    before: int | float
    """Its value before it fell."""
    added: int | float
    """What was counted when it fell, as of a counter that began anew."""
    resets: int = 0
    """How often it was taken for set back by that."""

    def was_a_fault(self, low: float, reading: float, *, usual: float) -> bool:
        """Tell whether it is back where it was, by a step too great for a counter to count.

        `low` is the reading before this one, `usual` the greatest step it has made so far.
        """
        return reading >= self.before and reading - low > FAR * usual


class Counter:
    """Takes the readings of one counter in order; gives what was added."""

    def __init__(
        self, *, wrap: int | None = None, last: int | None = None, fell: Fall | None = None
    ) -> None:
        """Take the count at which it begins anew at 0, and how an earlier life left it."""
        self._wrap = wrap
        self._usual = 0
        self.last = last
        self.fell = fell
        """Its last fall, while it has not counted since."""
        self.resets = 0
        """How often it went back and was no wrap: what it counted before is not known."""
        self.glitches = 0
        """How often it read too little and was back at once: nothing is counted for that."""

    def add(self, reading: int) -> int:
        """Give how many were added since the reading before; 0 for the first.

        A counter that went back begins anew at 0: the reading itself is what it has counted
        since. With a wrap known the shorter way round counts, if it is less than half of it. Where
        the fall proves to be a fault, what it added is taken back: the sum is then negative.
        """
        last, self.last = self.last, reading
        if last is None or reading == last:
            return 0
        fell, self.fell = self.fell, None
        if reading > last:
            if fell is not None and fell.was_a_fault(last, reading, usual=self._usual):
                return self._recovers(fell, reading)
            self._usual = max(self._usual, reading - last)
            return reading - last
        return self._falls(last, reading, fell)

    def _recovers(self, fell: Fall, reading: int) -> int:
        self.glitches += 1
        self.resets -= fell.resets
        return int(reading - fell.before - fell.added)

    def _falls(self, last: int, reading: int, fell: Fall | None) -> int:
        before, already, resets = Fall(last, 0) if fell is None else fell
        added = self._over_the_end(last, reading)
        if added is None:
            added = max(reading, 0)
            self.resets += 1
            resets += 1
        self.fell = Fall(before, already + added, resets)
        return added

    def _over_the_end(self, last: int, reading: int) -> int | None:
        """Give what a wrap has counted; None where it is none."""
        if self._wrap is None or reading >= self._wrap:
            return None
        around = reading + self._wrap - last
        return around if 0 <= around < self._wrap // 2 else None
