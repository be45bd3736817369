"""Absolute, aligned schedules: every group of one interval is due at the same instants."""

from __future__ import annotations

from math import floor


def next_tick_s(now_s: float, interval_s: float) -> float:
    """Give the first multiple of the interval after now."""
    return (floor(now_s / interval_s) + 1) * interval_s


def ticks_between(start_s: float, end_s: float, interval_s: float) -> int:
    """Count the multiples of the interval after `start_s`, up to but without `end_s`."""
    if end_s <= start_s:
        return 0
    last = floor(end_s / interval_s)
    if last * interval_s == end_s:
        last -= 1
    return max(0, last - floor(start_s / interval_s))
