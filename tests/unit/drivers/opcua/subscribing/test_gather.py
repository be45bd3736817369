"""Messages that a server cut are joined: every value once, in order, never late for long."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.opcua.decoding.items import Columns
from drivers.opcua.subscribing.gather import MOST_KEPT, MOST_VALUES, Gathering

T = 134_000_000_000_000_000
EVERY = tuple(range(6))


def columns(handles, pattern=(T,)):
    """Values of some points: each is a hundred times its handle."""
    times = None if pattern is None else (pattern * len(handles))[: len(handles)]
    return Columns(tuple(handles), tuple(100 * h for h in handles), sources=times, pattern=pattern)


class Given(list):
    """What was given: (handles, values, source times, receipt)."""

    def __init__(self):
        self.came = asyncio.Event()

    def __call__(self, found, read_ns):
        self.came.set()
        self.append((found.handles, tuple(found.values), found.sources, read_ns))


@pytest.fixture
def given_():
    return Given()


@pytest.fixture
async def gathering(given_):
    gathering = Gathering(given_, every_handle=EVERY)
    yield gathering
    gathering.flush()


async def test_the_parts_of_a_message_come_as_one(gathering, given_):
    """What more was promised for waits; the last part gives all, received with the last."""
    gathering.add(columns([0, 1]), 1, known_ns=9, more=True)
    gathering.add(columns([2, 3]), 2, known_ns=9, more=True)
    assert (given_, gathering.since_ns) == ([], 9)
    gathering.add(columns([5]), 3, known_ns=9, more=False)
    assert given_ == [((0, 1, 2, 3, 5), (0, 100, 200, 300, 500), (T,) * 5, 3)]
    assert gathering.since_ns == 0


async def test_the_same_parts_give_the_same_handles(gathering, given_):
    """Those who know columns by identity know them again; all points are told by the own tuple."""
    parts = [columns([0, 1, 2]), columns([3, 4])]
    whole = [columns([0, 1, 2]), columns([3, 4, 5])]
    for some in (parts, parts, whole):
        gathering.add(some[0], 1, known_ns=1, more=True)
        gathering.add(some[1], 1, known_ns=1, more=False)
    assert given_[0][0] is given_[1][0]
    assert given_[2][0] is EVERY


async def test_what_bears_no_repeating_times_waits_for_nothing(gathering, given_):
    """Its values may be stamped when they came, so it goes at once, after what waited."""
    gathering.add(columns([0]), 1, known_ns=1, more=True)
    gathering.add(columns([1], None), 2, known_ns=1, more=True)
    assert [(handles, read_ns) for handles, _, _, read_ns in given_] == [((0,), 1), ((1,), 2)]


async def test_a_promise_that_is_not_kept_delays_little(gathering, given_):
    """A server that says more and sends nothing does not hold values back."""
    gathering.add(columns([4]), 1, known_ns=1, more=True)
    async with asyncio.timeout(30):
        await given_.came.wait()
    assert given_ == [((4,), (400,), (T,), 1)]


async def test_what_was_flushed_is_not_given_again(gathering, given_):
    """At a stop what waits is given at once, once; the time it had to wait for more is over."""
    gathering.add(columns([0, 1]), 1, known_ns=5, more=True)
    timer = gathering._timer
    for _ in range(2):
        gathering.flush()
    assert [(handles, read_ns) for handles, _, _, read_ns in given_] == [((0, 1), 1)]
    assert (timer.cancelled(), gathering._timer, gathering.since_ns) == (True, None, 0)


async def test_what_is_joined_again_after_all_was_forgotten_bears_its_own_handles(given_):
    """Messages are known by their handles' identity, which lives as long as it is remembered."""
    gathering = Gathering(given_, every_handle=EVERY)
    for start in range(0, 3 * MOST_KEPT, 4096):  # the tuples of one turn may lie where others lay
        one, two = columns(range(start, start + 2048)), columns(range(start + 2048, start + 4096))
        gathering.add(one, 1, known_ns=1, more=True)
        gathering.add(two, 1, known_ns=1, more=False)
        handles, values, _, _ = given_.pop()
        assert handles == tuple(range(start, start + 4096))
        assert values == tuple(100 * handle for handle in handles)


async def test_many_values_wait_for_nothing(gathering, given_):
    """What waits is bounded, and so is what is remembered of it."""
    handles = [tuple(range(n, n + 1024)) for n in range(100)]
    for one in handles:
        gathering.add(columns(one), 1, known_ns=1, more=True)
    assert {len(found) for found, *_ in given_} == {MOST_VALUES}
    for one in handles * 4:
        gathering.add(columns(one), 1, known_ns=1, more=True)
    assert gathering._kept <= MOST_KEPT
    assert gathering._kept == sum(len(joined) for _, joined in gathering._known.values())


patterns = st.sampled_from([None, (T,), (T, T + 1), (T + 1, T), (T + 2,)])
messages = st.lists(
    st.tuples(st.lists(st.integers(0, 5), min_size=1, max_size=5), patterns, st.booleans()),
    max_size=8,
)


@given(messages)
async def test_nothing_is_lost_doubled_or_moved(sequence):
    """However messages come, all values are given in their order, each with its own time."""
    found = Given()
    gathering = Gathering(found, every_handle=EVERY)
    expected = []
    for handles, pattern, more in sequence:
        part = columns(handles, pattern)
        expected += zip(part.handles, part.values, part.sources or [0] * len(handles), strict=True)
        gathering.add(part, 1, known_ns=1, more=more)
    gathering.flush()
    told = [
        item
        for handles, values, sources, _ in found
        for item in zip(handles, values, sources or [0] * len(handles), strict=True)
    ]
    assert told == expected
