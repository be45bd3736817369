"""What one device delivered on one shop day: the record that everything is judged by.

Immutable, exact, and the same after any trip through JSON: `document` and `of_document` are each
other's inverse, and equal records have equal canonical texts. Bounded, some 1 KB a day whatever
the device sends. It holds counts, times and hashes, never the values of a process.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from struct import unpack
from sys import intern
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

DeviceDayRow: TypeAlias = (
    tuple[str, str, int, bool, int, int, int] | tuple[str, str, int, bool, int, int, int, str]
)
"""A `DeviceDay` as the store keeps it: device, ISO day, good, metrics_changed, control_good,
first_ms, last_ms, and the rest as JSON; before rules 2026.2 there was no rest."""

_HASH_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class Sketch:
    """A few hashes that stand for a long series: those of its steps with the smallest hash.

    Which steps these are depends on the steps only, not on when one looked or where one began, so
    two records of one series have most of them in common, whatever the phase.
    """

    offered: int = 0
    """Steps seen."""
    kept: bytes = b""
    """The smallest distinct hashes, ascending, 4 bytes each, big-endian."""

    @property
    def hashes(self) -> tuple[int, ...]:
        """The hashes as numbers, ascending."""
        return unpack(f">{len(self.kept) // _HASH_BYTES}I", self.kept)

    def document(self) -> dict[str, Any]:
        """Give it as JSON types."""
        return {"kept": self.kept.hex(), "offered": self.offered}

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> Self:
        """Take what `document` gave."""
        return cls(int(document["offered"]), bytes.fromhex(document["kept"]))


@dataclass(frozen=True, slots=True)
class CounterDay:
    """What one counter of a device did on one day."""

    name: str
    first: int | float
    """Its first good value of the day."""
    last: int | float
    """Its last."""
    increase: int | float
    """How much it counted, over wraps and resets; a step back adds nothing."""
    back: int = 0
    """Steps back that are neither wrap nor reset."""
    resets: int = 0
    """How often it began anew near 0."""
    wraps: int = 0
    """How often it ran over the end of its register or display."""
    glitches: int = 0
    """How often it read too little and was back at once; not told where it never was."""

    def document(self) -> dict[str, Any]:
        """Give it as JSON types."""
        known = {name: getattr(self, name) for name in _COUNTER_FIELDS}
        return known | {"glitches": self.glitches} if self.glitches else known

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> Self:
        """Take what `document` gave."""
        known = {name: document[name] for name in _COUNTER_FIELDS}
        glitches = int(document.get("glitches", 0))
        return cls(**known | {"name": intern(document["name"])}, glitches=glitches)


_COUNTER_FIELDS: Final = ("name", "first", "last", "increase", "back", "resets", "wraps")


@dataclass(frozen=True, slots=True)
class DeviceDay:
    """What one device delivered on one shop day; exists if there was any good value."""

    device: str
    day: date
    """Shop day by the source time of the values, in the gateway's time zone."""
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
    bad: int = 0
    """Number of values that were not good."""
    hours: int = 0
    """Hours of the shop day with good values: bit n is the hour from n to n + 1 after its start."""
    changes: int = 0
    """Looks, one a second and group at most, at which a watched metric had changed."""
    transitions: int = 0
    """Changes of `machine.state`."""
    states: Mapping[str, int] = field(default_factory=dict)
    """Seconds seen in each value of `machine.state`."""
    running: Mapping[int, int] = field(default_factory=dict)
    """Seconds seen running, by hour of the shop day."""
    even: int = 0
    """Stays in a state as long as the one before in the same state."""
    movers: int = 0
    """Metrics seen that cannot stand still while a machine runs."""
    moved: bool = False
    """Whether any of them had two different values."""
    counters: tuple[CounterDay, ...] = ()
    """By name."""
    gaps: Mapping[str, int] = field(default_factory=dict)
    """Seconds without any good value between good ones, by cause."""
    values: Sketch = field(default_factory=Sketch)
    """Steps of the metrics that carry noise, such as power and load."""
    stays: Sketch = field(default_factory=Sketch)
    """Lengths of successive stays in a state."""

    def document(self) -> dict[str, Any]:
        """Give everything as JSON types; equal records give equal documents."""
        return {
            "control_good": self.control_good,
            "day": self.day.isoformat(),
            "device": self.device,
            "first_ms": self.first_ms,
            "good": self.good,
            "last_ms": self.last_ms,
            "metrics_changed": self.metrics_changed,
            **self._rest(),
        }

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> Self:
        """Take what `document` gave.

        Raises:
            ValueError: it is no such document.
        """
        try:
            return cls(
                str(document["device"]),
                date.fromisoformat(document["day"]),
                int(document["good"]),
                bool(document["metrics_changed"]),
                int(document["control_good"]),
                int(document["first_ms"]),
                int(document["last_ms"]),
                **_rest_in(document),
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"not a device's day: {error!r}") from error

    def row(self) -> DeviceDayRow:
        """Give the record as the store keeps it."""
        return (
            self.device,
            self.day.isoformat(),
            self.good,
            self.metrics_changed,
            self.control_good,
            self.first_ms,
            self.last_ms,
            canonical(self._rest()),
        )

    @classmethod
    def of(cls, row: DeviceDayRow) -> Self:
        """Take a row of the store; SQLite's 0 and 1 stand for False and True.

        Raises:
            ValueError: the rest is no such document.
        """
        device, day, good, changed, control_good, first_ms, last_ms = row[:7]
        rest = row[7] if len(row) > 7 else ""
        try:
            more = _rest_in(json.loads(rest)) if rest else {}
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"{device} {day}: not a device's day: {error!r}") from error
        return cls(intern(device), date.fromisoformat(day), good, bool(changed), control_good,
                   first_ms, last_ms, **more)  # fmt: skip

    def _rest(self) -> dict[str, Any]:
        return {
            "bad": self.bad,
            "changes": self.changes,
            "counters": [one.document() for one in self.counters],
            "even": self.even,
            "gaps": dict(self.gaps),
            "hours": self.hours,
            "moved": self.moved,
            "movers": self.movers,
            "running": {str(hour): seconds for hour, seconds in self.running.items()},
            "states": dict(self.states),
            "stays": self.stays.document(),
            "transitions": self.transitions,
            "values": self.values.document(),
        }


def canonical(document: Mapping[str, Any]) -> str:
    """Give the one text of a document: sorted keys, no blanks, characters as they are."""
    return json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def _rest_in(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "bad": int(document["bad"]),
        "changes": int(document["changes"]),
        "counters": tuple(CounterDay.of_document(one) for one in document["counters"]),
        "even": int(document["even"]),
        "gaps": {intern(cause): int(s) for cause, s in document["gaps"].items()},
        "hours": int(document["hours"]),
        "moved": bool(document["moved"]),
        "movers": int(document["movers"]),
        "running": {int(hour): int(s) for hour, s in document["running"].items()},
        "states": {intern(state): int(s) for state, s in document["states"].items()},
        "stays": Sketch.of_document(document["stays"]),
        "transitions": int(document["transitions"]),
        "values": Sketch.of_document(document["values"]),
    }
