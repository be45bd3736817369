"""How much evidence is asked for, and what one device showed in the window: the ladder's data.

Pure. The rules are versioned (`RULES`) and published with the control metrics, so that whoever
holds the data comes to the same result. Source: docs/specs/rate, sections 4 and 5.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

from agent.kpi.calendar import ShopCalendar
from agent.kpi.deviceday import DeviceDay, DeviceDayRow
from agent.kpi.watched import CONTROL_METRICS, is_control_metric

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date

    from agent.config.ledger import Rate
    from agent.config.model import AgentConfig

__all__ = [
    "CONTROL_METRICS", "RULES", "Demand", "DeviceDay", "DeviceDayRow", "Level", "Seen", "Standing",
    "by_device", "demand", "demand_of", "is_control_metric", "summarize",
]  # fmt: skip

RULES = "2026.3"
"""Version of the rules; any change of outcome on equal data is a new one."""


class Level(StrEnum):
    """How far the evidence carries. E1 rests on papers and E5 on a witness, not on data."""

    DECLARED = "E0"
    DOCUMENTED = "E1"
    REACHED = "E2"
    OBSERVED = "E3"
    LIVE = "E4"
    WITNESSED = "E5"


class Standing(StrEnum):
    """What became of a machine's declaration."""

    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    CONTRADICTED = "contradicted"
    NOT_CLAIMED = "not_claimed"


@dataclass(frozen=True, slots=True)
class Demand:
    """The window in which evidence is counted, both days included, and how much is asked."""

    first: date
    last: date
    scheduled_days: int
    min_days: int
    needed_days: int

    @property
    def assessable(self) -> bool:
        """Whether the period holds enough production days for any judgement."""
        return self.scheduled_days >= self.min_days

    @property
    def period_days(self) -> int:
        """Length of the window."""
        return (self.last - self.first).days + 1


def demand(settings: Rate, as_of: date, calendar: ShopCalendar | None = None) -> Demand:
    """Give the window that ends with `as_of`; the share counts as the decimal it is written as.

    Without a calendar every day is a production day; `scheduled_days` of the settings wins.
    """
    first = as_of - timedelta(days=settings.period_days - 1)
    planned = calendar.scheduled_days(first, as_of) if calendar else settings.period_days
    scheduled = settings.scheduled_days or planned
    share = Fraction(str(settings.min_day_share))
    return Demand(
        first=first,
        last=as_of,
        scheduled_days=scheduled,
        min_days=settings.min_days,
        needed_days=max(settings.min_days, ceil(share * scheduled)),
    )


def demand_of(config: AgentConfig, as_of: date) -> Demand:
    """Give the window of a configuration, by its own calendar."""
    return demand(config.rate, as_of, ShopCalendar.of(config))


@dataclass(frozen=True, slots=True)
class Seen:
    """What one device delivered inside the window."""

    days: int = 0
    """Production days with good values."""
    changed: bool = False
    """Whether a metric changed within one of these days."""
    control_days: int = 0
    """Production days with good values of control metrics."""
    hours: int = 0
    """Hours with good values, over all days."""
    first_ms: int | None = None
    """Source time of the first good value in the window, UTC ms; None without any."""
    last_ms: int | None = None
    transitions: int = 0
    """Changes of `machine.state`."""


def by_device(observations: Iterable[DeviceDay], asked: Demand) -> dict[str, list[DeviceDay]]:
    """Give the days inside the window that hold any good value, by device, in their order."""
    found: defaultdict[str, list[DeviceDay]] = defaultdict(list)
    for one in observations:
        if asked.first <= one.day <= asked.last and one.good > 0:
            found[one.device].append(one)
    for days in found.values():
        days.sort(key=lambda one: one.day)
    return dict(found)


def summarize(
    observations: Iterable[DeviceDay],
    asked: Demand,
    scheduled: Callable[[date], bool] = lambda _: True,
) -> dict[str, Seen]:
    """Add up the observations inside the window by device; absent: none. One per device and day.

    Only days that `scheduled` tells as production days count as days.
    """
    return seen_of(by_device(observations, asked), scheduled)


def seen_of(
    days: Mapping[str, list[DeviceDay]], scheduled: Callable[[date], bool]
) -> dict[str, Seen]:
    """Add up days that `by_device` gave."""
    return {device: _seen(found, scheduled) for device, found in days.items()}


def _seen(days: list[DeviceDay], scheduled: Callable[[date], bool]) -> Seen:
    return Seen(
        days=sum(scheduled(one.day) for one in days),
        changed=any(one.metrics_changed for one in days),
        control_days=sum(scheduled(one.day) for one in days if one.control_good),
        hours=sum(one.hours.bit_count() for one in days),
        first_ms=min(one.first_ms for one in days),
        last_ms=max(one.last_ms for one in days),
        transitions=sum(one.transitions for one in days),
    )
