"""What the arrived values prove about each device and day, counted for the rate.

Days are shop days of the gateway's time zone, by the values' own times.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from simulators.platform.rows import JsonValue, Point


@dataclass(slots=True)
class MetricDay:
    """Good values of one metric of one device on one day."""

    first: JsonValue
    good: int = 1
    changed: bool = False


class Proof(NamedTuple):
    """What a window of days holds of one device."""

    good_days: int
    """Production days with at least one good value."""
    good_values: int
    changed: bool
    """Whether some metric had two different good values within one day."""
    control_values: int
    """Good values of metrics which only a controller can tell."""
    control_days: int = 0
    """Production days with any of them."""


class Evidence:
    """Counts of one gateway."""

    def __init__(self) -> None:
        self._days: dict[str, dict[date, dict[str, MetricDay]]] = defaultdict(
            lambda: defaultdict(dict)
        )
        self.said: dict[str, str] = {}
        """Maker, model and URI that a device gave, as one text."""

    def add(
        self, device: str, points: Iterable[Point], *, zone: str, day_starts_min: int = 0
    ) -> None:
        """Count the good values of a row of one device; a day begins so long after midnight."""
        days = self._days[device]
        for point in points:
            if point.quality != "g" or point.value is None:
                continue
            day = local_day(point.time_ms, zone, day_starts_min)
            found = days[day].get(point.metric)
            if found is None:
                days[day][point.metric] = MetricDay(point.value)
            else:
                found.good += 1
                found.changed = found.changed or point.value != found.first

    def proof(
        self,
        device: str,
        *,
        first: date,
        last: date,
        control_metrics: Sequence[str],
        scheduled: Callable[[date], bool] = lambda _: True,
    ) -> Proof:
        """Sum up one device between two days, both included; only scheduled days count as days."""
        good_days = good = control = control_days = 0
        changed = False
        for day, metrics in self._days.get(device, {}).items():
            if not first <= day <= last or not metrics:
                continue
            good_days += scheduled(day)
            for name, counts in metrics.items():
                good += counts.good
                changed = changed or counts.changed
                control += counts.good if is_control_metric(name, control_metrics) else 0
            told = any(is_control_metric(name, control_metrics) for name in metrics)
            control_days += told and scheduled(day)
        return Proof(good_days, good, changed, control, control_days)


def is_control_metric(name: str, control_metrics: Sequence[str]) -> bool:
    """Whether a metric equals an entry, or begins with one that ends in a dot."""
    return any(
        name.startswith(entry) if entry.endswith(".") else name == entry
        for entry in control_metrics
    )


def local_day(time_ms: int, zone: str, day_starts_min: int = 0) -> date:
    """Give the day of a UTC time in a time zone; it begins so long after midnight."""
    return _day_of_minute(time_ms // 60_000, zone, day_starts_min)


@lru_cache(maxsize=4096)
def _day_of_minute(minute: int, zone: str, day_starts_min: int) -> date:
    """Offsets of time zones are whole minutes, so a minute lies in one day."""
    try:
        local = datetime.fromtimestamp(minute * 60, UTC).astimezone(ZoneInfo(zone))
        return (local.replace(tzinfo=None) - timedelta(minutes=day_starts_min)).date()
    except (OverflowError, ValueError, OSError):
        return date.max
