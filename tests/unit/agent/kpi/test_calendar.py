"""The shop calendar: shop days, working days, shifts across midnight, pauses."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from agent.config.shifts import Shifts
from agent.kpi.calendar import ShopCalendar
from agent.kpi.days import Calendar

ZONE = "Asia/Shanghai"
MONDAY = date(2026, 9, 28)
TWO_SHIFTS = [
    {"name": "白班", "start": "08:00", "end": "20:00",
     "breaks": [{"start": "17:00", "end": "17:30"}, {"start": "11:30", "end": "12:30"}]},
    {"name": "夜班", "start": "20:00", "end": "8:00",
     "breaks": [{"start": "00:00", "end": "00:45"}]},
]  # fmt: skip


def calendar(**keys):
    return ShopCalendar(Shifts.model_validate(keys), ZONE)


def ns(text, zone=ZONE):
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 10**9


def local(time_ns):
    return datetime.fromtimestamp(time_ns // 10**9, ZoneInfo(ZONE)).strftime("%m-%d %H:%M")


def test_without_the_section_days_are_calendar_days():
    """Nothing configured: midnight to midnight, every day worked, no planned shift."""
    shop, plain = calendar(), Calendar(ZONE)
    for text in ("2026-09-28T00:00", "2026-09-28T07:59", "2026-09-28T23:59:59"):
        assert shop.day(ns(text)) == plain.day(ns(text))
    assert shop.scheduled_days(date(2026, 9, 1), date(2026, 9, 30)) == 30
    assert shop.planned(MONDAY) == ()
    assert not shop.has_shifts


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-09-28T07:59:59", 27),
        ("2026-09-28T08:00:00", 28),
        ("2026-09-29T00:00:00", 28),
        ("2026-09-29T07:59:59", 28),
    ],
)
def test_a_shop_day_begins_at_its_hour(text, day):
    """With day_starts 08:00 the night until eight belongs to the day before."""
    shop = calendar(day_starts="08:00")
    assert shop.day_of(ns(text)) == date(2026, 9, day)
    found = shop.day(ns(text))
    assert found.from_ns <= ns(text) < found.until_ns
    assert found == shop.span(date(2026, 9, day))


def test_working_days_holidays_and_extra_days():
    """A holiday beats the weekday, an extra working day beats both; spans include both ends."""
    shop = calendar(
        weekdays=["mon", "tue", "wed", "thu", "fri"],
        holidays=["2026-10-01/2026-10-07", "2026-09-30"],
        workdays=["2026-09-27", "2026-10-07"],
    )
    assert shop.scheduled(date(2026, 9, 27))  # a Sunday
    assert not shop.scheduled(date(2026, 9, 26))
    assert not shop.scheduled(date(2026, 9, 30))
    assert shop.scheduled(date(2026, 10, 7))
    assert shop.scheduled_days(date(2026, 9, 26), date(2026, 10, 9)) == 1 + 2 + 1 + 2
    assert shop.scheduled_days(date(2026, 10, 9), date(2026, 10, 8)) == 0


@pytest.mark.parametrize("starts", ["00:00", "08:00"])
def test_shifts_across_midnight(starts):
    """A night shift belongs to the day on which it begins, wherever the shop day begins."""
    shop = calendar(day_starts=starts, shifts=TWO_SHIFTS)
    shown = [(s.name, local(s.start_ns), local(s.end_ns)) for s in shop.planned(MONDAY)]
    assert shown == [
        ("白班", "09-28 08:00", "09-28 20:00"),
        ("夜班", "09-28 20:00", "09-29 08:00"),
    ]
    assert [tuple(map(local, span)) for span in shop.breaks(MONDAY, "白班")] == [
        ("09-28 11:30", "09-28 12:30"),
        ("09-28 17:00", "09-28 17:30"),
    ]
    assert [tuple(map(local, span)) for span in shop.breaks(MONDAY, "夜班")] == [
        ("09-29 00:00", "09-29 00:45")
    ]


def test_a_shift_before_the_start_of_the_shop_day_is_of_the_next_date():
    """With day_starts 08:00 a shift from midnight ends the shop day, it does not begin it."""
    shifts = [
        {"name": "大夜", "start": "00:00", "end": "08:00"},
        {"name": "白班", "start": "08:00", "end": "24:00"},
    ]
    shown = [
        (s.name, local(s.start_ns), local(s.end_ns))
        for s in calendar(day_starts="08:00", shifts=shifts).planned(MONDAY)
    ]
    assert shown == [("白班", "09-28 08:00", "09-29 00:00"), ("大夜", "09-29 00:00", "09-29 08:00")]


def test_a_day_off_has_no_shift():
    """Nothing is planned on a day that is not worked."""
    shop = calendar(weekdays=["tue"], shifts=TWO_SHIFTS)
    assert shop.planned(MONDAY) == ()
    assert shop.breaks(MONDAY, "白班") == ()
    assert shop.breaks(date(2026, 9, 29), "none such") == ()


def test_summer_time_makes_a_shift_longer():
    """Where clocks are set back a night shift by the clock really lasts an hour more."""
    shop = ShopCalendar(Shifts.model_validate({"shifts": TWO_SHIFTS}), "Europe/Berlin")
    night = shop.planned(date(2026, 10, 24))[1]
    assert (night.end_ns - night.start_ns) // 10**9 == 13 * 3600


@pytest.mark.parametrize(
    "wrong",
    [
        {"day_starts": "8：00"},
        {"day_starts": "25:00"},
        {"weekdays": ["monday"]},
        {"holidays": ["2026-02-30"]},
        {"holidays": ["2026-10-07/2026-10-01"]},
        {"workdays": ["0001-01-01/9999-12-31"]},
        {"shifts": [*TWO_SHIFTS, {"name": "x", "start": "07:00", "end": "07:30"}]},
        {"shifts": [TWO_SHIFTS[0], TWO_SHIFTS[0] | {"start": "20:00", "end": "21:00"}]},
        {"shifts": [{"name": "x", "start": "08:00", "end": "09:00",
                     "breaks": [{"start": "08:30", "end": "09:30"}]}]},
        {"shifts": [{"name": "x", "start": "08:00", "end": "12:00",
                     "breaks": [{"start": "09:00", "end": "10:00"},
                                {"start": "09:30", "end": "09:40"}]}]},
    ],
)  # fmt: skip
def test_a_calendar_that_cannot_be_is_refused(wrong):
    """Times, days, overlapping shifts and breaks outside their shift are errors."""
    with pytest.raises(ValidationError):
        Shifts.model_validate(wrong)
