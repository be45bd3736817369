"""From what devices delivered per day to the standing of each machine of the ledger.

Pure. The rules are versioned (`RULES`) and published with the control metrics, so that whoever
holds the data comes to the same result. "Not proven" is never called "false": only a claim that
the ledger itself contradicts is `contradicted`. Source: docs/specs/rate, sections 4 and 5.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, TypeAlias

from agent.kpi.rates import machines_controlled
from agent.kpi.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Self

    from agent.config.ledger import ControlSet, Equipment, Rate
    from agent.kpi.ledger import Ledger

RULES = "2026.1"
"""Version of the rules; any change of outcome on equal data is a new one."""

CONTROL_METRICS = (
    "program.",
    "machine.mode",
    "axis.",
    "tool.",
    "spindle.speed_cmd",
    "feed.override",
    "rapid.override",
    "spindle.override",
    "controller.",
)
"""Metrics only a controller can tell: an equal name, or any name below an entry ending in '.'."""

DeviceDayRow: TypeAlias = tuple[str, str, int, bool, int, int, int]
"""A `DeviceDay` as the store keeps it: its fields in order, the day as ISO 8601."""


def is_control_metric(name: str) -> bool:
    """Tell whether good values of the metric prove that a controller itself is read."""
    return any(
        name.startswith(entry) if entry.endswith(".") else name == entry
        for entry in CONTROL_METRICS
    )


@dataclass(frozen=True, slots=True)
class DeviceDay:
    """What one device delivered on one day of the factory's calendar; exists if any good value."""

    device: str
    day: date
    """By the source time of the values, in the gateway's time zone."""
    good: int
    """Number of good values."""
    metrics_changed: bool
    """Whether any metric had two different good values on this day."""
    control_good: int
    """Number of good values of control metrics."""
    first_ms: int
    """Source time of the earliest good value, UTC ms."""
    last_ms: int
    """Source time of the latest good value, UTC ms."""

    def row(self) -> DeviceDayRow:
        """Give the fields as the store keeps them."""
        return (self.device, self.day.isoformat(), self.good, self.metrics_changed,
                self.control_good, self.first_ms, self.last_ms)  # fmt: skip

    @classmethod
    def of(cls, row: DeviceDayRow) -> Self:
        """Take a row of the store; SQLite's 0 and 1 stand for False and True."""
        device, day, good, changed, control_good, first_ms, last_ms = row
        return cls(device, date.fromisoformat(day), good, bool(changed), control_good,
                   first_ms, last_ms)  # fmt: skip


class Level(StrEnum):
    """How far the data carry. E1 and E5 rest on papers and witnesses, not on data."""

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


def demand(settings: Rate, as_of: date) -> Demand:
    """Give the window that ends with `as_of`; the share counts as the decimal it is written as."""
    scheduled = settings.scheduled_days or settings.period_days
    share = Fraction(str(settings.min_day_share))
    return Demand(
        first=as_of - timedelta(days=settings.period_days - 1),
        last=as_of,
        scheduled_days=scheduled,
        min_days=settings.min_days,
        needed_days=max(settings.min_days, ceil(share * scheduled)),
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """What one device delivered inside the window."""

    days: int = 0
    """Days with good values."""
    changed: bool = False
    """Whether a metric changed within one of these days."""
    control_good: int = 0


def summarize(observations: Iterable[DeviceDay], asked: Demand) -> dict[str, Seen]:
    """Add up the observations inside the window by device; absent: none. One per device and day."""
    seen: dict[str, Seen] = {}
    for one in observations:
        if asked.first <= one.day <= asked.last and one.good > 0:
            known = seen.get(one.device, _NOTHING)
            seen[one.device] = Seen(
                known.days + 1,
                known.changed or one.metrics_changed,
                known.control_good + one.control_good,
            )
    return seen


@dataclass(frozen=True, slots=True)
class Assessment:
    """One machine of the ledger, judged."""

    machine: Equipment
    level: Level
    standing: Standing
    reason: Reason
    seen: Seen
    rivals: tuple[str, ...] = ()
    """Other declared machines that claim the same device."""

    @property
    def declared(self) -> bool:
        """Whether it is one of C: counted, in service, and able to run a key process."""
        return self.standing is not Standing.NOT_CLAIMED


def assess(
    ledger: Ledger, seen: Mapping[str, Seen], asked: Demand, *, control_set: ControlSet
) -> tuple[Assessment, ...]:
    """Judge every machine of the ledger as of the window's last day, in the ledger's order."""
    judge = _Judge(ledger, seen, asked, control_set)
    return tuple(judge.assess(machine) for machine in ledger.equipment)


class _Judge:
    """What all machines of one assessment share."""

    def __init__(
        self, ledger: Ledger, seen: Mapping[str, Seen], asked: Demand, control_set: ControlSet
    ) -> None:
        counted = ledger.counted(asked.last, control_set)
        self._seen = seen
        self._asked = asked
        self._in_service = {e.id for e in ledger.in_service(asked.last)}
        self._counted = {e.id: e.device for e in counted}
        self._claims = Counter(e.device for e in counted if e.device)
        self._declared = machines_controlled(ledger.covered(asked.last, control_set))

    def assess(self, machine: Equipment) -> Assessment:
        seen = self._seen.get(machine.device or "", _NOTHING)
        standing, reason = self._standing(machine, seen)
        rivals = self._rivals(machine) if reason is Reason.SAME_SOURCE else ()
        return Assessment(machine, self._level(seen), standing, reason, seen, rivals)

    def _standing(self, machine: Equipment, seen: Seen) -> tuple[Standing, Reason]:
        if machine.id not in self._declared:
            return Standing.NOT_CLAIMED, self._why_not_claimed(machine)
        if machine.device and self._claims[machine.device] > 1:
            return Standing.CONTRADICTED, Reason.SAME_SOURCE
        missing = self._missing(machine, seen)
        if missing is not None:
            return Standing.UNVERIFIED, missing
        return Standing.VERIFIED, Reason.VERIFIED

    def _why_not_claimed(self, machine: Equipment) -> Reason:
        if machine.id not in self._in_service:
            return Reason.NOT_IN_SERVICE
        return Reason.NO_KEY_PROCESS if machine.id in self._counted else Reason.NOT_CLAIMED

    def _missing(self, machine: Equipment, seen: Seen) -> Reason | None:
        """Give the first thing that keeps a declared machine from being verified."""
        tests = (
            (machine.device is None, Reason.NO_DEVICE),
            (not self._asked.assessable, Reason.TOO_FEW_SCHEDULED_DAYS),
            (seen.days == 0, Reason.NO_DATA),
            (seen.days < self._asked.needed_days, Reason.TOO_FEW_DAYS),
            (not seen.changed, Reason.NO_CHANGE),
            (seen.control_good == 0, Reason.NO_CONTROL_IDENTITY),
        )
        return next((reason for failed, reason in tests if failed), None)

    def _level(self, seen: Seen) -> Level:
        if seen.days == 0:
            return Level.DECLARED
        if not self._asked.assessable or seen.days < self._asked.needed_days:
            return Level.REACHED
        return Level.LIVE if seen.changed else Level.OBSERVED

    def _rivals(self, machine: Equipment) -> tuple[str, ...]:
        return tuple(
            id_
            for id_, device in self._counted.items()
            if device == machine.device and id_ != machine.id
        )


_NOTHING = Seen()
