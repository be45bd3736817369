"""The ranges still to be sent: a set of numbers, kept short."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from unit.agent.publish.messages import row

from agent.publish.backlog import Backlog, ranges_of

RANGE = st.tuples(st.integers(1, 40), st.integers(0, 10)).map(lambda r: (r[0], r[0] + r[1]))
STEP = st.tuples(st.booleans(), RANGE)


@given(st.lists(STEP, max_size=30))
def test_it_is_a_set_of_numbers(steps):
    """After any additions and removals it holds what a set would, in ranges that do not touch."""
    backlog, model = Backlog(), set()
    for adds, (first, last) in steps:
        numbers = set(range(first, last + 1))
        if adds:
            backlog.add(first, last)
            model |= numbers
        else:
            backlog.remove(first, last)
            model -= numbers
        ranges = backlog._ranges
        assert {n for low, high in ranges for n in range(low, high + 1)} == model
        assert all(low <= high for low, high in ranges)
        ends = [high for _, high in ranges[:-1]]
        assert all(end + 1 < low for end, (low, _) in zip(ends, ranges[1:], strict=True))
        assert (bool(backlog), len(backlog)) == (bool(model), len(model))
        if model:
            assert backlog.first[0] == min(model)


@given(st.lists(st.integers(1, 30), max_size=30))
def test_ranges_of_rows_cover_exactly_their_seqs(seqs):
    """Rows in any order give ranges of exactly their seqs, neighbours joined."""
    ranges = ranges_of([row(seq) for seq in seqs])
    assert [n for low, high in ranges for n in range(low, high + 1)] == seqs
