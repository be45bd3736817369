"""Observing frames: counts per device and day, equal to a plain count value by value."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.kpi.days import Calendar
from agent.kpi.evidence import DeviceDay, is_control_metric
from agent.kpi.observe import Observer
from drivers.api import Frame, Quality

ZONE = "Asia/Shanghai"
NAMES = ("program.line", "spindle.speed", "energy.total")
GOOD, UNCERTAIN, BAD = int(Quality.GOOD), int(Quality.UNCERTAIN), int(Quality.BAD)
S = 1_000_000_000


def ns(day, hour=12, minute=0, second=0):
    """Give a time of July 2026 in Wuhan."""
    at = datetime(2026, 7, day, hour, minute, second, tzinfo=ZoneInfo(ZONE))
    return int(at.timestamp()) * S


def frame(time_ns, values, **columns):
    return Frame("d1", "fast", time_ns, tuple(values), **columns)


@pytest.fixture
def observer():
    return Observer({("d1", "fast"): NAMES, ("d1", "slow"): ("machine.state",)}, Calendar(ZONE))


def only(observer):
    (day,) = observer.days()
    return day


def test_full_frames_are_counted(observer):
    """Two equal full frames: six good values, two of them a controller's, nothing changed."""
    observer.observe(frame(ns(1), (1, 2, 3)))
    observer.observe(frame(ns(1) + S, (1, 2, 3)))
    assert only(observer).row()[:7] == (
        "d1", "2026-07-01", 6, False, 2, ns(1) // 10**6, ns(1) // 10**6 + 1000
    )  # fmt: skip


def test_same_tuple_again_is_no_change(observer):
    """A driver that hands over the same object has read the same values."""
    values = (1, 2, 3)
    for second in range(3):
        observer.observe(frame(ns(1) + second * S, values))
    assert not only(observer).metrics_changed


def test_change_is_noticed(observer):
    """One value that differs from the day's first is a change."""
    observer.observe(frame(ns(1), (1, 2, 3)))
    observer.observe(frame(ns(1) + S, (1, 2, 4)))
    assert only(observer).metrics_changed


def test_difference_between_days_is_no_change(observer):
    """Values are compared within a day only."""
    observer.observe(frame(ns(1), (1, 2, 3)))
    observer.observe(frame(ns(2), (9, 9, 9)))
    assert [d.metrics_changed for d in observer.days()] == [False, False]


def test_groups_of_a_device_share_its_day(observer):
    """Counts of all groups add up in one record."""
    observer.observe(frame(ns(1), (1, 2, 3)))
    observer.observe(Frame("d1", "slow", ns(1), ("idle",)))
    assert only(observer).good == 4


def test_bad_and_uncertain_values_do_not_count(observer):
    """Only good values are evidence, and only they are compared."""
    observer.observe(frame(ns(1), (1, 2, 3)))
    marks = bytes([BAD, UNCERTAIN, GOOD])
    observer.observe(frame(ns(1), (None, 7, 3), qualities=marks))
    assert only(observer).good == 4
    assert only(observer).control_good == 1
    assert not only(observer).metrics_changed


def test_frame_without_good_value_leaves_no_trace(observer):
    """A silent device is no evidence, not even of being there."""
    observer.observe(frame(ns(1), (None, None, None), qualities=bytes(3)))
    assert observer.days() == []
    assert observer.drain() == []


def test_partial_frames_compare_by_column(observer):
    """A change-driven frame is compared with what its column held before, in any frame."""
    observer.observe(frame(ns(1), (5,), columns=(1,)))
    observer.observe(frame(ns(1), (5, 6), columns=(2, 0)))
    assert not only(observer).metrics_changed
    assert (only(observer).good, only(observer).control_good) == (3, 1)
    observer.observe(frame(ns(1), (6, 5, 5)))
    assert not only(observer).metrics_changed
    observer.observe(frame(ns(1), (7,), columns=(0,)))
    assert only(observer).metrics_changed


def test_values_count_on_their_own_day(observer):
    """Values of one frame stamped on both sides of midnight belong to both days."""
    before, after = ns(1, 23, 59, 59), ns(2, 0, 0, 0)
    observer.observe(frame(after, (1, 2, 3), times_ns=(before, after, before)))
    found = {d.day.day: (d.good, d.control_good) for d in observer.days()}
    assert found == {1: (2, 1), 2: (1, 0)}


def test_replayed_values_count_on_the_day_they_are_of(observer):
    """Late data with device stamps count on the source's day, not on today."""
    observer.observe(frame(ns(5), (1, 2, 3), times_ns=(ns(3),) * 3))
    observer.observe(frame(ns(25), (1, 2, 3), times_ns=(ns(3),) * 3, backfill=True))
    assert (only(observer).day, only(observer).good) == (date(2026, 7, 3), 6)


def test_midnight_is_the_factory_s(observer):
    """15:59:59 UTC is still the day before in Wuhan, 16:00 is not."""
    at = int(datetime(2026, 7, 1, 16, tzinfo=UTC).timestamp()) * S
    observer.observe(frame(at - 1, (1, 2, 3)))
    observer.observe(frame(at, (1, 2, 3)))
    assert [d.day.day for d in observer.days()] == [1, 2]


def test_frames_around_midnight_may_alternate(observer):
    """Two groups whose frames come in from both days keep both days' first values."""
    observer.observe(frame(ns(1, 23, 59), (1, 2, 3)))
    observer.observe(frame(ns(2, 0, 0), (4, 5, 6)))
    observer.observe(frame(ns(1, 23, 59, 30), (1, 2, 3)))
    observer.observe(frame(ns(2, 0, 1), (4, 5, 6)))
    assert [(d.good, d.metrics_changed) for d in observer.days()] == [(6, False), (6, False)]


def test_drain_gives_each_change_once_and_whole(observer):
    """Drained days are cumulative; a day that did not change since is not given again."""
    observer.observe(frame(ns(1), (1, 2, 3)))
    assert [d.good for d in observer.drain()] == [3]
    assert observer.drain() == []
    observer.observe(frame(ns(1) + S, (1, 2, 3)))
    assert [d.good for d in observer.drain()] == [6]


def test_restart_continues_the_day(observer):
    """What was stored is loaded and counted on; loading alone leaves nothing to store."""
    observer.observe(frame(ns(1), (1, 2, 3)))
    observer.observe(frame(ns(1) + S, (1, 2, 4)))
    again = Observer({("d1", "fast"): NAMES}, Calendar(ZONE))
    again.load(observer.days())
    assert again.drain() == []
    again.observe(frame(ns(1) + 2 * S, (1, 2, 3)))
    assert only(again).good == 9
    assert only(again).metrics_changed
    assert only(again).first_ms == ns(1) // 10**6


def test_days_since(observer):
    """Whoever asks for a window gets no older days."""
    observer.observe(frame(ns(1), (1, 2, 3)))
    observer.observe(frame(ns(2), (1, 2, 3)))
    assert [d.day.day for d in observer.days(date(2026, 7, 2))] == [2]


def test_watch_is_the_same_door(observer):
    """The bound function of one group counts like `observe`."""
    observer.watch("d1", "slow")(Frame("d1", "slow", ns(1), ("idle",)))
    assert only(observer).good == 1


def test_calendar_day_of_a_clock_change():
    """In a zone with summer time the day of the change has 23 hours."""
    day = Calendar("Europe/Berlin").day(int(datetime(2026, 3, 29, 10, tzinfo=UTC).timestamp()) * S)
    assert (day.until_ns - day.from_ns) // (3600 * S) == 23
    assert day.date == date(2026, 3, 29)


TIMES = st.integers(-6, 6).map(lambda quarter: ns(2, 0, 0) + quarter * 900 * S)


@st.composite
def frames(draw):
    """Random frames within hours of one midnight, in every shape a driver may give."""
    found = []
    for _ in range(draw(st.integers(1, 8))):
        full = draw(st.booleans())
        columns = None if full else tuple(draw(st.lists(st.integers(0, 2), max_size=4)))
        size = len(NAMES) if columns is None else len(columns)
        marks = draw(st.none() | st.lists(st.sampled_from([GOOD, GOOD, UNCERTAIN, BAD]),
                                          min_size=size, max_size=size))  # fmt: skip
        found.append(
            frame(
                draw(TIMES),
                draw(st.lists(st.integers(0, 1), min_size=size, max_size=size)),
                columns=columns,
                qualities=None if marks is None else bytes(marks),
                times_ns=draw(st.none() | st.lists(TIMES, min_size=size, max_size=size).map(tuple)),
            )
        )
    return found


def counted_one_by_one(seen):
    """Count value by value, with nothing shared with the observer but the calendar day."""
    days = defaultdict(lambda: {"good": 0, "control": 0, "values": defaultdict(set), "at": []})
    for one in seen:
        for at, value in enumerate(one.values):
            if one.qualities is not None and one.qualities[at] != GOOD:
                continue
            time_ns = one.read_ns if one.times_ns is None else one.times_ns[at]
            name = NAMES[at if one.columns is None else one.columns[at]]
            day = days[datetime.fromtimestamp(time_ns // S, ZoneInfo(ZONE)).date()]
            day["good"] += 1
            day["control"] += is_control_metric(name)
            day["values"][name].add(value)
            day["at"].append(time_ns // 10**6)
    return sorted(
        (
            DeviceDay("d1", date_, day["good"], any(len(v) > 1 for v in day["values"].values()),
                      day["control"], min(day["at"]), max(day["at"]))
            for date_, day in days.items()
        ),
        key=lambda d: d.day,
    )  # fmt: skip


@given(frames())
def test_fast_paths_count_like_a_plain_loop(seen):
    """Whatever the shape of the frames, the counts are those of a loop over single values."""
    observer = Observer({("d1", "fast"): NAMES}, Calendar(ZONE))
    for one in seen:
        observer.observe(one)
    found = sorted(observer.days(), key=lambda d: d.day)
    assert [d.row()[:7] for d in found] == [d.row()[:7] for d in counted_one_by_one(seen)]


@given(frames(), st.integers(0, 7))
def test_drained_days_add_up(seen, split):
    """What is drained last for each day is what is known of it, wherever one drains before."""
    observer = Observer({("d1", "fast"): NAMES}, Calendar(ZONE))
    stored = {}
    for number, one in enumerate(seen):
        observer.observe(one)
        if number == split:
            stored |= {d.day: d for d in observer.drain()}
    stored |= {d.day: d for d in observer.drain()}
    assert stored == {d.day: d for d in observer.days()}
