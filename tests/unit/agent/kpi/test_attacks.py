"""Attempts to get a higher rate than deserved with the agent's own means, each without success."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from unit.agent.kpi.shopdays import ZONE, S, by_device, observer, play, series, start_ns

from agent.config.ledger import Process, Rate
from agent.config.shifts import Shifts
from agent.kpi.calendar import ShopCalendar
from agent.kpi.copies import copies
from agent.kpi.days import Calendar
from agent.kpi.deviceday import DeviceDay
from agent.kpi.observe import Observer
from agent.kpi.reasons import Reason
from agent.kpi.result import compute
from drivers.api import Frame

AS_OF = date(2026, 7, 31)
ONE = timedelta(days=1)
NAMES = ("program.number", "power.active")


def noon_ns(day):
    return int(datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(ZONE)).timestamp()) * S


def frame(read_ns, *stamps, **more):
    """A frame of one value of each metric and stamp, as a subscription gives it."""
    return Frame(
        "d1", "g", read_ns, tuple(n % 7 for n, _ in enumerate(stamps)),
        columns=tuple(n % 2 for n, _ in enumerate(stamps)), times_ns=stamps, **more,
    )  # fmt: skip


@pytest.fixture
def watching():
    return Observer({("d1", "g"): NAMES}, Calendar(ZONE))


def test_a_month_of_stamps_in_a_minute(watching):
    """A server that stamps its values all through the last month has been seen for a week."""
    now = noon_ns(AS_OF)
    for n in range(30):
        stamp = now - n * 86_400 * S
        watching.observe(frame(now, stamp, stamp))
    found = {one.day: one.good for one in watching.days() if one.good}
    assert min(found) == AS_OF - 7 * ONE
    assert sum(one.bad for one in watching.days()) == 2 * 22


def test_days_that_have_not_come_yet(watching):
    """A clock that runs ahead of the gateway's by more than a day fills no day to come."""
    now = noon_ns(AS_OF)
    for n in range(30):
        stamp = now + n * 86_400 * S
        watching.observe(frame(now, stamp, stamp))
    assert {one.day for one in watching.days()} == {AS_OF, AS_OF + ONE}


def test_last_values_from_the_time_before(watching):
    """What a server tells at once when one connects is of today, whatever its stamps are."""
    now = noon_ns(AS_OF)
    watching.observe(frame(now, *(now - n * 86_400 * S for n in range(3, 40, 3))))
    assert {one.day for one in watching.days() if one.good} == {AS_OF - 3 * ONE, AS_OF - 6 * ONE}


def test_a_true_history_counts_for_its_days(watching):
    """What the device's own history tells is of the days it is of, however long ago."""
    now = noon_ns(AS_OF)
    stamps = [now - n * 86_400 * S for n in range(20, 0, -1)]
    watching.observe(frame(now, *stamps, backfill=True))
    assert len([one for one in watching.days() if one.good]) == 20


@pytest.mark.parametrize("offset_s", [0, 0.3, 0.9])
def test_two_addresses_of_one_simulator(offset_s):
    """One simulator read at two addresses gives itself away, at whatever moment each is read."""
    into = observer("one", "two")
    for day in range(6):
        readings = series(day, 3600)
        play(into, "one", day, readings)
        play(into, "two", day, readings, offset_s=offset_s)
    found = copies(by_device(into))
    assert {found["one"].reason, found["two"].reason} == {Reason.COPIED}


@pytest.mark.parametrize("back", [1, 7])
def test_yesterdays_data_again(back):
    """A recording of an earlier day, played day after day, is a copy of that day."""
    into = observer("d1")
    for day in range(back):
        play(into, "d1", day, series(day, 3600))
    for day in range(back, back + 4):
        play(into, "d1", day, series(day % back, 3600))
    assert copies(by_device(into))["d1"].reason is Reason.COPIED


def worked(count, device="d1"):
    return [
        DeviceDay(device, AS_OF - n * ONE, 100, True, 10, 0, 1, transitions=9) for n in range(count)
    ]


def test_another_start_of_the_day_makes_no_further_days():
    """Ten working days cut at noon touch eleven dates, and never more."""
    seen = {}
    for starts in ("00:00", "12:00", "15:59"):
        shop = ShopCalendar(Shifts.model_validate({"day_starts": starts}), ZONE)
        into = Observer({("machine", "g"): ("x",)}, shop)
        for day in range(10):
            for hour in range(9):
                time_ns = start_ns(day) + hour * 3600 * S
                into.observe(Frame("machine", "g", time_ns, (hour,)))
        seen[starts] = len(into.days())
    assert seen == {"00:00": 10, "12:00": 11, "15:59": 11}


@pytest.mark.parametrize("share", [0.5, 1])
def test_a_restart_at_midnight_adds_nothing(share):
    """A day that is counted by two lives, one on each side of midnight, is the same two days."""
    midnight = noon_ns(AS_OF) + 43_200 * S
    frames = [Frame("d1", "g", midnight + n * S, (n % 3, 1.5 + n / 7)) for n in range(-100, 100)]
    whole = Observer({("d1", "g"): NAMES}, Calendar(ZONE))
    for one in frames:
        whole.observe(one)
    first = Observer({("d1", "g"): NAMES}, Calendar(ZONE))
    cut = int(len(frames) * share)
    for one in frames[:cut]:
        first.observe(one)
    second = Observer({("d1", "g"): NAMES}, Calendar(ZONE))
    second.load(DeviceDay.of(one.row()) for one in first.drain())
    for one in frames[cut:]:
        second.observe(one)
    counts = [
        [(d.day, d.good, d.control_good, d.metrics_changed) for d in sorted(
            into.days(), key=lambda d: d.day)]
        for into in (whole, second)
    ]  # fmt: skip
    assert counts[0] == counts[1]


def test_evidence_rows_deleted_are_days_missing(make_config):
    """Who deletes the days of a fraud has fewer days, and no better standing for it."""
    config = make_config({"p": {"M": "CNC"}}, devices={"M": "d1"})
    flat = replace(
        worked(1)[0], states={"running": 20_000}, movers=3, moved=False, metrics_changed=False
    )
    days = [*(replace(flat, day=one.day) for one in worked(16)), *worked(20)[16:]]
    full = compute(config, days, now_ms=0, as_of=AS_OF).headline
    pruned = compute(config, days[16:], now_ms=0, as_of=AS_OF).headline
    assert (full.adjusted, full.verified, pruned.verified) == (0, 0, 0)


def test_a_process_ended_in_the_past_is_still_told(make_config):
    """An edit dated back inside the window does not take the question away."""
    shop = {"turn": {"L": "CNC"}, "grind": {"G": "manual"}}
    for days_back in (1, 15, 29):
        ended = Process(id="grind", valid_to=AS_OF - days_back * ONE)
        config = make_config(shop, processes=(Process(id="turn"), ended))
        result = compute(config, (), now_ms=0, as_of=AS_OF)
        assert [one.id for one in result.dropped] == ["grind"]


def test_fewer_scheduled_days_than_worked_help_nobody(make_config):
    """The least number of days is asked for, however few are said to be scheduled."""
    config = make_config({"p": {"M": "CNC"}}, devices={"M": "d1"})
    config = config.model_copy(update={"rate": Rate(scheduled_days=5)})
    assert compute(config, worked(4), now_ms=0, as_of=AS_OF).headline.verified == 0
    assert compute(config, worked(5), now_ms=0, as_of=AS_OF).headline.verified == 1
