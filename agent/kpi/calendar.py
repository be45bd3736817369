"""The enterprise's own calendar: shop days, working days, planned shifts. Pure.

A shop day begins at `shifts.day_starts` and bears the date on which it begins; a shift belongs to
the shop day on which it begins, and may end on the next. Times of day are those of
`gateway.timezone`; instants are UTC nanoseconds.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from agent.config.shifts import Weekday, days_of, minutes, time_of
from agent.kpi.days import Day

if TYPE_CHECKING:
    from typing import Self

    from agent.config.model import AgentConfig
    from agent.config.shifts import Shifts

_NS_PER_S = 1_000_000_000
_ONE_DAY = timedelta(days=1)
_WEEK = tuple(Weekday)


class PlannedShift(NamedTuple):
    """One shift of one shop day: `start_ns` <= its instants < `end_ns`."""

    name: str
    start_ns: int
    end_ns: int


class ShopCalendar:
    """Tells shop days and planned time; made once, asked often."""

    def __init__(self, shifts: Shifts, timezone: str) -> None:
        """Take the calendar section and an IANA zone; `ZoneInfoNotFoundError` if there is none."""
        self._zone = ZoneInfo(timezone)
        self._starts = time_of(shifts.day_starts)
        self._weekdays = frozenset(_WEEK.index(one) for one in shifts.weekdays)
        self._holidays = days_of(shifts.holidays)
        self._workdays = days_of(shifts.workdays)
        self._shifts = sorted(shifts.shifts, key=lambda one: self._after_start(one.start))
        self._last = Day(date.min, 0, 0)

    @classmethod
    def of(cls, config: AgentConfig) -> Self:
        """Give the calendar of a configuration; without `shifts` it is the ordinary one."""
        return cls(config.shifts, config.gateway.timezone)

    @property
    def has_shifts(self) -> bool:
        """Whether shifts are configured, so that planned time is known."""
        return bool(self._shifts)

    def day(self, time_ns: int) -> Day:
        """Give the shop day that contains an instant; the same day twice costs nothing."""
        if not self._last.from_ns <= time_ns < self._last.until_ns:
            local = datetime.fromtimestamp(time_ns // _NS_PER_S, self._zone)
            found = local.date()
            if time_ns < self._instant(found, self._starts):
                found -= _ONE_DAY
            self._last = self.span(found)
        return self._last

    def day_of(self, time_ns: int) -> date:
        """Give the date of the shop day that contains an instant."""
        return self.day(time_ns).date

    def span(self, day: date) -> Day:
        """Give the bounds of a shop day."""
        start_ns = self._instant(day, self._starts)
        return Day(day, start_ns, self._instant(day + _ONE_DAY, self._starts))

    def scheduled(self, day: date) -> bool:
        """Tell whether a day is worked: by `workdays`, else not on `holidays`, else by weekday."""
        if day in self._workdays:
            return True
        return day not in self._holidays and day.weekday() in self._weekdays

    def scheduled_days(self, first: date, last: date) -> int:
        """Count the working days of a span, both ends included; 0 for an empty span."""
        length = (last - first).days + 1
        return sum(self.scheduled(first + timedelta(days=count)) for count in range(length))

    def planned(self, day: date) -> tuple[PlannedShift, ...]:
        """Give the shifts of a shop day by time; none on a day off, or where none are given."""
        if not self.scheduled(day):
            return ()
        return tuple(
            PlannedShift(one.name, *self._between(day, one.start, one.end)) for one in self._shifts
        )

    def breaks(self, day: date, shift: str) -> tuple[tuple[int, int], ...]:
        """Give the pauses of one shift of a shop day as (start_ns, end_ns), by time."""
        found = next((one for one in self._shifts if one.name == shift), None)
        if found is None or not self.scheduled(day):
            return ()
        start_ns, _ = self._between(day, found.start, found.end)
        spans = (self._between(day, one.start, one.end) for one in found.breaks)
        again = (self._between(day + _ONE_DAY, one.start, one.end) for one in found.breaks)
        return tuple(
            sorted(
                late if early[0] < start_ns else early
                for early, late in zip(spans, again, strict=True)
            )
        )

    def _between(self, day: date, start: str, end: str) -> tuple[int, int]:
        begins = day if self._after_start(start) < _minutes_left(self._starts) else day + _ONE_DAY
        ends = begins if minutes(end) > minutes(start) else begins + _ONE_DAY
        return self._instant(begins, time_of(start)), self._instant(ends, time_of(end))

    def _after_start(self, text: str) -> int:
        """Give a time of day as minutes after the start of the shop day."""
        return (minutes(text) - _minutes(self._starts)) % (24 * 60)

    def _instant(self, day: date, at: time) -> int:
        return int(datetime.combine(day, at, self._zone).timestamp()) * _NS_PER_S


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute


def _minutes_left(at: time) -> int:
    return 24 * 60 - _minutes(at)
