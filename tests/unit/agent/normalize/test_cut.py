"""Cutting frames: values keep their column, quality, reason and time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.agent.normalize.engineering import BAD, GOOD, UNCERTAIN, check_frame, full, part, seen

from agent.normalize.cut import cut

WHOLE = full(1, None, 3, 4, marks=[GOOD, BAD, GOOD, UNCERTAIN], reasons={1: "Bad1", 3: "Why3"})
PARTIAL = part(
    [7, 5, 5, 2], 1, None, 3, 4,
    marks=[GOOD, BAD, GOOD, UNCERTAIN], reasons={1: "Bad1", 3: "Why3"}, times_ns=(9, 8, 7, 6),
)  # fmt: skip


@pytest.mark.parametrize("frame", [WHOLE, PARTIAL], ids=["whole", "partial"])
@given(positions=st.lists(st.integers(0, 3), min_size=1, max_size=4, unique=True))
def test_any_positions(frame, positions):
    """What is at a position keeps everything it has; order is that of the positions."""
    piece = cut(frame, positions)
    assert seen(piece) == [seen(frame)[at] for at in positions]
    check_frame(piece)


@pytest.mark.parametrize("frame", [WHOLE, PARTIAL], ids=["whole", "partial"])
@given(ends=st.tuples(st.integers(0, 3), st.integers(1, 4)).filter(lambda e: e[0] < e[1]))
def test_a_range_of_positions_is_the_same_done_faster(frame, ends):
    """A contiguous piece is what its single positions are."""
    assert seen(cut(frame, range(*ends))) == seen(cut(frame, list(range(*ends))))
    check_frame(cut(frame, range(*ends)))


def test_a_good_piece_of_a_frame_that_is_not_good_is_good():
    """Where no bad value is left there are no qualities."""
    assert cut(WHOLE, [0, 2]).good
    assert cut(WHOLE, range(1)).good
    assert not cut(WHOLE, [1]).good
