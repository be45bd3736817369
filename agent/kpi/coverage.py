"""How much of the window each device's data cover, by source time, and why the rest is missing.

Pure. Missing time is told, never filled in. On days with data the causes are those seen between
good values; a day without any is put down to the loss that was noted on it, else to nobody.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from agent.kpi.observe import AGENT_DOWN, DEVICE_DOWN
from agent.losses.causes import DEVICE_DOWN as NO_ANSWER
from agent.losses.causes import GAP_LINK, GAP_QUEUE, GAP_RESTART, KILLED, OVERFLOW, STOPPED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agent.kpi.calendar import ShopCalendar
    from agent.kpi.days import Day
    from agent.kpi.deviceday import DeviceDay
    from agent.kpi.evidence import Demand
    from agent.losses.spans import LossSpan

OFFLINE: Final = "offline"
"""Cause of a gap: the connection to the device was away."""
BUFFER_OVERFLOW: Final = "buffer_overflow"
"""Cause of a gap: a queue ran over."""
UNKNOWN: Final = "unknown"
"""Nothing was noted; so it is where the machine was simply switched off with its gateway."""
_CAUSES: Final = {
    STOPPED: AGENT_DOWN,
    KILLED: AGENT_DOWN,
    GAP_RESTART: AGENT_DOWN,
    NO_ANSWER: DEVICE_DOWN,
    GAP_LINK: OFFLINE,
    OVERFLOW: BUFFER_OVERFLOW,
    GAP_QUEUE: BUFFER_OVERFLOW,
}
"""Cause of a loss -> cause of a gap, the first that fits a day wins."""
_NS_PER_S: Final = 1_000_000_000
_NS_PER_MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the window holds of one device."""

    days: int = 0
    """Production days with good values."""
    scheduled_days: int = 0
    hours: int = 0
    """Hours with good values."""
    first_ms: int | None = None
    """Source time of the first good value, UTC ms."""
    last_ms: int | None = None
    gaps: Mapping[str, int] = field(default_factory=dict)
    """Seconds missing, by cause."""

    def document(self) -> dict[str, Any]:
        """Give it as JSON types."""
        return {
            "days": self.days,
            "scheduled_days": self.scheduled_days,
            "hours": self.hours,
            "first_ms": self.first_ms,
            "last_ms": self.last_ms,
            "gaps_s": dict(sorted(self.gaps.items())),
        }


def coverage_of(
    days: Sequence[DeviceDay],
    asked: Demand,
    calendar: ShopCalendar,
    losses: Iterable[LossSpan] = (),
) -> Coverage:
    """Sum up one device's days of the window; `losses` are those of the device and the gateway."""
    gaps: defaultdict[str, int] = defaultdict(int)
    for one in days:
        for cause, seconds in one.gaps.items():
            gaps[cause] += seconds
    seen = {one.day for one in days}
    noted = [span for span in losses if span.dated and span.cause in _CAUSES]
    for offset in range(asked.period_days if days else 0):
        date = asked.first + timedelta(days=offset)
        if date not in seen and calendar.scheduled(date) and days[0].day < date < days[-1].day:
            day = calendar.span(date)
            gaps[_cause_of(day, noted)] += (day.until_ns - day.from_ns) // _NS_PER_S
    return Coverage(
        days=sum(calendar.scheduled(one.day) for one in days),
        scheduled_days=asked.scheduled_days,
        hours=sum(one.hours.bit_count() for one in days),
        first_ms=min((one.first_ms for one in days), default=None),
        last_ms=max((one.last_ms for one in days), default=None),
        gaps=dict(gaps),
    )


def _cause_of(day: Day, noted: Sequence[LossSpan]) -> str:
    """Tell why a whole day is missing."""
    from_ms, until_ms = day.from_ns // _NS_PER_MS, day.until_ns // _NS_PER_MS
    met = {span.cause for span in noted if span.from_ms < until_ms and span.to_ms >= from_ms}
    return next((gap for cause, gap in _CAUSES.items() if cause in met), UNKNOWN)
