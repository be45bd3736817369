"""The interval set against Python's own set."""

from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.platform.intervals import IntervalSet

RANGES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 8)), max_size=30)


@settings(deadline=None)
@given(RANGES)
def test_same_members_as_a_set(ranges):
    """Whatever is added in whatever order, members, size and novelty are a set's."""
    model, intervals = set(), IntervalSet()
    for first, length in ranges:
        added = set(range(first, first + length + 1))
        assert intervals.add(first, first + length) is bool(added - model)
        model |= added
        assert len(intervals) == len(model)
    assert [n for n in range(80) if n in intervals] == sorted(model)
    assert intervals.last == (max(model) if model else None)


@settings(deadline=None)
@given(RANGES, st.integers(0, 60), st.integers(0, 30))
def test_gaps_are_what_is_missing(ranges, first, length):
    """Gaps and count between two numbers are a set's difference and intersection."""
    model, intervals = set(), IntervalSet()
    for start, size in ranges:
        intervals.add(start, start + size)
        model |= set(range(start, start + size + 1))
    wanted = set(range(first, first + length + 1))
    gaps = intervals.gaps(first, first + length)
    assert {n for start, end in gaps for n in range(start, end + 1)} == wanted - model
    assert intervals.count(first, first + length) == len(wanted & model)


@settings(deadline=None)
@given(RANGES)
def test_ranges_are_ascending_and_apart(ranges):
    """Ranges never overlap or touch, so the set stays as small as it can be."""
    intervals = IntervalSet()
    for first, length in ranges:
        intervals.add(first, first + length)
    flat = [bound for pair in intervals.ranges for bound in pair]
    assert flat == sorted(flat)
    ends_and_starts = zip(intervals.ranges, intervals.ranges[1:], strict=False)
    assert all(right[0] - left[1] > 1 for left, right in ends_and_starts)


def test_an_empty_range_adds_nothing():
    """A range that ends before it begins is no range."""
    intervals = IntervalSet()
    assert not intervals.add(5, 4)
    assert len(intervals) == 0
