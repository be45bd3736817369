"""The simulated shop's calendar is the one the State Council announced for 2026."""

from __future__ import annotations

from datetime import date

import chinese_calendar
import pytest

from agent.config.shifts import Shifts
from agent.kpi.calendar import ShopCalendar
from simulators.year.days import HOLIDAYS, WORKDAYS, days, works

YEAR = list(days(date(2026, 1, 1), date(2026, 12, 31)))


def test_every_day_of_the_year_agrees_with_an_independent_calendar():
    """Holidays and make-up days are those that a library of others has of the notice."""
    assert [day for day in YEAR if works(day) != chinese_calendar.is_workday(day)] == []


def test_the_agent_counts_the_same_days():
    """The agent's own calendar, given these lists, works on the same days: 248 of 365."""
    shifts = Shifts.model_validate(
        {"weekdays": ["mon", "tue", "wed", "thu", "fri"], "holidays": HOLIDAYS,
         "workdays": WORKDAYS}
    )  # fmt: skip
    calendar = ShopCalendar(shifts, "Asia/Shanghai")
    assert [day for day in YEAR if calendar.scheduled(day) != works(day)] == []
    assert calendar.scheduled_days(YEAR[0], YEAR[-1]) == sum(map(works, YEAR)) == 248


@pytest.mark.parametrize("text", WORKDAYS)
def test_a_make_up_day_is_a_weekend(text):
    """What is worked in place of a holiday would be free otherwise."""
    assert date.fromisoformat(text).weekday() >= 5
