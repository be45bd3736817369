"""What one group knows of its own completeness: edges of gaps, and what a later life is told."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.collect import continuity
from agent.collect.continuity import MOST_EXACT, MOST_SPANS, SETTLE_S, WINDOW_MS, Continuity, Span
from drivers.api import ClockSource, Frame

MS = 1_000_000
T0 = 1_795_400_000_000


def frame(*pairs, at_ms=T0):
    """Give a frame of (column, ms) pairs; each value is its own ms."""
    columns = tuple(column for column, _ in pairs)
    times = tuple(ms * MS for _, ms in pairs)
    return Frame(
        "d", "g", at_ms * MS, tuple(ms for _, ms in pairs), columns, times_ns=times,
        clock=ClockSource.DEVICE,
    )  # fmt: skip


class Group:
    """A group of two tags, and what was last given of them."""

    def __init__(self, size=2, lessons=""):
        self.times = {}
        self.known = Continuity(size, times_ns=lambda: self.times)
        self.known.fills = True
        if lessons:
            self.known.recall(lessons)

    def hear(self, *pairs, at_ms):
        """Take values, as a device does."""
        self.known.returned(at_ms)
        self.known.heard(at_ms * MS, frame(*pairs, at_ms=at_ms))
        self.times |= {column: ms * MS for column, ms in pairs}


@pytest.fixture
def group():
    group = Group()
    group.hear((0, T0 - 100), (1, T0 - 50), at_ms=T0)
    return group


@pytest.mark.parametrize("by_s", [3600, -3600])
def test_a_clock_that_is_set_makes_nothing_known_younger_or_older(group, monkeypatch, by_s):
    """Until when all is known goes with the clock: the time since then is what it was."""
    ahead_ns = continuity._ahead_ns()
    known_ms = group.known.complete_ms
    assert known_ms == pytest.approx(T0, abs=1000)
    monkeypatch.setattr(continuity, "_ahead_ns", lambda: ahead_ns + by_s * 1000 * MS)
    assert group.known.complete_ms == pytest.approx(known_ms + by_s * 1000, abs=1000)


def test_a_mark_of_a_clock_that_was_put_back_is_no_time_to_come(group):
    """A later life is never away from later than now."""
    later = Group(lessons=group.known.lessons)
    away = later.known.returned(T0 - 5000)
    assert (away.from_ms, away.to_ms) == (T0 - 5000, T0 - 5000)


def test_only_what_lies_between_the_edges_is_news(group):
    """Given before, given after: both are known tag by tag, and neither comes again."""
    group.known.broke(from_ms=T0, to_ms=T0 + 1000)
    group.hear((0, T0 + 700), (1, T0 - 50), at_ms=T0 + 1000)
    span = group.known.due(0.0)
    past = frame((0, T0 - 100), (0, T0 + 1), (0, T0 + 699), (0, T0 + 700), (1, T0 - 50), (1, T0))
    assert span.news(past).values == (T0 + 1, T0 + 699)
    assert span.news(frame((0, T0 - 200))) is None
    whole = frame((0, T0 + 5))
    assert span.news(whole) is whole


def test_what_was_filled_is_not_filled_again(group):
    """A span that is taken up again goes on behind what it was given."""
    group.known.broke(from_ms=T0, to_ms=T0 + 1000)
    group.hear((0, T0 + 900), (1, T0 + 900), at_ms=T0 + 1000)
    span = group.known.due(0.0)
    span.filled(frame((0, T0 + 10)))
    assert span.news(frame((0, T0 + 10), (0, T0 + 11))).values == (T0 + 11,)
    assert (span.values, span.asked_from_ms) == (1, T0 - WINDOW_MS)
    span.reached_ms = T0 + 20
    assert span.asked_from_ms == T0 + 20


def test_a_span_waits_for_the_first_value_of_every_tag(group):
    """Until then nobody knows where it ends; but it does not wait for ever."""
    group.known.broke(from_ms=T0, to_ms=T0 + 1000)
    group.hear((0, T0 + 900), at_ms=T0 + 1000)
    span = group.known._spans[0]
    assert group.known.due(span.since_s) is None
    assert group.known.due(span.since_s + SETTLE_S) is span
    group.known.done(span)
    assert group.known.due(span.since_s + SETTLE_S) is None


def test_a_group_that_is_not_filled_wants_nothing(group):
    """A gap is told by others; here it leaves no span and no lesson."""
    group.known.fills = False
    group.known.broke(from_ms=T0, to_ms=T0 + 1000)
    assert group.known.due(1e9) is None
    assert group.known.lessons == ""


def test_spans_are_bounded(group):
    """The oldest makes room, and is told once."""
    for n in range(MOST_SPANS + 2):
        group.known.broke(from_ms=T0 + n, to_ms=T0 + n + 1)
    assert [span.from_ms for span in group.known.drop_lost()] == [T0, T0 + 1]
    assert group.known.drop_lost() == []


def test_a_later_life_knows_what_was_given(group):
    """It asks for the time in which nobody ran, and gets nothing twice at its beginning."""
    later = Group(lessons=group.known.lessons)
    assert later.known.lessons == group.known.lessons, "kept while the device is not heard"
    later.hear((0, T0 + 9000), (1, T0 + 9000), at_ms=T0 + 9000)
    span = later.known.due(0.0)
    assert (span.from_ms, span.to_ms) == (T0, T0 + 9000)
    past = frame((0, T0 - 100), (0, T0 - 99), (1, T0 - 50), (1, T0 - 49), (1, T0 + 8999))
    assert span.news(past).values == (T0 - 99, T0 - 49, T0 + 8999)
    assert later.known.returned(T0 + 9999) is None, "once"


@pytest.mark.parametrize("ahead_ms", [-100_000, 0, 100_000])
def test_a_device_with_another_clock_loses_nothing_to_a_restart(ahead_ms):
    """Spans are told by our clock, values bear the device's: neither cuts off the other's edge."""
    life = Group()
    life.hear((0, T0 + ahead_ms - 100), (1, T0 + ahead_ms - 60_000), at_ms=T0)
    later = Group(lessons=life.known.lessons)
    later.hear((0, T0 + ahead_ms + 9000), (1, T0 + ahead_ms + 9000), at_ms=T0 + 9000)
    span = later.known.due(0.0)
    past = frame(*((tag, T0 + ahead_ms + ms) for ms in (-100, 1, 8000) for tag in (0, 1)))
    assert span.news(past).values == tuple(T0 + ahead_ms + ms for ms in (-100, 1, 1, 8000, 8000)), (
        "all but the value of tag 0 that was given"
    )


def test_a_device_with_another_clock_loses_nothing_where_a_fill_was_left(group):
    """How far a span was filled is told by our clock, too."""
    group.known.broke(from_ms=T0, to_ms=T0 + 200_000)
    group.hear((0, T0 + 900), (1, T0 + 900), at_ms=T0 + 200_000)
    group.known._spans[0].reached_ms = T0 + 150_000
    span = Group(lessons=group.known.lessons).known.due(1e9)
    behind = frame((0, T0 + 60_000), (1, T0 + 60_001))
    assert span.news(behind) is behind


def test_a_span_that_waits_outlives_the_program(group):
    """What a life could not fill the next one does, from where it was left."""
    group.known.broke(from_ms=T0, to_ms=T0 + 1000)
    group.hear((0, T0 + 900), (1, T0 + 900), at_ms=T0 + 1000)
    group.known._spans[0].reached_ms = T0 + 400
    later = Group(lessons=group.known.lessons)
    span = later.known.due(0.0 + 1e9)
    assert (span.from_ms, span.to_ms, span.asked_from_ms) == (T0, T0 + 1000, T0 + 400)
    window = frame((0, T0 + 400), (0, T0 + 401))
    assert span.news(window) is window, "what was filled ended before T0 + 400, without it"


def test_large_groups_are_kept_without_the_time_of_each_tag():
    """A lesson stays short: beyond a bound values may come again, with their own times."""
    group = Group(size=MOST_EXACT + 1)
    group.hear((0, T0 - 10), at_ms=T0)
    assert orjson.loads(group.known.lessons) == {"c": T0}
    later = Group(size=MOST_EXACT + 1, lessons=group.known.lessons)
    later.hear((0, T0 + 10), at_ms=T0 + 10)
    assert later.known._spans[0].news(frame((0, T0 - 10))).values == (T0 - 10,)


@pytest.mark.parametrize(
    "text", ["", "x", "[]", "{}", '{"c":"x"}', '{"c":1,"t":[[1]]}', '{"c":1,"w":[[1,2]]}']
)
def test_lessons_that_cannot_be_understood_are_dropped(text):
    """A lesson of another version costs the fill, not the start."""
    group = Group(lessons=text)
    assert group.known.due(1e9) is None
    assert group.known.returned(T0) is None


@given(
    before=st.dictionaries(st.integers(0, 3), st.integers(T0, T0 + 20)),
    after=st.dictionaries(st.integers(0, 3), st.integers(T0, T0 + 20)),
    past=st.lists(st.tuples(st.integers(0, 3), st.integers(T0 - 5, T0 + 25)), max_size=30),
)
def test_no_value_comes_twice_and_none_is_missed(before, after, past):
    """A value is news if and only if it is later than what went before and earlier than after."""
    span = Span(T0, T0 + 20, dict(before), default_ms=T0 - 1, after_ms=dict(after))
    news = span.news(frame(*past)) if past else None
    given_now = list(zip(news.columns, news.values, strict=True)) if news else []
    wanted = [
        (column, ms)
        for column, ms in past
        if before.get(column, T0 - 1) < ms < after.get(column, T0 + 99)
    ]
    assert given_now == wanted
