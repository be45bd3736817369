"""What one machine did on one shop day: milliseconds per state and parts, by shift. Exact.

It remembers which time is counted, so that none counts twice: what comes late fills what is open.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from agent.kpi.segments import Bucket
from agent.states.counting import Fall
from agent.states.covered import Covered

if TYPE_CHECKING:
    from datetime import date
    from typing import Self

VERSION = 1


@dataclass(slots=True)
class Totals:
    """Sums of one bucket."""

    states_ms: Counter[str] = field(default_factory=Counter)
    """Time in each known state; unknown is what remains of the bucket."""
    signals_ms: Counter[str] = field(default_factory=Counter)
    """Time each signal (`spindle`, `cutting`, `power`) was on, and `<signal>.off` off."""
    counts: Counter[str] = field(default_factory=Counter)
    """Parts counted: `parts`, `good`, `scrap`."""
    resets: int = 0
    """Times a counter went back and was no wrap."""
    late: int = 0
    """States that came from the device's own history afterwards."""
    glitches: int = 0
    """Times a counter read too little and was back at once."""

    def document(self) -> dict[str, Any]:
        """Give it as JSON-able data."""
        return {
            "states_ms": dict(sorted(self.states_ms.items())),
            "signals_ms": dict(sorted(self.signals_ms.items())),
            "counts": dict(sorted(self.counts.items())),
            "resets": self.resets,
            "late": self.late,
            "glitches": self.glitches,
        }

    @classmethod
    def of_document(cls, one: dict[str, Any]) -> Self:
        """Take what `document` gave."""
        return cls(Counter(one["states_ms"]), Counter(one["signals_ms"]), Counter(one["counts"]),
                   int(one["resets"]), int(one["late"]), int(one.get("glitches", 0)))  # fmt: skip


@dataclass(slots=True)
class ShiftRecord:
    """One machine and shop day."""

    device: str
    day: date
    totals: dict[Bucket, Totals] = field(default_factory=dict)
    readings: dict[str, int] = field(default_factory=dict)
    """Last reading of each counter, from which a later life goes on."""
    told: set[str] = field(default_factory=set)
    """Shifts whose figures were published."""
    known: dict[str, Covered] = field(default_factory=dict)
    """The time that is counted, by role of the point that tells it."""
    falls: dict[str, Fall] = field(default_factory=dict)
    """Counters that fell at their last reading, by role."""
    open: bool = True
    """Whether late values may be counted; not where an older version did not keep what is known."""

    def claim(self, role: str, from_ms: int, to_ms: int) -> int:
        """Note time as known; give how many ms of it were not known before."""
        covered = self.known.get(role)
        if covered is None:
            covered = self.known[role] = Covered()
        return covered.claim(from_ms, to_ms)

    def of(self, bucket: Bucket) -> Totals:
        """Give the sums of one bucket of the day."""
        return self.totals.setdefault(bucket, Totals())

    def text(self) -> str:
        """Give the record as JSON text."""
        rows = [
            {"shift": bucket.shift, "planned": bucket.planned} | totals.document()
            for bucket, totals in sorted(self.totals.items())
        ]
        content: dict[str, Any] = {"v": VERSION, "rows": rows, "readings": self.readings,
                   "told": sorted(self.told),
                   "falls": {role: list(fall) for role, fall in self.falls.items()}}  # fmt: skip
        if self.open:
            content["known"] = {role: covered.spans for role, covered in self.known.items()}
        return orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode()

    @classmethod
    def of_text(cls, device: str, day: date, text: str) -> Self:
        """Take what `text` gave; ValueError where it is none."""
        try:
            content = orjson.loads(text)
            rows = {
                Bucket(day, str(row["shift"]), bool(row["planned"])): Totals.of_document(row)
                for row in content["rows"]
            }
            known = {
                role: Covered((int(a), int(b)) for a, b in spans)
                for role, spans in content.get("known", {}).items()
            }
            falls = {role: Fall(*fall) for role, fall in content.get("falls", {}).items()}
            return cls(device, day, rows, dict(content["readings"]), set(content["told"]), known,
                       falls, open="known" in content)  # fmt: skip
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"no record of a shop day: {error!r}") from error
