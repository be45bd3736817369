"""Absolute, aligned schedules: every group of one interval is due at the same instants."""

from __future__ import annotations

from math import floor


def next_tick_s(now_s: float, interval_s: float) -> float:
    """Give the first multiple of the interval after now."""
    return (_index(now_s, interval_s) + 1) * interval_s


def first_tick_s(from_s: float, interval_s: float) -> float:
    """Give the first multiple of the interval that is not before `from_s`."""
    return from_s if is_tick(from_s, interval_s) else next_tick_s(from_s, interval_s)


def is_tick(at_s: float, interval_s: float) -> bool:
    """Tell whether a time is a multiple of the interval."""
    return _index(at_s, interval_s) * interval_s == at_s


def ticks_between(start_s: float, end_s: float, interval_s: float) -> int:
    """Count the multiples of the interval after `start_s`, up to but without `end_s`."""
    if end_s <= start_s:
        return 0
    last = _index(end_s, interval_s)
    if last * interval_s == end_s:
        last -= 1
    return max(0, last - _index(start_s, interval_s))


def _index(at_s: float, interval_s: float) -> int:
    """Number of the last multiple that is not after `at_s`.

    The quotient alone may be one off: `43 * 0.1 / 0.1` is below 43, and a poll would be due twice.
    """
    index = floor(at_s / interval_s)
    if (index + 1) * interval_s <= at_s:
        return index + 1
    return index - 1 if index * interval_s > at_s else index
