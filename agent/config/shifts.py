"""When the enterprise works: working days, holidays, and the shifts of a day.

Only what may be written; `agent.kpi.calendar` computes with it. Times are the factory's own
(`gateway.timezone`). Without this section every day is a working day and no shift is known.
"""

from __future__ import annotations

from datetime import date, time, timedelta
from enum import StrEnum
from typing import Annotated, Self

from agent.config.section import Section
from drivers.api.shape import Field, StringConstraints, field_validator, model_validator

ClockTime = Annotated[str, StringConstraints(pattern=r"^(([01]?[0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
"""A time of day as people write it, `8:00` or `08:00`; 24:00 is midnight."""

DateSpan = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(/[0-9]{4}-[0-9]{2}-[0-9]{2})?$"),
]
"""A day, or the first and the last day of a span, joined by `/`."""

_DAY_MIN = 24 * 60
_LONGEST = timedelta(days=366)
"""A span of days off is shorter than this."""


class Weekday(StrEnum):
    """Days of the week, in the order of `date.weekday()`."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class Break(Section):
    """A pause of a shift in which nothing is planned to run."""

    start: ClockTime = Field(description="When it begins, such as 11:30.")
    end: ClockTime = Field(description="When it ends.")


class Shift(Section):
    """One shift; it belongs to the shop day on which it begins."""

    name: str = Field(min_length=1, max_length=32, description="Name, such as 白班.")
    start: ClockTime = Field(description="When it begins, such as 08:00.")
    end: ClockTime = Field(description="When it ends; not after start: on the next day.")
    breaks: tuple[Break, ...] = Field((), description="Pauses; they are not planned time.")

    @model_validator(mode="after")
    def _breaks_inside(self) -> Self:
        begins, length = minutes(self.start), _length_min(self.start, self.end)
        spans = sorted(
            ((minutes(one.start) - begins) % _DAY_MIN, _length_min(one.start, one.end))
            for one in self.breaks
        )
        ends = [start + size for start, size in spans]
        starts = [start for start, _ in spans]
        if any(
            end > following for end, following in zip(ends, [*starts[1:], length], strict=False)
        ):
            msg = "breaks must lie within their shift and not overlap"
            raise ValueError(msg)
        return self


class Shifts(Section):
    """The working calendar of the enterprise."""

    day_starts: ClockTime = Field("00:00", description="When a shop day begins, such as 08:00.")
    weekdays: tuple[Weekday, ...] = Field(
        tuple(Weekday), description="Working days of the week: mon, tue, …; default all seven."
    )
    holidays: tuple[DateSpan, ...] = Field(
        (), description="Days off: 2026-05-01, or first/last as 2026-10-01/2026-10-07."
    )
    workdays: tuple[DateSpan, ...] = Field(
        (), description="Days worked although they are days off (调休); written like holidays."
    )
    shifts: tuple[Shift, ...] = Field((), description="The shifts of a working day.")

    @field_validator("holidays", "workdays")
    @classmethod
    def _real_days(cls, spans: tuple[str, ...]) -> tuple[str, ...]:
        for text in spans:
            if not _exists(text):
                msg = "days must exist, and a span must have 1 to 366 of them"
                raise ValueError(msg)
        return spans

    @field_validator("shifts")
    @classmethod
    def _apart(cls, shifts: tuple[Shift, ...]) -> tuple[Shift, ...]:
        if len({one.name for one in shifts}) < len(shifts):
            msg = "every shift needs a name of its own"
            raise ValueError(msg)
        spans = sorted((minutes(one.start), _length_min(one.start, one.end)) for one in shifts)
        following = [start for start, _ in spans[1:]] + [_DAY_MIN + spans[0][0]] if spans else []
        if any(start + size > then for (start, size), then in zip(spans, following, strict=True)):
            msg = "shifts must not overlap"
            raise ValueError(msg)
        return shifts


def minutes(text: str) -> int:
    """Give a `ClockTime` as minutes after midnight, 0 to 1439; 24:00 is 0."""
    hour, _, minute = text.partition(":")
    return (int(hour) * 60 + int(minute)) % _DAY_MIN


def time_of(text: str) -> time:
    """Give a `ClockTime` as a time of day."""
    return time(*divmod(minutes(text), 60))


def span_of(text: str) -> tuple[date, date]:
    """Give the first and the last day of a `DateSpan`; ValueError for a day that never was."""
    first, _, last = text.partition("/")
    return date.fromisoformat(first), date.fromisoformat(last or first)


def days_of(spans: tuple[str, ...]) -> frozenset[date]:
    """Give every day of the spans."""
    bounds = [span_of(text) for text in spans]
    return frozenset(
        first + timedelta(days=count)
        for first, last in bounds
        for count in range((last - first).days + 1)
    )


def _exists(text: str) -> bool:
    try:
        first, last = span_of(text)
    except ValueError:
        return False
    return timedelta() <= last - first < _LONGEST


def _length_min(start: str, end: str) -> int:
    """Give the length of a span of the clock, 1 minute to 24 hours."""
    return (minutes(end) - minutes(start)) % _DAY_MIN or _DAY_MIN
