"""Counted time: every millisecond once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.states.covered import MOST_SPANS, Covered

SPANS = st.tuples(st.integers(0, 60), st.integers(0, 60)).map(sorted).map(tuple)


@given(st.lists(SPANS, max_size=20))
def test_every_millisecond_is_given_once(claims):
    """Whatever is claimed in whatever order, what is given is what was not covered before."""
    covered, plain = Covered(), set()
    for from_ms, to_ms in claims:
        fresh = set(range(from_ms, to_ms)) - plain
        assert covered.claim(from_ms, to_ms) == len(fresh)
        plain |= fresh
        assert {ms for a, b in covered.spans for ms in range(a, b)} == plain
        assert all(a < b for a, b in covered.spans)
        assert covered.spans == sorted(covered.spans)


@pytest.mark.parametrize(
    ("span", "part"),
    [((0, 5), (0, 5)), ((0, 15), (0, 10)), ((12, 25), (20, 25)), ((12, 40), (20, 30)),
     ((12, 18), (18, 18)), ((10, 20), (20, 20)), ((35, 50), (40, 50)), ((20, 30), (20, 30))],
)  # fmt: skip
def test_the_part_that_is_open(span, part):
    """What is covered at first is left out, and what follows the next covered span, too."""
    assert Covered([(10, 20), (30, 40)]).open_part(*span) == part


def test_too_many_spans_become_fewer():
    """The memory of a day is bounded; what lies between two joined spans is never given."""
    covered = Covered()
    for n in range(2 * MOST_SPANS):
        assert covered.claim(10 * n, 10 * n + 5) == 5
    assert len(covered.spans) == MOST_SPANS
    assert sum(b - a for a, b in covered.spans) > 5 * 2 * MOST_SPANS
