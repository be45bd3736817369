"""Follows one machine frame by frame: its state, its signals, its counters, into shift records.

Every engineering frame is seen, stored or not. Values of the past (backfill) are not counted:
their number is, so that nobody takes the sums for complete. One thread only (the event loop).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from agent.config.derived import STATE_METRIC
from agent.config.model import Mode
from agent.states.counting import Counter
from agent.states.timeline import UNKNOWN, Timeline
from drivers.api import Quality

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agent.config.derived import Oee
    from agent.config.plan import GroupPlan
    from agent.kpi.segments import Segments
    from agent.kpi.shift_record import ShiftRecord
    from agent.states.timeline import Change
    from drivers.api import Frame, Value

STATE: Final = STATE_METRIC
SIGNALS = ("power", "spindle", "cutting")
COUNTERS = ("parts", "good", "scrap")
MISSED_POLLS = 3
"""So many polls may be missing before nothing is known."""
LEAST_HOLD_MS = 10_000
QUIET_HOLD_MS = 120_000
"""A subscription without any sign of life for so long tells nothing any more."""

MOST_PARTS = 10**12
"""No machine counts so far; a register that says more is no counter, and is not taken for one."""

_GOOD = int(Quality.GOOD)
_NS_PER_MS = 1_000_000


class Follows:
    """One group's part in following a machine; fed by the group's pipeline."""

    def __init__(
        self, machine: Machine, columns: Mapping[int, Sequence[str]], *, dated: Callable[[], bool]
    ) -> None:
        self._machine = machine
        self._columns = columns
        self._dated = dated
        self._lines = [
            machine.lines[role] for roles in columns.values() for role in roles
            if role in machine.lines
        ]  # fmt: skip
        self._same: tuple[Value, ...] | None = None

    def take(self, frame: Frame) -> None:
        """Take an engineering frame of the group."""
        if not self._dated():
            return
        seen_ms = frame.read_ns // _NS_PER_MS
        if frame.backfill:
            self._machine.late(sum(at in self._columns for at in frame.columns or ()), seen_ms)
            return
        if frame.gap is not None:
            self._lose()
        if frame.values is self._same and frame.qualities is None:
            self._confirm(seen_ms)
            return
        plain = frame.columns is None and frame.times_ns is None
        self._same = frame.values if plain and frame.qualities is None else None
        for at_ms, column, value in self._seen(frame, seen_ms):
            for role in self._columns[column]:
                self._machine.see(role, value, at_ms=at_ms, seen_ms=seen_ms)
        self._confirm(seen_ms)

    def heard(self, frame: Frame) -> None:
        """Take a sign of life without values."""
        if frame.gap is not None:
            self._lose()
        if self._dated():
            self._confirm(frame.read_ns // _NS_PER_MS)

    def silence(self) -> None:
        """Take that the group cannot be read any more."""
        self._lose()
        self._machine.settle()

    def _seen(self, frame: Frame, seen_ms: int) -> list[tuple[int, int, Value]]:
        """Give time, column and value of what is followed, by time; None for what is not good."""
        columns: Any = range(len(frame.values)) if frame.columns is None else frame.columns
        found = []
        for at, column in enumerate(columns):
            if column not in self._columns:
                continue
            good = frame.qualities is None or frame.qualities[at] == _GOOD
            time_ms = seen_ms if frame.times_ns is None else frame.times_ns[at] // _NS_PER_MS
            found.append((time_ms, column, frame.values[at] if good else None))
        return sorted(found, key=lambda one: one[0])

    def _confirm(self, seen_ms: int) -> None:
        for line in self._lines:
            line.confirm(seen_ms)
        self._machine.settle()

    def _lose(self) -> None:
        self._same = None
        for line in self._lines:
            line.lose()


class Source(NamedTuple):
    """Where a machine's time line comes from."""

    dwell_ms: int
    hold_ms: int


class Machine:
    """One machine: its time lines and counters; sums go into the record of the shop day."""

    def __init__(
        self,
        record: Callable[[Any], ShiftRecord],
        segments: Segments,
        *,
        lines: Mapping[str, Source],
        oee: Oee | None,
        readings: Mapping[str, int],
        on_change: Callable[[Change], None],
    ) -> None:
        self.lines = {role: Timeline(dwell_ms=s.dwell_ms, hold_ms=s.hold_ms)
                      for role, s in lines.items()}  # fmt: skip
        self._record = record
        self._segments = segments
        wrap = None if oee is None else oee.wrap
        self._counters = {role: Counter(wrap=wrap, last=readings.get(role)) for role in COUNTERS}
        self._on_change = on_change

    def see(self, role: str, value: Value, *, at_ms: int, seen_ms: int) -> None:
        """Take one value of one role; None is a value that is not good."""
        line = self.lines.get(role)
        if line is None:
            self._count(role, value, at_ms=min(at_ms, seen_ms))
        elif value is None:
            line.confirm(seen_ms)
            line.lose()
        elif role == STATE:
            line.see(str(value), at_ms=at_ms, seen_ms=seen_ms)
        else:
            on = isinstance(value, (int, float)) and value > 0
            line.see("on" if on else "off", at_ms=at_ms, seen_ms=seen_ms)

    def late(self, count: int, seen_ms: int) -> None:
        """Note values that came too late to be counted."""
        if count:
            bucket = self._segments.at(seen_ms).bucket
            self._record(bucket.day).of(bucket).late += count

    def settle(self) -> None:
        """Add what came to be certain to the records."""
        for role, line in self.lines.items():
            pieces, changes = line.drain()
            for piece in pieces:
                if piece.state != UNKNOWN:
                    self._add(role, piece.state, piece.from_ms, piece.to_ms)
            if role == STATE:
                for change in changes:
                    self._on_change(change)

    def _add(self, role: str, state: str, from_ms: int, to_ms: int) -> None:
        for bucket, ms in self._segments.split(from_ms, to_ms):
            totals = self._record(bucket.day).of(bucket)
            if role == STATE:
                totals.states_ms[state] += ms
            else:
                totals.signals_ms[role if state == "on" else f"{role}.off"] += ms

    def _count(self, role: str, value: Value, *, at_ms: int) -> None:
        if not isinstance(value, (int, float)) or not abs(value) <= MOST_PARTS or value % 1:
            return
        counter = self._counters[role]
        resets = counter.resets
        added = counter.add(int(value))
        bucket = self._segments.at(at_ms).bucket
        record = self._record(bucket.day)
        record.readings[role] = int(value)
        totals = record.of(bucket)
        totals.counts[role] += added
        totals.resets += counter.resets - resets


def hold_ms(group: GroupPlan) -> int:
    """Give how long what a group told holds without being told again."""
    if group.settings.mode is Mode.SUBSCRIBE:
        return QUIET_HOLD_MS
    return max(LEAST_HOLD_MS, round(group.settings.interval_s * 1000) * MISSED_POLLS)
