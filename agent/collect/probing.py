"""When the silent devices of one line may be asked again: pure arithmetic on a clock given to it.

An errand is anything asked on a line beside its polls: a probe of a silent device, a question who
a device is. Guarantees: one errand at a time; while a device of the line lives, an errand that cost
`T` seconds is followed by `T * REST_PER_COST` seconds without one, so that errands take at most
`SHARE` of the line. Silence met by a poll costs the line as much; a little of it is forgiven, so
that one lost answer is repeated soon, and a device that answers only now and then is asked rarely.
Within one lane the longest waiting goes first, and lanes take turns, so that
neither kind starves the other. Never sleeps, never reads a clock, never asks a device.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

SHARE = 0.05
"""Share of a line's time that errands may take from the devices that live."""
REST_PER_COST = (1 - SHARE) / SHARE
"""Seconds without an errand per second that the last one cost."""

FORGIVEN_S = 60.0
"""Rest that polls may run up without waiting for it: some three time-outs of a second a minute."""
OWED_MAX_S = 60.0
"""Longest rest for the silence that polls met: a shop that was switched off is found again."""

ErrandT = TypeVar("ErrandT", bound="Hashable")


class _Waiting(NamedTuple):
    lane: int
    due_s: float


class Probing(Generic[ErrandT]):
    """The errands of one line that wait for their turn."""

    def __init__(self) -> None:
        self._waiting: dict[ErrandT, _Waiting] = {}
        self._under_way = False
        self._rest_until_s = -inf
        self._owed_until_s = -inf
        self._last_lane = -1

    def __contains__(self, errand: ErrandT) -> bool:
        """Whether an errand waits."""
        return errand in self._waiting

    def add(self, errand: ErrandT, *, due_s: float, lane: int = 0) -> None:
        """Let an errand wait for its turn, which is not before `due_s`; one that waits is moved."""
        self._waiting[errand] = _Waiting(lane, due_s)

    def drop(self, errand: ErrandT) -> None:
        """Forget an errand; harmless when it does not wait."""
        self._waiting.pop(errand, None)

    def next_s(self, *, shared: bool) -> float:
        """Give when an errand may begin; infinity while none waits, or one is under way.

        `shared` tells whether some device of the line lives, whose time is to be spared.
        """
        if self._under_way or not self._waiting:
            return inf
        due_s = min(waiting.due_s for waiting in self._waiting.values())
        return max(due_s, self._rest_until_s, self._owed_until_s) if shared else due_s

    def begin(self, now_s: float, *, shared: bool) -> ErrandT | None:
        """Give the errand whose turn it is now, and take it out of the queue; None for nobody."""
        if self.next_s(shared=shared) > now_s:
            return None
        due = [(one, waiting) for one, waiting in self._waiting.items() if waiting.due_s <= now_s]
        errand, waiting = min(
            due, key=lambda pair: (pair[1].lane == self._last_lane, pair[1].due_s)
        )
        del self._waiting[errand]
        self._under_way = True
        self._last_lane = waiting.lane
        return errand

    def end(self, now_s: float, *, cost_s: float) -> None:
        """Note that the errand under way is over, and what it cost the line."""
        self._under_way = False
        self._rest_until_s = now_s + max(0.0, cost_s) * REST_PER_COST

    def charge(self, cost_s: float) -> None:
        """Let the last errand have cost more than it seemed: the session had to be opened again."""
        self._rest_until_s += max(0.0, cost_s) * REST_PER_COST

    def met_silence(self, now_s: float, *, cost_s: float) -> None:
        """Note what a poll cost that met silence: its device fell silent, maybe not for long."""
        owed_until_s = max(self._owed_until_s, now_s - FORGIVEN_S) + max(0.0, cost_s) / SHARE
        self._owed_until_s = min(owed_until_s, now_s + OWED_MAX_S)
