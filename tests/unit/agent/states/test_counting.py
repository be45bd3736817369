"""What a counter adds, over resets, wraps and readings that are false once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.states.counting import Counter

SERIES = {
    "counts up": ([480, 481, 485], 5, 0, 0),
    "set back": ([480, 481, 0, 0, 1, 2], 3, 1, 0),
    "set back, seen late": ([480, 481, 3, 4], 5, 1, 0),
    "a false 0": ([480, 481, 0, 481, 482], 2, 0, 1),
    "a false 0 while it counted": ([480, 481, 0, 482, 483], 3, 0, 1),
    "two false ones": ([480, 481, 0, 0, 481, 482], 2, 0, 1),
    "a false low value": ([480, 481, 37, 481, 482], 2, 0, 1),
    "false twice in a row": ([480, 481, 37, 0, 481, 482], 2, 0, 1),
    "false again and again": ([480, 481, 0, 481, 0, 481, 482], 2, 0, 2),
    "a false 0 at first": ([480, 0, 480], 0, 0, 1),
    "a batch counter, polled slowly": ([0, 8, 0, 9, 1, 10], 27, 2, 0),
    "over the end": ([65_530, 65_534, 4, 8], 14, 0, 0),
    "a false 0 near the end": ([65_530, 65_532, 0, 65_533, 65_535, 1], 7, 0, 1),
}
"""Readings, what was added in all, resets, glitches; it wraps at 65536."""


@pytest.mark.parametrize("name", SERIES)
def test_what_is_added(name):
    """A counter that goes on from low was set back; one that is back at once never was."""
    readings, added, resets, glitches = SERIES[name]
    counter = Counter(wrap=65_536)
    assert sum(map(counter.add, readings)) == added
    assert (counter.resets, counter.glitches) == (resets, glitches)


def test_a_false_reading_on_both_sides_of_a_restart():
    """What the counter was before it fell outlives the program, as its last reading does."""
    first = Counter()
    for reading in (480, 481, 0):
        first.add(reading)
    second = Counter(last=first.last, fell=first.fell)
    assert second.add(482) == 1
    assert (second.glitches, first.resets + second.resets) == (1, 0)


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=30).map(lambda steps: [1000, *steps]),
    st.lists(st.integers(1, 30), max_size=5, unique=True),
)
def test_single_false_zeros_add_nothing(steps, at):
    """Wherever single readings are 0, a counter adds what it would have added without them."""
    total, readings = 0, []
    for step in steps:
        total += step
        readings.append(total)
    dirty = list(readings)
    lone = [n for n in sorted(at) if n < len(dirty) - 1 and n - 1 not in at]
    for n in lone:
        dirty.insert(n + sum(one < n for one in lone), 0)
    clean, faulty = Counter(), Counter()
    assert sum(map(faulty.add, dirty)) == sum(map(clean.add, readings))
    assert (faulty.resets, faulty.glitches) == (0, len(lone))
