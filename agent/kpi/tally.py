"""The running count of one device and day, from which its `DeviceDay` is made.

All groups of the device share it. Times are source times, UTC nanoseconds. One thread only.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, TypeVar

from agent.kpi.deviceday import CounterDay, DeviceDay
from agent.kpi.sketch import Sketcher
from agent.states.counting import Fall

if TYPE_CHECKING:
    from datetime import date

_Key = TypeVar("_Key", str, int)

VALUES_KEPT: Final = 24
"""Hashes kept of a day's noisy metrics."""
STAYS_KEPT: Final = 12
"""Hashes kept of a day's stays in a state."""
MOST_STATES: Final = 12
"""States told apart on a day; further ones count as unknown."""
MOST_COUNTERS: Final = 6
"""Counters followed on a day."""
_NS_PER_MS: Final = 1_000_000
_NS_PER_S: Final = 1_000_000_000
_MODULI: Final = (2**16, 2**31, 2**32, 10**4, 10**5, 10**6, 10**7, 10**8, 10**9)
"""Where counters run over: registers, signed and unsigned, and displays."""
_NEAR: Final = 0.1
"""This share of the range below its end and above 0 may lie between two looks at a wrap."""
_NOISE: Final = 1e-4
"""A step back of less than this share of the value is rounding, not counting back."""


class Counter:
    """One counter on one day."""

    __slots__ = ("_fell", "_undo", "_usual", "back", "first", "first_ns", "glitches", "increase",
                 "last", "last_ns", "name", "resets", "wraps")  # fmt: skip

    def __init__(self, name: str, value: float, time_ns: int) -> None:
        self.name = name
        self.first = self.last = value
        self.first_ns = self.last_ns = time_ns
        self.increase: int | float = 0
        self.back = self.resets = self.wraps = self.glitches = 0
        self._usual: int | float = 0
        self._fell: Fall | None = None
        self._undo = (0, 0, 0)

    @classmethod
    def known(cls, day: CounterDay, *, first_ns: int, last_ns: int) -> Counter:
        """Go on from what was counted before."""
        one = cls(day.name, day.first, first_ns)
        one.last, one.last_ns, one.increase = day.last, last_ns, day.increase
        one.back, one.resets, one.wraps = day.back, day.resets, day.wraps
        one.glitches = day.glitches
        return one

    def take(self, value: float, time_ns: int) -> bool:
        """Take a value; tell whether it differs. One of before the last only moves the start."""
        if time_ns < self.last_ns:
            if time_ns < self.first_ns and value <= self.first:
                self.increase += self.first - value
                self.first, self.first_ns = value, time_ns
            return False
        before, self.last, self.last_ns = self.last, value, time_ns
        if value == before:
            return False
        if value > before:
            self._rose(before, value)
        else:
            self._fell = self._fall(before, value)
        return True

    def _rose(self, before: float, value: float) -> None:
        fell, self._fell = self._fell, None
        if fell is not None and fell.was_a_fault(before, value, usual=self._usual):
            resets, wraps, back = self._undo
            self.resets, self.wraps = resets, wraps
            self.glitches += back == self.back  # a step back stays one, wherever it went then
            self.increase += value - fell.before - fell.added
            return
        self._usual = max(self._usual, value - before)
        self.increase += value - before

    def _fall(self, before: float, value: float) -> Fall:
        """Tell a wrap and a reset from a true step back; what follows may show it was a fault."""
        fell = self._fell
        if fell is None:
            self._undo = (self.resets, self.wraps, self.back)
            fell = Fall(before, 0)
        added = self._fell_to(before, value)
        self.increase += added
        return Fall(fell.before, fell.added + added)

    def _fell_to(self, before: float, value: float) -> float:
        """Give what a fall has counted."""
        for modulus in _MODULI:
            if modulus * (1 - _NEAR) <= before < modulus and 0 <= value <= modulus * _NEAR:
                self.wraps += 1
                return modulus - before + value
        if 0 <= value <= before * _NEAR or value in {0, 1}:
            self.resets += 1
            return value
        if before - value > abs(before) * _NOISE:
            self.back += 1
        return 0

    def day(self) -> CounterDay:
        """Give it as a record."""
        return CounterDay(self.name, self.first, self.last, self.increase, self.back,
                          self.resets, self.wraps, self.glitches)  # fmt: skip


class Tally:
    """The count of one device and day."""

    __slots__ = (
        "bad", "changed", "changes", "clean", "control_good", "counters", "date", "device",
        "even", "first_ns", "gaps_ns", "good", "hours", "last_ns", "moved", "movers", "running_ns",
        "states_ns", "stays", "transitions", "values",
    )  # fmt: skip

    def __init__(self, device: str, day: date) -> None:
        self.device = device
        self.date = day
        self.good = self.bad = 0
        self.control_good = 0
        self.changed = False
        self.first_ns = self.last_ns = 0
        self.hours = 0
        self.changes = self.transitions = self.even = 0
        self.states_ns: defaultdict[str, int] = defaultdict(int)
        self.running_ns: defaultdict[int, int] = defaultdict(int)
        self.movers = 0
        self.moved = False
        self.counters: dict[str, Counter] = {}
        self.gaps_ns: defaultdict[str, int] = defaultdict(int)
        self.values = Sketcher(VALUES_KEPT)
        self.stays = Sketcher(STAYS_KEPT)
        self.clean = True
        """Whether it is as it was last stored."""

    @classmethod
    def of(cls, day: DeviceDay) -> Tally:
        """Go on from what was counted before."""
        one = cls(day.device, day.day)
        one.good, one.bad, one.control_good = day.good, day.bad, day.control_good
        one.changed, one.hours, one.changes = day.metrics_changed, day.hours, day.changes
        one.first_ns, one.last_ns = day.first_ms * _NS_PER_MS, day.last_ms * _NS_PER_MS
        one.transitions, one.even = day.transitions, day.even
        one.movers, one.moved = day.movers, day.moved
        for into, known in ((one.states_ns, day.states), (one.gaps_ns, day.gaps)):
            into.update({name: seconds * _NS_PER_S for name, seconds in known.items()})
        one.running_ns.update({hour: s * _NS_PER_S for hour, s in day.running.items()})
        one.counters = {
            c.name: Counter.known(c, first_ns=one.first_ns, last_ns=one.last_ns)
            for c in day.counters
        }
        one.values = Sketcher(VALUES_KEPT, day.values)
        one.stays = Sketcher(STAYS_KEPT, day.stays)
        return one

    def add(self, good: int, control_good: int, first_ns: int, last_ns: int) -> None:
        """Count good values between two instants."""
        if not self.good:
            self.first_ns, self.last_ns = first_ns, last_ns
        else:
            self.first_ns = min(self.first_ns, first_ns)
            self.last_ns = max(self.last_ns, last_ns)
        self.good += good
        self.control_good += control_good

    def stayed(self, state: str, hour: int, span_ns: int, *, runs: bool) -> None:
        """Count time seen in a state within one hour of the day."""
        if state not in self.states_ns and len(self.states_ns) >= MOST_STATES:
            state = "unknown"
        self.states_ns[state] += span_ns
        if runs:
            self.running_ns[hour] += span_ns

    def count(self, name: str, value: float, time_ns: int) -> bool:
        """Take a counter's value; tell whether it differs from the one before."""
        counter = self.counters.get(name)
        if counter is not None:
            return counter.take(value, time_ns)
        if len(self.counters) < MOST_COUNTERS:
            self.counters[name] = Counter(name, value, time_ns)
        return False

    def saw_movers(self, count: int) -> None:
        """Note how many metrics that must move were seen, by the group that saw most."""
        self.movers = max(self.movers, count)

    def day(self) -> DeviceDay:
        """Give the record as it stands."""
        return DeviceDay(
            self.device, self.date, self.good, self.changed, self.control_good,
            self.first_ns // _NS_PER_MS, self.last_ns // _NS_PER_MS,
            bad=self.bad,
            hours=self.hours,
            changes=self.changes,
            transitions=self.transitions,
            states=_seconds(self.states_ns),
            running=_seconds(self.running_ns),
            even=self.even,
            movers=self.movers,
            moved=self.moved,
            counters=tuple(self.counters[name].day() for name in sorted(self.counters)),
            gaps=_seconds(self.gaps_ns),
            values=self.values.sketch(),
            stays=self.stays.sketch(),
        )  # fmt: skip


def _seconds(spans_ns: dict[_Key, int]) -> dict[_Key, int]:
    return {key: ns // _NS_PER_S for key, ns in spans_ns.items() if ns >= _NS_PER_S}
