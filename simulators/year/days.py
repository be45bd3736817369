"""When the shop works in 2026: two shifts, no weekends but the make-up days, public holidays.

Pure. A shop day begins at 08:00 in Wuhan and bears the date on which it begins.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

HOLIDAYS: Final = (
    "2026-01-01/2026-01-03",
    "2026-02-15/2026-02-23",
    "2026-04-04/2026-04-06",
    "2026-05-01/2026-05-05",
    "2026-06-19/2026-06-21",
    "2026-09-25/2026-09-27",
    "2026-10-01/2026-10-07",
)
"""Public holidays, first and last day."""
WORKDAYS: Final = (
    "2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10",
)  # fmt: skip
"""Weekend days worked in their place (调休)."""
SHIFTS: Final = (
    {"name": "白班", "start": "08:00", "end": "16:30",
     "breaks": [{"start": "11:30", "end": "12:00"}]},
    {"name": "夜班", "start": "16:30", "end": "01:00",
     "breaks": [{"start": "20:30", "end": "21:00"}]},
)  # fmt: skip
WORK_S: Final = 17 * 3600
"""Length of both shifts together, from the start of the shop day."""
BREAKS_S: Final = ((12_600, 14_400), (45_000, 46_800))
"""Breaks in seconds after the start of the shop day."""
_EAST_H: Final = 8
_SATURDAY: Final = 5


def start_s(day: date) -> int:
    """Give the start of a shop day, 08:00 in Wuhan, UTC seconds."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return int(midnight.timestamp()) + (8 - _EAST_H) * 3600


def works(day: date) -> bool:
    """Tell whether the shop works on a day."""
    if day.isoformat() in WORKDAYS:
        return True
    return day.weekday() < _SATURDAY and not any(_within(day, span) for span in HOLIDAYS)


def days(first: date, last: date) -> Iterator[date]:
    """Yield every day of a span, both ends included."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def _within(day: date, span: str) -> bool:
    first, _, last = span.partition("/")
    return first <= day.isoformat() <= last
