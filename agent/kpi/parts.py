"""Parts of one machine, counted into its shift records by the readings of its counters.

What a fall of a counter added is taken back from the very shift it was added to, if the fall proves
to be a fault. Parts made in a silence count where the counter is read again, until the device's own
history shows when they were made. One thread only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.kpi.late import Jump

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.kpi.segments import Bucket, Segments
    from agent.kpi.shift_record import ShiftRecord, Totals
    from agent.states.counting import Counter
    from drivers.api import Value

MOST_PARTS: Final = 10**12
"""No machine counts so far; a register that says more is no counter, and is not taken for one."""


class Parts:
    """The counters of one machine, by role."""

    def __init__(
        self,
        record: Callable[[Any], ShiftRecord],
        segments: Segments,
        counters: Mapping[str, Counter],
    ) -> None:
        self._record = record
        self._segments = segments
        self._counters = counters
        self._read_ms: dict[str, int] = {}
        self._fell_in: dict[str, Bucket] = {}
        self._silent = set(counters)
        self._jumps: dict[str, Jump] = {}

    def see(self, role: str, value: Value, *, at_ms: int) -> None:
        """Take a reading; what is no count is left aside."""
        reading = _count(value)
        if reading is None:
            return
        counter, bucket = self._counters[role], self._segments.at(at_ms).bucket
        before, known_ms = counter.last, self._read_ms.get(role, 0)
        added = self._take(role, reading, bucket, at_ms)
        if role in self._silent:
            self._silent.discard(role)
            if before is not None and added == reading - before:
                self._jumps[role] = Jump(before, known_ms, reading, at_ms, bucket)

    def see_late(self, role: str, value: Value, *, at_ms: int) -> list[Bucket]:
        """Take a reading of the past; give the shifts that count otherwise by it."""
        reading = _count(value)
        if reading is None:
            return []
        bucket, last = self._segments.at(at_ms).bucket, self._counters[role].last
        if role in self._silent:
            if last is None or reading <= last or at_ms <= self._read_ms.get(role, 0):
                return []
            self._take(role, reading, bucket, at_ms)
            return [bucket]
        jump = self._jumps.get(role)
        made = 0 if jump is None else jump.shows(reading, at_ms)
        if jump is None or not made or bucket == jump.bucket:
            return []
        self._totals(jump.bucket).counts[role] -= made
        self._totals(bucket).counts[role] += made
        return [jump.bucket, bucket]

    def falls_silent(self) -> None:
        """Take that parts may be made now that nobody sees."""
        self._silent = set(self._counters)

    def _take(self, role: str, reading: int, bucket: Bucket, at_ms: int) -> int:
        """Count a reading for a shift; give how much was added to that one."""
        counter = self._counters[role]
        resets, glitches, fell = counter.resets, counter.glitches, counter.fell
        added = counter.add(reading)
        self._read_ms[role] = at_ms
        record = self._record(bucket.day)
        record.readings[role] = reading
        record.falls.pop(role, None)
        if counter.fell is not None:
            record.falls[role] = counter.fell
        if counter.glitches > glitches and fell is not None:
            added += self._take_back(role, fell.added, counter.resets - resets, bucket)
            resets = counter.resets
        elif fell is None and counter.fell is not None:
            self._fell_in[role] = bucket
        totals = self._totals(bucket)
        totals.counts[role] += added
        totals.resets += counter.resets - resets
        totals.glitches += counter.glitches - glitches
        return added

    def _take_back(self, role: str, added: float, resets: int, bucket: Bucket) -> int:
        """Take what a fault added out of the shift it was added to; give how much that was."""
        totals = self._totals(self._fell_in.pop(role, bucket))
        totals.counts[role] -= int(added)
        totals.resets += resets
        return int(added)

    def _totals(self, bucket: Bucket) -> Totals:
        return self._record(bucket.day).of(bucket)


def _count(value: Value) -> int | None:
    if not isinstance(value, (int, float)) or not abs(value) <= MOST_PARTS or value % 1:
        return None
    return int(value)
