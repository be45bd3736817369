"""Counting by shop day: midnight, `day_starts`, leap days, years, days without devices."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config.ledger import Rate
from agent.config.shifts import Shifts
from agent.kpi.calendar import ShopCalendar
from agent.kpi.deviceday import DeviceDay
from agent.kpi.evidence import demand
from agent.kpi.observe import Observer
from agent.kpi.rates import NullReason
from agent.kpi.result import compute
from drivers.api import Frame

ZONE = "Asia/Shanghai"
S = 1_000_000_000
STARTS = ("00:00", "00:30", "08:00", "23:59")
LEAP = date(2028, 2, 29)


def ns(text, zone=ZONE):
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * S


def calendar(starts="00:00", zone=ZONE, **more):
    return ShopCalendar(Shifts.model_validate({"day_starts": starts, **more}), zone)


@pytest.mark.parametrize("starts", STARTS)
@pytest.mark.parametrize("day", [date(2026, 12, 31), date(2027, 1, 1), LEAP, date(2028, 3, 1)])
def test_the_first_and_last_instant_of_a_day(starts, day):
    """A value a nanosecond before the day starts is of the day before, wherever days begin."""
    observer = Observer({("d1", "g"): ("x",)}, calendar(starts))
    begins = ns(f"{day} {starts}")
    for time_ns in (begins - 1, begins, begins + 86_400 * S - 1, begins + 86_400 * S):
        observer.observe(Frame("d1", "g", time_ns, (1,)))
    one = timedelta(days=1)
    assert {o.day: o.good for o in observer.days()} == {day - one: 1, day: 2, day + one: 1}


@given(
    st.dates(date(2024, 1, 1), date(2030, 1, 1)), st.integers(0, 86_399), st.sampled_from(STARTS),
    st.sampled_from([ZONE, "UTC", "Asia/Kathmandu"]),
)  # fmt: skip
def test_every_instant_has_one_day(day, second, starts, zone):
    """Days touch, none overlaps, each has 24 hours and holds the instants it is given for."""
    shop, time_ns = calendar(starts, zone), ns(f"{day}", zone) + second * S
    found = shop.day(time_ns)
    assert found.from_ns <= time_ns < found.until_ns
    assert found.until_ns - found.from_ns == 86_400 * S
    assert shop.span(found.date + timedelta(days=1)).from_ns == found.until_ns


def test_a_leap_day_is_a_day_like_any_other():
    """29 February counts in the window, is scheduled by its weekday, and has its evidence."""
    asked = demand(Rate(period_days=30), date(2028, 3, 15), calendar())
    assert (asked.first, asked.scheduled_days) == (date(2028, 2, 15), 30)
    assert calendar(weekdays=["tue"]).scheduled(LEAP)
    assert (
        calendar(holidays=["2028-02-29"]).scheduled_days(date(2028, 2, 28), date(2028, 3, 1)) == 2
    )


@pytest.mark.parametrize(
    ("as_of", "first"),
    [(date(2028, 12, 31), date(2028, 1, 1)), (date(2027, 12, 31), date(2026, 12, 31)),
     (date(2028, 2, 29), date(2027, 3, 1))],
)  # fmt: skip
def test_a_window_of_366_days(as_of, first):
    """A leap year fits whole; of another year it reaches back to the day before its first."""
    asked = demand(Rate(period_days=366), as_of, calendar())
    assert (asked.first, asked.scheduled_days, asked.needed_days) == (first, 366, 183)


def test_a_window_of_366_days_asks_for_half_of_them(make_config):
    """183 days with data verify a machine, 182 do not; both ends of the window count."""
    config = make_config({"p": {"M": "CNC"}}, devices={"M": "d1"}, period_days=366)

    def verified(*numbers):
        seen = [
            DeviceDay("d1", date(2028, 12, 31) - timedelta(days=n), 9, True, 3, 0, 1)
            for n in numbers
        ]
        return compute(config, seen, now_ms=0, as_of=date(2028, 12, 31)).headline.verified

    assert verified(0, 365, *range(1, 182)) == 1
    assert verified(0, 365, *range(1, 181)) == 0
    assert verified(366, 365, *range(1, 182)) == 0


def test_days_without_any_device(make_config):
    """No device, no data, no machine: figures are what can be said, and nothing fails."""
    bare = compute(make_config({"p": {}}), (), now_ms=0, as_of=LEAP)
    assert (bare.headline.declared, bare.headline.verified) == (0, 0)
    assert bare.headline_set.coverage is NullReason.NO_DECLARED_MACHINE
    assert bare.covered == {}
    silent = compute(make_config({"p": {"M": "CNC"}}, devices={"M": "d1"}), (), now_ms=0)
    assert silent.headline_set.assessments[0].reason.value == "no_data"
    assert silent.covered["d1"].gaps == {}


def test_another_time_zone_is_another_day(make_config):
    """The zone is the gateway's: the same instant is of another day, and counted once in each."""
    seen = {}
    for zone in (ZONE, "UTC"):
        observer = Observer({("d1", "g"): ("x",)}, calendar(zone=zone))
        observer.observe(Frame("d1", "g", ns("2026-07-02T07:59:59"), (1,)))
        (one,) = observer.days()
        seen[zone] = one.day
    assert seen == {ZONE: date(2026, 7, 2), "UTC": date(2026, 7, 1)}
