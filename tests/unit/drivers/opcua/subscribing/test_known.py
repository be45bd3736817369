"""Last values by reference are those that a table written value by value would hold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drivers.api import Frame
from drivers.opcua.subscribing.known import LEAST_ROOM, MOST_SAMPLES, NOTHING, Known

TAGS = 4
CUTS = [
    None,
    (0, 1),
    (1, 2, 3),
    (0, 0, 0, 2),
    (3,),
    tuple([1] * (LEAST_ROOM + MOST_SAMPLES * TAGS)),
]


def frame(columns, start):
    count = TAGS if columns is None else len(columns)
    return Frame("d", "g", 0, tuple(range(start, start + count)), columns)


@given(st.lists(st.tuples(st.sampled_from(CUTS), st.booleans()), max_size=12))
def test_last_values_are_those_told_last(steps):
    """However messages are cut, repeated or looked at in between, each tag has its newest value."""
    known, expected = Known(TAGS), {}
    for number, (columns, look) in enumerate(steps):
        told = frame(columns, number * 10_000)
        known.take(told)
        expected.update(zip(columns or range(TAGS), told.values, strict=True))
        if look:
            assert known.last(1) == expected.get(1, NOTHING)
    assert [known.last(tag) for tag in range(TAGS)] == [
        expected.get(tag, NOTHING) for tag in range(TAGS)
    ]


def test_frames_whose_columns_never_come_again_do_not_pile_up():
    """Beyond the room they are taken apart: what is held does not grow."""
    known = Known(TAGS)
    for number in range(10_000):
        known.take(frame(tuple(range(TAGS)), number))
    assert known._held <= LEAST_ROOM + MOST_SAMPLES * TAGS
    assert known.last(3) == 9_999 + 3
