"""Calendar days of the factory, from UTC instants; knows time zones and their changes of clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Day:
    """One calendar day: `from_ns` <= its instants < `until_ns`, UTC nanoseconds."""

    date: date
    from_ns: int
    until_ns: int


class Calendar:
    """Tells the calendar day of an instant in one time zone; the same day twice costs nothing."""

    def __init__(self, timezone: str) -> None:
        """Take an IANA time zone; raises `zoneinfo.ZoneInfoNotFoundError` if there is none."""
        self._zone = ZoneInfo(timezone)
        self._last = Day(date.min, 0, 0)

    def day(self, time_ns: int) -> Day:
        """Give the day that contains an instant (UTC nanoseconds)."""
        if self._last.from_ns <= time_ns < self._last.until_ns:
            return self._last
        found = datetime.fromtimestamp(time_ns // _NS_PER_S, self._zone).date()
        self._last = Day(found, self._midnight_ns(found), self._midnight_ns(found + _ONE_DAY))
        return self._last

    def _midnight_ns(self, day: date) -> int:
        start = datetime(day.year, day.month, day.day, tzinfo=self._zone)
        return int(start.timestamp()) * _NS_PER_S


_ONE_DAY = timedelta(days=1)
