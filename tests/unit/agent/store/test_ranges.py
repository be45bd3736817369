"""Ranges against a plain set of numbers: whatever is done to both, they hold the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.store.ranges import Ranges

RANGE = st.tuples(st.integers(-30, 60), st.integers(0, 12)).map(lambda r: (r[0], r[0] + r[1]))


@given(st.lists(st.tuples(st.booleans(), RANGE), max_size=30), RANGE)
def test_ranges_are_a_set_of_numbers(changes, asked):
    """Adding, removing, asking for what is in and what is not, agree with a set."""
    ranges, numbers = Ranges(), set()
    for adds, (first, last) in changes:
        span = range(first, last + 1)
        if adds:
            ranges.add(first, last)
            numbers.update(span)
        else:
            ranges.remove(first, last)
            numbers.difference_update(span)
    assert spelled(ranges) == sorted(numbers)
    assert all(b[0] > a[1] + 1 for a, b in zip(list(ranges), list(ranges)[1:], strict=False))
    span = set(range(asked[0], asked[1] + 1))
    assert spelled(ranges.inside(*asked)) == sorted(numbers & span)
    assert spelled(ranges.outside(*asked)) == sorted(span - numbers)
    assert all((n in ranges) == (n in numbers) for n in span)
    assert ranges.copy() == ranges


def spelled(ranges):
    """Give every number of ranges."""
    return [n for first, last in ranges for n in range(first, last + 1)]
