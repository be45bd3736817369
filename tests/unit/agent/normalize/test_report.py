"""What is stored of what is read: everything, or changes with a full report now and then."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.agent.normalize.engineering import (
    BAD,
    GOOD,
    T_NS,
    UNCERTAIN,
    FakeClock,
    check_frame,
    full,
    part,
    seen,
    tags,
)

from agent.config.model import Group, Report
from agent.normalize.report import Reporter
from drivers.api import Frame

FULL_EVERY_S = 60
DEADBANDS = (0.0, 0.0, 2.0)


@pytest.fixture
def clock():
    """Time that goes by when told to."""
    return FakeClock()


def make(clock, *, report=Report.CHANGE, deadbands=DEADBANDS):
    settings = Group(report=report, full_every_s=FULL_EVERY_S)
    return Reporter(settings, tags(*({"deadband": d} for d in deadbands)), monotonic=clock)


@pytest.fixture
def reporter(clock):
    """A reporter of three tags that has stored 1, 2, 10 already."""
    made = make(clock)
    assert columns(made.select(full(1, 2, 10))) == [0, 1, 2]
    return made


def columns(frame):
    """Give the columns that are stored; None for nothing."""
    return None if frame is None else [column for column, *_ in seen(frame)]


def test_everything_is_stored_where_that_is_asked_for(clock):
    """With report all every frame goes on as it is, changed or not."""
    reporter, frame = make(clock, report=Report.ALL), full(1, 2, 3)
    assert reporter.select(frame) is frame
    assert reporter.select(frame) is frame


def test_the_first_frame_is_stored_whole(clock):
    """Before anything is stored everything is news."""
    frame = full(1, 2, 3)
    assert make(clock).select(frame) is frame


def test_what_did_not_change_is_not_stored(reporter):
    """An equal frame stores nothing, a change stores the changed value alone, at its time."""
    assert reporter.select(full(1, 2, 10)) is None
    changed = reporter.select(full(1, 3, 10, read_ns=T_NS + 5))
    assert seen(changed) == [(1, 3, GOOD, "", T_NS + 5)]
    assert reporter.select(full(1, 3, 10)) is None


def test_a_change_is_measured_from_the_last_stored_value(reporter):
    """Small steps inside the deadband add up until they are a change."""
    assert [columns(reporter.select(full(1, 2, v))) for v in (11, 12, 12.5, 11)] == [
        None, None, [2], None,
    ]  # fmt: skip


@pytest.mark.parametrize("value", [True, 1.0, "1"])
def test_another_type_is_another_value(reporter, value):
    """1 is neither True nor 1.0 nor "1"."""
    assert columns(reporter.select(full(value, 2, 10))) == [0]


def test_a_change_of_quality_is_stored(reporter):
    """Becoming uncertain or bad, and good again, is news even where the value is the same."""
    uncertain = full(1, 2, 10, marks=[GOOD, UNCERTAIN, GOOD], reasons={1: "Why"})
    assert seen(reporter.select(uncertain)) == [(1, 2, UNCERTAIN, "Why", T_NS)]
    assert reporter.select(uncertain) is None
    bad = full(1, None, 10, marks=[GOOD, BAD, GOOD], reasons={1: "Gone"})
    assert seen(reporter.select(bad)) == [(1, None, BAD, "Gone", T_NS)]
    assert columns(reporter.select(full(1, 2, 10))) == [1]


def test_everything_is_stored_every_so_often(reporter, clock):
    """When the time has come the whole frame is stored, changed or not; then changes again."""
    values = (1, 2, 10)
    clock.now_s += FULL_EVERY_S - 1
    assert reporter.select(Frame("d", "g", 1, values)) is None
    clock.now_s += 1
    assert columns(reporter.select(Frame("d", "g", 2, values))) == [0, 1, 2]
    assert reporter.select(Frame("d", "g", 3, values)) is None


def test_the_same_object_is_not_compared_value_by_value(reporter):
    """A tuple handed over again stores nothing; one that came between makes it news again."""
    one, other = (5, 5, 5), (6, 5, 5)
    results = [columns(reporter.select(Frame("d", "g", 1, v))) for v in (one, one, other, one)]
    assert results == [[0, 1, 2], None, [0], [0]]


def test_the_same_object_after_a_partial_change_is_news(reporter):
    """A change told by a partial frame is not forgotten when the old full tuple comes again."""
    values = (1, 2, 10)
    assert reporter.select(Frame("d", "g", 1, values)) is None
    assert columns(reporter.select(part([1], 9))) == [1]
    assert columns(reporter.select(Frame("d", "g", 3, values))) == [1]


def test_repeated_columns_are_compared_one_after_the_other(reporter):
    """Several values of one tag in a frame are each compared with the one before."""
    burst = part([0, 0, 0, 0], 1, 7, 7, 8, times_ns=(1, 2, 3, 4))
    assert seen(reporter.select(burst)) == [(0, 7, GOOD, "", 2), (0, 8, GOOD, "", 4)]


def test_a_partial_frame_that_is_due_brings_everything_known_with_its_own_time(reporter, clock):
    """The full report of a subscription restates the silent tags at the time of their values."""
    assert columns(reporter.select(part([1], 5, times_ns=(T_NS + 1,)))) == [1]
    clock.now_s += FULL_EVERY_S
    whole = reporter.select(part([2], 50, times_ns=(T_NS + 9,), read_ns=T_NS + 10))
    check_frame(whole)
    assert seen(whole) == [
        (0, 1, GOOD, "", T_NS), (1, 5, GOOD, "", T_NS + 1), (2, 50, GOOD, "", T_NS + 9),
    ]  # fmt: skip


def test_a_burst_in_a_frame_that_is_due_is_stored_whole(reporter, clock):
    """A full report never swallows the changes of the frame that triggers it."""
    clock.now_s += FULL_EVERY_S
    whole = reporter.select(part([1, 1, 1], 7, 8, 9, times_ns=(1, 2, 3)))
    assert [(c, v) for c, v, *_ in seen(whole)] == [(0, 1), (2, 10), (1, 7), (1, 8), (1, 9)]
    assert reporter.select(part([1], 9)) is None


def test_qualities_are_restated_too(reporter, clock):
    """A value that is not good is restated with its quality and reason."""
    reporter.select(part([0], None, marks=[BAD], reasons={0: "Broken"}))
    clock.now_s += FULL_EVERY_S
    whole = reporter.select(part([1], 2))
    assert seen(whole)[0] == (0, None, BAD, "Broken", T_NS)
    check_frame(whole)


def test_after_a_silence_the_next_frame_is_stored_whole(reporter):
    """A reset forgets what was stored; what was known before the silence is not restated."""
    reporter.reset()
    assert columns(reporter.select(full(1, 2, 10))) == [0, 1, 2]
    reporter.reset()
    assert columns(reporter.select(part([1], 2))) == [1]
    assert columns(reporter.select(part([0], 1))) == [0]


STEP = st.tuples(
    st.booleans(),
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=5),
    st.sampled_from([0, 1, 30, FULL_EVERY_S]),
)


@given(st.lists(STEP, max_size=25))
def test_whoever_holds_the_last_value_holds_the_truth(steps):
    """Applying what is stored, in order, gives at every moment what applying everything gives."""
    clock = FakeClock()
    reporter = make(clock, deadbands=(0.0, 0.0, 0.0))
    truth, held = {}, {}
    for is_full, entries, seconds in steps:
        clock.now_s += seconds
        if is_full:
            frame = full(*(dict(entries).get(c, 0) for c in range(3)))
        else:
            frame = part([c for c, _ in entries], *(v for _, v in entries))
        truth |= {column: value for column, value, *_ in seen(frame)}
        held |= {column: value for column, value, *_ in seen(reporter.select(frame)) or ()}
        assert held == truth
