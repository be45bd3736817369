"""The course of states, counters and silences, as a device's day tells it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from agent.config.shifts import Shifts
from agent.kpi.calendar import ShopCalendar
from agent.kpi.days import Calendar
from agent.kpi.deviceday import DeviceDay
from agent.kpi.observe import Observer
from agent.kpi.tally import Counter
from drivers.api import Frame, Quality

ZONE = "Asia/Shanghai"
S = 1_000_000_000
NAMES = ("machine.state", "part.count", "power.active")
GOOD, BAD = int(Quality.GOOD), int(Quality.BAD)


def ns(hour, minute=0, second=0, *, day=1):
    at = datetime(2026, 7, day, tzinfo=ZoneInfo(ZONE)) + timedelta(hours=hour, minutes=minute)
    return int(at.timestamp()) * S + second * S


def frame(time_ns, *values, **columns):
    return Frame("d1", "g", time_ns, values, **columns)


def silence(time_ns):
    return frame(time_ns, None, None, None, qualities=bytes([BAD] * 3))


@pytest.fixture
def observer():
    return Observer({("d1", "g"): NAMES, ("d1", "h"): ("x",)}, Calendar(ZONE))


def only(observer):
    (day,) = observer.days()
    return day


def run(observer, from_ns, seconds, state, *, count=1, power=0.5):
    for second in range(seconds):
        observer.observe(frame(from_ns + second * S, state, count, power))


def test_seconds_in_each_state(observer):
    """A state lasts from its first sight to the first sight of the next."""
    run(observer, ns(8), 60, "idle")
    run(observer, ns(8, 1), 120, "running")
    run(observer, ns(8, 3), 1, "alarm")
    day = only(observer)
    assert day.states == {"idle": 60, "running": 120}
    assert (day.transitions, day.running) == (2, {8: 120})


def test_a_short_state_is_seen_between_looks(observer):
    """Looks are a second apart, and a state of a tenth of that is still a transition."""
    for tenth, state in enumerate(["idle"] * 3 + ["alarm"] + ["idle"] * 3):
        observer.observe(frame(ns(8) + tenth * S // 10, state, 1, 0.5))
    assert only(observer).transitions == 2


def test_a_state_goes_on_over_midnight_and_the_hour(observer):
    """Each hour of each day gets its own share of a long run."""
    for minute in range(0, 41, 10):
        observer.observe(frame(ns(23, 40 + minute), "running", 1, 0.5))
    first, second = sorted(observer.days(), key=lambda d: d.day)
    assert (first.running, second.running) == ({23: 1200}, {0: 1200})


def test_what_was_not_seen_is_not_filled_in(observer):
    """After a silence the state begins anew; the time between is a gap, not a state."""
    run(observer, ns(8), 60, "running")
    observer.observe(silence(ns(8, 1)))
    run(observer, ns(9), 60, "running")
    day = only(observer)
    assert day.states == {"running": 119}
    assert day.transitions == 0
    assert day.gaps == {"device_down": 59 * 60}


def test_a_group_that_still_speaks_is_no_gap(observer):
    """A device is silent when nothing of it can be read, not when one group cannot."""
    run(observer, ns(8), 2, "running")
    observer.observe(Frame("d1", "h", ns(8), (1,)))
    observer.observe(silence(ns(8, 1)))
    observer.observe(Frame("d1", "h", ns(8, 30), (1,)))
    run(observer, ns(9), 2, "running")
    assert only(observer).gaps == {}


def test_the_time_without_the_agent_is_its_own_gap(observer):
    """From the last value before the stop to the first after it the agent was down."""
    run(observer, ns(8), 10, "running")
    again = Observer({("d1", "g"): NAMES}, Calendar(ZONE))
    again.load(observer.days())
    run(again, ns(8, 10), 10, "idle")
    day = only(again)
    assert day.gaps == {"agent_down": 591}
    assert day.states == {"running": 9, "idle": 9}
    assert day.transitions == 0


def test_a_state_nobody_confirmed_for_long_is_not_known(observer):
    """More than an hour between two sights counts as neither."""
    observer.observe(frame(ns(8), "running", 1, 0.5))
    observer.observe(frame(ns(9, 30), "running", 1, 0.5))
    assert only(observer).states == {}


def test_changes_only(observer):
    """A group that stores changes only tells the same states by single values."""
    observer.observe(frame(ns(8), "idle", 1, 0.5))
    observer.observe(frame(ns(8, 1), "running", columns=(0,)))
    observer.observe(frame(ns(8, 2), 2, columns=(1,)))
    observer.observe(frame(ns(8, 3), "idle", columns=(0,)))
    day = only(observer)
    assert day.states == {"idle": 60, "running": 120}
    assert (day.counters[0].increase, day.transitions) == (1, 2)


def test_history_counts_for_its_own_day_and_breaks_nothing(observer):
    """Values of the past are counted where they belong; the present course goes on."""
    run(observer, ns(8, day=2), 10, "running", count=50)
    past = tuple(ns(8, minute, day=1) for minute in range(3))
    for at, state in zip(past, ("idle", "running", "idle"), strict=True):
        observer.observe(frame(ns(8, 1, day=2), state, 40, 0.5, times_ns=(at,) * 3, backfill=True))
    run(observer, ns(8, 0, 10, day=2), 10, "running", count=51)
    old, new = sorted(observer.days(), key=lambda d: d.day)
    assert (old.day, old.states, old.transitions) == (
        date(2026, 7, 1), {"idle": 60, "running": 60}, 2,
    )  # fmt: skip
    assert (new.states, new.transitions) == ({"running": 19}, 0)
    assert (new.counters[0].increase, new.counters[0].back) == (1, 0)


def test_hours_of_the_shop_day():
    """Bits count from the start of the shop day; the night shift belongs to the day before."""
    observer = Observer({("d1", "g"): NAMES}, ShopCalendar(Shifts(day_starts="08:00"), ZONE))
    for hour in (8, 9, 31):
        observer.observe(frame(ns(hour), "idle", 1, 0.5))
    day = only(observer)
    assert (day.day, day.hours) == (date(2026, 7, 1), 1 | 2 | 1 << 23)


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        (100, 130, (30, 0, 0, 0)),
        (65_530, 4, (10, 0, 0, 1)),
        (99_998, 3, (5, 0, 0, 1)),
        (480, 0, (0, 0, 1, 0)),
        (480, 12, (12, 0, 1, 0)),
        (480, 300, (0, 1, 0, 0)),
        (48_000.04, 48_000.02, (0, 0, 0, 0)),
    ],
    ids=["up", "wrap 16 bit", "wrap display", "reset", "reset seen late", "back", "rounding"],
)
def test_how_a_counter_falls(before, after, outcome):
    """Overflow, reset and a step back are told apart."""
    counter = Counter("part.count", before, 1)
    counter.take(after, 2)
    day = counter.day()
    assert (day.increase, day.back, day.resets, day.wraps) == outcome


@pytest.mark.parametrize(
    ("readings", "outcome"),
    [
        ((480, 481, 0, 481, 482), (2, 0, 0, 0, 1)),
        ((480, 481, 0, 1, 2), (3, 0, 1, 0, 0)),
        ((65_530, 65_532, 0, 65_533), (3, 0, 0, 0, 1)),
        ((480, 481, 300, 481, 482), (2, 1, 0, 0, 0)),
        ((9.5, 9.7, 0.0, 9.7), (0.2, 0, 0, 0, 1)),
    ],
    ids=["false 0", "set back", "false 0 before the end", "step back", "energy"],
)
def test_a_reading_that_is_false_once(readings, outcome):
    """A counter that is back at once counted nothing for it; it is told, a step back stays one."""
    counter = Counter("part.count", readings[0], 1)
    for at, reading in enumerate(readings[1:], 2):
        counter.take(reading, at)
    day = counter.day()
    assert day.increase == pytest.approx(outcome[0])
    assert (day.back, day.resets, day.wraps, day.glitches) == outcome[1:]
    assert type(day).of_document(day.document()) == day


def test_a_counter_that_flickers_hides_no_flat_line(observer):
    """Running for hours with a counter that is 0 now and then is standing still all the same."""
    run(observer, ns(8), 5, "idle", count=480)
    for second, count in enumerate((480, 480, 0, 480, 480, 0, 480)):
        observer.observe(frame(ns(8, 1) + second * S, "running", count, 0.5))
    (counter,) = only(observer).counters
    assert (counter.increase, counter.glitches) == (0, 2)


def test_a_mover_that_stands_still(observer):
    """What must move is watched for itself: a change of state alone is no movement."""
    run(observer, ns(8), 5, "idle")
    run(observer, ns(8, 1), 5, "running")
    assert (only(observer).movers, only(observer).moved) == (1, False)
    run(observer, ns(8, 2), 5, "running", power=0.7)
    assert only(observer).moved


def test_a_stored_day_goes_on_where_it_was(observer):
    """Through the store and back, counts, states, counters and sketches continue."""
    for second in range(100):
        state = "running" if second // 10 % 2 else "idle"
        observer.observe(frame(ns(8) + second * S, state, second, 1 + second / 7919))
    (stored,) = observer.drain()
    assert DeviceDay.of(stored.row()) == stored
    assert DeviceDay.of_document(stored.document()) == stored
    again = Observer({("d1", "g"): NAMES}, Calendar(ZONE))
    again.load([DeviceDay.of(stored.row())])
    again.observe(frame(ns(8, 2), "idle", 100, 2.34567))
    day = only(again)
    assert day.good == stored.good + 3
    assert day.values == stored.values
    assert day.counters[0].increase == 100


def test_a_row_of_before_has_no_rest():
    """A day stored by an older version is read, and proves what it proved then."""
    assert DeviceDay.of(("d1", "2026-07-31", 5, 1, 2, 10, 20)).hours == 0
    with pytest.raises(ValueError, match="2026-07-31"):
        DeviceDay.of(("d1", "2026-07-31", 5, 1, 2, 10, 20, "{}"))


def test_old_days_are_put_away(observer):
    """Counts of days that are over are kept as records, and opened again when late data come."""
    for day in range(1, 10):
        observer.observe(frame(ns(8, day=day), "idle", 1, 0.5))
        observer.drain()
    observer.observe(frame(ns(9, day=1), "idle", 1, 0.5))
    observer.observe(frame(ns(9, day=9), "idle", 1, 0.5))
    found = {d.day.day: d.good for d in observer.days()}
    assert found == {n: 6 if n in {1, 9} else 3 for n in range(1, 10)}
    observer.drain()
    observer.prune(date(2026, 7, 4))
    assert min(d.day.day for d in observer.days()) == 4
