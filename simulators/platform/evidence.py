"""What the arrived values prove about each device and day, counted for the rate.

Days are calendar days of the gateway's time zone, by the values' own times.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
    """Days with at least one good value."""
    good_values: int
    changed: bool
    """Whether some metric had two different good values within one day."""
    control_values: int
    """Good values of metrics which only a controller can tell."""


class Evidence:
    """Counts of one gateway."""

    def __init__(self) -> None:
        self._days: dict[str, dict[date, dict[str, MetricDay]]] = defaultdict(
            lambda: defaultdict(dict)
        )

    def add(self, device: str, points: Iterable[Point], *, zone: str) -> None:
        """Count the good values of a row of one device."""
        days = self._days[device]
        for point in points:
            if point.quality != "g" or point.value is None:
                continue
            day = local_day(point.time_ms, zone)
            found = days[day].get(point.metric)
            if found is None:
                days[day][point.metric] = MetricDay(point.value)
            else:
                found.good += 1
                found.changed = found.changed or point.value != found.first

    def proof(
        self, device: str, *, first: date, last: date, control_metrics: Sequence[str]
    ) -> Proof:
        """Sum up one device between two days, both included."""
        good_days = good = control = 0
        changed = False
        for day, metrics in self._days.get(device, {}).items():
            if not first <= day <= last or not metrics:
                continue
            good_days += 1
            for name, counts in metrics.items():
                good += counts.good
                changed = changed or counts.changed
                control += counts.good if is_control_metric(name, control_metrics) else 0
        return Proof(good_days, good, changed, control)


def is_control_metric(name: str, control_metrics: Sequence[str]) -> bool:
    """Whether a metric equals an entry, or begins with one that ends in a dot."""
    return any(
        name.startswith(entry) if entry.endswith(".") else name == entry
        for entry in control_metrics
    )


def local_day(time_ms: int, zone: str) -> date:
    """Give the calendar day of a UTC time in a time zone."""
    return _day_of_minute(time_ms // 60_000, zone)


@lru_cache(maxsize=4096)
def _day_of_minute(minute: int, zone: str) -> date:
    """Offsets of time zones are whole minutes, so a minute lies in one day."""
    try:
        return datetime.fromtimestamp(minute * 60, UTC).astimezone(ZoneInfo(zone)).date()
    except (OverflowError, ValueError, OSError):
        return date.max
