"""How long a read takes when nobody is in its way: the measure behind the cut of a plan.

A read is timed now and then only, so that the others pay nothing for it. Pure.
"""

from __future__ import annotations

import math

SAMPLES = 8
"""Reads of which at least the fastest counts."""

APART_S = 3600.0
"""Least time between two results: a plan is not made anew more often."""

CHANGE = 0.25
"""Least relative change that is worth a new plan."""

_DIGITS = 2


class Pace:
    """The fastest of the recent reads with the same requests."""

    __slots__ = ("_from_s", "_least_s", "_samples")

    def __init__(self) -> None:
        self._samples = 0
        self._least_s = math.inf
        self._from_s = -math.inf

    def note(self, read_s: float) -> None:
        """Take the time of one read."""
        self._samples += 1
        self._least_s = min(self._least_s, read_s)

    def begin(self) -> None:
        """Start anew: the requests changed."""
        self._samples, self._least_s = 0, math.inf

    def result_s(self, now_s: float) -> float | None:
        """Give the time of a read once enough were seen; None before, and within the hour after."""
        if self._samples < SAMPLES or now_s - self._from_s < APART_S:
            return None
        least_s, self._from_s = self._least_s, now_s
        self.begin()
        return least_s


def worth(before_s: float | None, now_s: float) -> bool:
    """Tell whether a new round trip differs enough from the one in force."""
    return before_s is None or abs(now_s - before_s) > CHANGE * max(before_s, 1e-9)


def rounded(time_s: float) -> float:
    """Round to two digits: more would be noise in what is kept."""
    return float(f"{time_s:.{_DIGITS - 1}e}")
