"""The schedule: multiples of an interval, none twice, none forgotten."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.collect.schedule import first_tick_s, is_tick, next_tick_s, ticks_between

INTERVAL = st.sampled_from([0.01, 0.02, 0.05, 0.1, 0.25, 0.3, 0.7, 1.0, 1.1, 5.0, 60.0])
NOW = st.floats(0, 1e7)


@given(NOW, INTERVAL)
def test_the_next_tick_is_later_and_not_too_late(now_s, interval_s):
    """The next tick lies after now, at most one interval away, and is a tick."""
    tick_s = next_tick_s(now_s, interval_s)
    assert now_s < tick_s <= now_s + interval_s * (1 + 1e-6)
    assert is_tick(tick_s, interval_s)


@given(st.integers(0, 10**6), INTERVAL)
def test_from_a_tick_the_next_one_follows(number, interval_s):
    """Going from tick to tick visits every multiple once, whatever floating point makes of it."""
    tick_s = number * interval_s
    assert is_tick(tick_s, interval_s)
    assert first_tick_s(tick_s, interval_s) == tick_s
    assert next_tick_s(tick_s, interval_s) == (number + 1) * interval_s
    assert ticks_between(tick_s, next_tick_s(tick_s, interval_s), interval_s) == 0


@given(st.integers(0, 10**6), st.integers(0, 500), INTERVAL)
def test_between_two_ticks_lie_those_between(first, more, interval_s):
    """Neither end counts when both are ticks."""
    counted = ticks_between(first * interval_s, (first + more) * interval_s, interval_s)
    assert counted == max(0, more - 1)


@given(NOW, st.lists(st.floats(0, 50), min_size=1, max_size=8), INTERVAL)
def test_counts_add_up(start_s, steps, interval_s):
    """However a span is cut, its parts and the ticks at the cuts make the whole."""
    cuts = [start_s]
    for step_s in steps:
        cuts.append(cuts[-1] + step_s)
    pairs = list(pairwise(cuts))
    parts = sum(ticks_between(a, b, interval_s) for a, b in pairs)
    inner = sum(is_tick(b, interval_s) and b > a for a, b in pairs[:-1] if b < cuts[-1])
    assert parts + inner == ticks_between(cuts[0], cuts[-1], interval_s)


@given(NOW, st.floats(0, 100), INTERVAL)
def test_a_count_is_what_walking_finds(start_s, length_s, interval_s):
    """The count is the number of steps from tick to tick before the end."""
    end_s = start_s + min(length_s, interval_s * 200)
    walked, tick_s = 0, next_tick_s(start_s, interval_s)
    while tick_s < end_s:
        walked += 1
        tick_s = next_tick_s(tick_s, interval_s)
    assert ticks_between(start_s, end_s, interval_s) == walked


@pytest.mark.parametrize(("start_s", "end_s"), [(5, 5), (5, 4), (5, 5.5), (5.1, 5.9)])
def test_no_tick_in_between(start_s, end_s):
    """An empty or reversed span, and one within an interval, hold no tick."""
    assert ticks_between(start_s, end_s, 1.0) == 0
