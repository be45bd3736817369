"""Following the few metrics of one group whose course is evidence: state, counters, movers, noise.

Looks are rare (one a second) and cost one comparison while nothing has changed, whatever the size
of a frame; a change of state is seen at once. What was not seen is not filled in: after a silence
a state begins anew, and a state that nobody confirmed for an hour is not counted as known.
"""

from __future__ import annotations

from math import isfinite
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from agent.config.derived import STATE_METRIC
from agent.kpi.sketch import rich
from agent.kpi.watched import RUNNING, carries_noise, is_counter, must_move

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from agent.kpi.tally import Tally
    from drivers.api import Value

_NS_PER_S: Final = 1_000_000_000
LOOK_NS: Final = _NS_PER_S
"""Least time between two looks at a group."""
HOLD_NS: Final = 3600 * _NS_PER_S
"""A state that nobody confirmed for longer is not counted as known in between."""
MOST_COLUMNS: Final = 24
"""Metrics followed of one group beside its state; further ones prove nothing more."""
MOST_NOISY: Final = 4
STATE_CHARS: Final = 24
"""A text longer than this is no state."""
STAY_STEP_S: Final = 4
"""Lengths of stays are compared in steps of this: a poll sees a change up to a second late."""
_EVEN_S, _EVEN_SHARE = 2.0, 0.01
"""Stays are equally long within the greater of these."""
NEVER: Final = 1 << 63
_UNSEEN: Final = object()


class Track:
    """The course of one group's metrics; values in the order of their time."""

    __slots__ = ("_columns", "_counters", "_entered_ns", "_last", "_lengths", "_movers",
                 "_movers_seen", "_noisy", "_pick", "_record", "_seen", "_seen_ns", "_spread",
                 "_stay", "_steps", "columns", "look_ns", "state", "state_at")  # fmt: skip

    def __init__(
        self,
        names: Sequence[str],
        spread: Callable[[int, int], Iterator[tuple[Tally, int, int]]],
    ) -> None:
        """Take the metrics in frame order, and what cuts a span into the hours of days."""
        counters = {c: name for c, name in enumerate(names) if is_counter(name)}
        movers = [c for c, name in enumerate(names) if must_move(name)]
        noisy = [c for c, name in enumerate(names) if carries_noise(name)][:MOST_NOISY]
        followed = list(dict.fromkeys([*counters, *noisy, *movers]))[:MOST_COLUMNS]
        self._counters = counters
        self._movers = frozenset(movers).intersection(followed)
        self._noisy = frozenset(noisy)
        self._columns = tuple(followed)
        self.state_at = names.index(STATE_METRIC) if STATE_METRIC in names else -1
        """Column of the state, -1 where the group has none."""
        self.columns = frozenset(followed) | ({self.state_at} - {-1})
        """Every column that is followed."""
        self._pick: Callable[[Any], Any] = itemgetter(*followed) if followed else tuple
        self._spread = spread
        self.look_ns = 0 if self.columns else NEVER
        """No look is due before this instant, unless the state changes."""
        self._record: Tally | None = None
        self._last: dict[int, Value] = {}
        self._steps: dict[int, str] = {}
        self._movers_seen: set[int] = set()
        self._seen: Any = _UNSEEN
        self.state: Value = None
        """The state as it was last seen; None while it is not known."""
        self._seen_ns = 0
        self._entered_ns = 0
        self._lengths: dict[Value, int] = {}
        self._stay = ""

    def look(self, record: Tally, values: Sequence[Value], time_ns: int) -> None:
        """Look at a full good frame of one instant."""
        self.look_ns = time_ns + LOOK_NS
        if self.state_at >= 0:
            self._see_state(record, values[self.state_at], time_ns)
        if not self._columns:
            return
        seen = self._pick(values)
        if seen == self._seen and record is self._record:
            return
        self._seen = seen
        moved = False
        for column in self._columns:
            moved |= self._take(record, column, values[column], time_ns)
        record.changes += moved

    def take(self, record: Tally, column: int, value: Value, time_ns: int) -> None:
        """Take one value of a followed column by itself."""
        if column == self.state_at:
            self._see_state(record, value, time_ns)
        elif column in self.columns and self._take(record, column, value, time_ns):
            record.changes += 1

    def lose_state(self, time_ns: int) -> None:
        """Note that from this instant the state is not known."""
        if self.state is not None and self._seen_ns < time_ns:
            self._stayed(time_ns)
        self.state = None
        self._entered_ns = 0
        self._stay = ""

    def restart(self) -> None:
        """Forget the course: what follows is of another time."""
        self.state = None
        self._entered_ns = self._seen_ns = 0
        self._stay = ""
        self._last.clear()
        self._steps.clear()
        self._seen, self._record = _UNSEEN, None

    @property
    def seen_ns(self) -> int:
        """When the state was last seen."""
        return self._seen_ns

    def _take(self, record: Tally, column: int, value: Value, time_ns: int) -> bool:
        """Take one value; tell whether it differs from the one before on the same day."""
        if record is not self._record:
            self._record = record
            self._last.clear()
            self._movers_seen.clear()
        before = self._last.get(column, _UNSEEN)
        if column in self._movers and column not in self._movers_seen:
            self._movers_seen.add(column)
            record.saw_movers(len(self._movers_seen))
        if before == value:
            return False
        self._last[column] = value
        if column in self._counters and type(value) in {int, float} and isfinite(value):  # type: ignore[arg-type]
            record.count(self._counters[column], value, time_ns)  # type: ignore[arg-type]
        if column in self._noisy:
            self._step(record, column, value)
        if before is _UNSEEN:
            return False
        record.moved = record.moved or column in self._movers
        return True

    def _step(self, record: Tally, column: int, value: Value) -> None:
        text, before = rich(value), self._steps.get(column, "")
        if text == before:
            return
        self._steps[column] = text
        if text and before:
            record.values.offer(f"{before}>{text}")

    def _see_state(self, record: Tally, value: Value, time_ns: int) -> None:
        if time_ns < self._seen_ns:
            return  # older than what is known: the past has a track of its own
        before = self.state
        if before is not None:
            self._stayed(time_ns)
        self._seen_ns = time_ns
        if value == before:
            return
        self.state = value
        if before is None:
            self._entered_ns = 0
            return
        record.transitions += 1
        if self._entered_ns:
            self._left(record, before, time_ns - self._entered_ns)
        self._entered_ns = time_ns

    def _left(self, record: Tally, state: Value, stay_ns: int) -> None:
        """Note a whole stay, seen from its beginning to its end."""
        known = self._lengths.get(state)
        if known is not None and abs(stay_ns - known) <= max(
            _EVEN_S * _NS_PER_S, known * _EVEN_SHARE
        ):
            record.even += 1
        self._lengths[state] = stay_ns
        stay = f"{state_word(state)}{stay_ns // (STAY_STEP_S * _NS_PER_S)}"
        if self._stay:
            record.stays.offer(f"{self._stay}>{stay}")
        self._stay = stay

    def _stayed(self, time_ns: int) -> None:
        """Count the time since the state was last seen, unless that is too long ago."""
        span_ns = time_ns - self._seen_ns
        if span_ns > HOLD_NS:
            self._entered_ns = 0
            self._stay = ""
            return
        word = state_word(self.state)
        for record, hour, part_ns in self._spread(self._seen_ns, time_ns):
            record.stayed(word, hour, part_ns, runs=word == RUNNING)


def state_word(value: Value) -> str:
    """Give a state as a short text."""
    return str(value)[:STATE_CHARS]
