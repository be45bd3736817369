"""Follows one machine frame by frame: its state, its signals, its counters, into shift records.

Every engineering frame is seen, stored or not. Values of the past (backfill) count for the shift
they are of, where nothing was known; how many came is told. One thread only (the event loop).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from agent.config.derived import STATE_METRIC
from agent.config.model import Mode
from agent.kpi.late import MOST_PAST_MS, PastStates
from agent.kpi.parts import Parts
from agent.states.covered import Covered
from agent.states.timeline import UNKNOWN, Timeline
from drivers.api import Quality

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from agent.config.plan import GroupPlan
    from agent.kpi.segments import Bucket, Segments
    from agent.kpi.shift_record import ShiftRecord
    from agent.states.counting import Counter
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

_GOOD = int(Quality.GOOD)
_NOTHING, _EVERYTHING = Covered(), Covered([(0, 1 << 62)])
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
            for at_ms, column, value in self._seen(frame, seen_ms):
                if seen_ms - MOST_PAST_MS <= at_ms <= seen_ms:
                    for role in self._columns[column]:
                        self._machine.see_late(role, value, at_ms=at_ms)
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
        self._machine.falls_silent()


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
        counters: Mapping[str, Counter],
        on_change: Callable[[Change], None],
        on_late: Callable[[Bucket], None],
    ) -> None:
        """Take where sums go, where time lines come from, the counters, and whom to tell."""
        self.lines = {role: Timeline(dwell_ms=s.dwell_ms, hold_ms=s.hold_ms)
                      for role, s in lines.items()}  # fmt: skip
        self._record = record
        self._segments = segments
        self._sources = lines
        self._past = PastStates()
        self._parts = Parts(record, segments, counters)
        self._on_change = on_change
        self._on_late = on_late

    def see(self, role: str, value: Value, *, at_ms: int, seen_ms: int) -> None:
        """Take one value of one role; None is a value that is not good."""
        line = self.lines.get(role)
        if line is None:
            self._parts.see(role, value, at_ms=min(at_ms, seen_ms))
        elif value is None:
            line.confirm(seen_ms)
            line.lose()
        else:
            line.see(_state(role, value), at_ms=at_ms, seen_ms=seen_ms)

    def see_late(self, role: str, value: Value, *, at_ms: int) -> None:
        """Take one value of the device's own history: it counts where nothing was known."""
        bucket = self._segments.at(at_ms).bucket
        record = self._record(bucket.day)
        record.of(bucket).late += 1
        if not record.open:
            return
        if role not in self.lines:
            moved = self._parts.see_late(role, value, at_ms=at_ms)
        else:
            state = None if value is None else _state(role, value)
            pieces = self._past.see(role, state, at_ms=at_ms, dwell_ms=self._sources[role].dwell_ms)
            moved = [bucket for piece in pieces for bucket in self._fill(role, *piece)]
        for one in moved:
            self._on_late(one)

    def falls_silent(self) -> None:
        """Take that a group tells nothing any more: what was not seen may be told late."""
        self._past.forget()
        self._parts.falls_silent()

    def settle(self) -> None:
        """Add what came to be certain to the records."""
        for role, line in self.lines.items():
            pieces, changes = line.drain()
            for piece in pieces:
                if piece.state == UNKNOWN:
                    self._past.forget()
                else:
                    self._add(role, piece.state, piece.from_ms, piece.to_ms)
            if role == STATE:
                for change in changes:
                    self._on_change(change)

    def _fill(self, role: str, state: str, from_ms: int, to_ms: int) -> Iterator[Bucket]:
        """Add a state of the past where nothing was known; yield what it was added to."""
        filled = False
        for bucket, ms in self._segments.split(from_ms, to_ms):
            record, until_ms = self._record(bucket.day), from_ms + ms
            covered = record.known.get(role, _NOTHING) if record.open else _EVERYTHING
            start_ms, end_ms = covered.open_part(from_ms, until_ms)
            if filled and start_ms > from_ms:
                return  # something else was known from there on
            if start_ms < end_ms:
                filled = True
                self._add(role, state, start_ms, end_ms)
                yield bucket
            if end_ms < until_ms:
                return
            from_ms = until_ms

    def _add(self, role: str, state: str, from_ms: int, to_ms: int) -> None:
        for bucket, ms in self._segments.split(from_ms, to_ms):
            record = self._record(bucket.day)
            totals, fresh_ms = record.of(bucket), record.claim(role, from_ms, from_ms + ms)
            if role == STATE:
                totals.states_ms[state] += fresh_ms
            else:
                totals.signals_ms[role if state == "on" else f"{role}.off"] += fresh_ms
            from_ms += ms


def _state(role: str, value: Value) -> str:
    if role == STATE:
        return str(value)
    return "on" if isinstance(value, (int, float)) and value > 0 else "off"


def hold_ms(group: GroupPlan) -> int:
    """Give how long what a group told holds without being told again."""
    if group.settings.mode is Mode.SUBSCRIBE:
        return QUIET_HOLD_MS
    return max(LEAST_HOLD_MS, round(group.settings.interval_s * 1000) * MISSED_POLLS)
