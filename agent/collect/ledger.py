"""What one group did not collect, counted by cause and told as events: no loss is silent.

Counts are gathered per episode and told when its cause changes or the device comes back, at the
latest `TELL_EVERY_S` after its first loss. What is not told yet is kept in the store with every
change of it: should the program be killed, its next start tells it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING

from agent.losses.causes import FILLED, HISTORY_SHORT, OVERFLOW
from agent.losses.open import LossKind, OpenLoss
from agent.losses.spans import LossSpan
from agent.store.outbox import Telling
from agent.store.untold import kept, telling

if TYPE_CHECKING:
    from collections.abc import Callable

TELL_EVERY_S = 60.0
"""A lasting episode is told this often."""


@dataclass(slots=True)
class _Counting:
    """A loss that is being counted."""

    loss: OpenLoss
    started_s: float


class LossLedger:
    """Missed polls, gaps and lost changes of one group of one device."""

    def __init__(self, device: str, group: str, *, tell: Callable[[Telling], None]) -> None:
        self._device = device
        self._group = group
        self._tell = tell
        self._episode: _Counting | None = None
        self._gaps: _Counting | None = None
        self._lost: _Counting | None = None
        self._gap_told_s = -inf
        self._kept: tuple[OpenLoss, ...] = ()
        self.silence: OpenLoss | None = None
        """A silence whose polls nobody has counted yet; kept with the next change, or `keep`."""
        self.gaps = 0
        """Gaps in the life of the process: spans in which changes may have been missed."""
        self.missed = 0
        """Polls missed in the life of the process."""
        self.lost_changes = 0
        """Changes lost in the life of the process."""

    def miss(self, polls: int, *, reason: str, from_ms: int, to_ms: int) -> None:
        """Count polls that were due in a span of wall-clock time and not made."""
        if polls <= 0:
            self.keep()
            return
        self.missed += polls
        episode, ended = self._episode, list[OpenLoss]()
        if episode is not None and episode.loss.reason != reason:
            ended, episode = self._take_all(), None
        if episode is None:
            loss = OpenLoss(LossKind.MISSED, reason, from_ms, to_ms, 1, polls)
            self._episode = _Counting(loss, time.monotonic())
        else:
            loss = episode.loss
            episode.loss = replace(loss, to_ms=to_ms, amount=loss.amount + polls)
        self._hand_in(ended + self._take_due())

    def gap(self, *, reason: str, from_ms: int, to_ms: int) -> None:
        """Note a span in which nobody knows how many changes were missed.

        The first is told at once; those that follow it closely are told as one.
        """
        self.gaps += 1
        now_s, ended = time.monotonic(), list[OpenLoss]()
        if self._gaps is not None and self._gaps.loss.reason != reason:
            ended = self._take_gaps()
        if self._gaps is None:
            self._gaps = _Counting(OpenLoss(LossKind.GAP, reason, from_ms, to_ms, 0), now_s)
        loss = self._gaps.loss
        self._gaps.loss = replace(
            loss,
            from_ms=min(loss.from_ms, from_ms),
            to_ms=max(loss.to_ms, to_ms),
            times=loss.times + 1,
        )
        if self._gap_told_s <= now_s - TELL_EVERY_S:
            ended += self._take_gaps()
        self._hand_in(ended)

    def lose(self, changes: int) -> None:
        """Count changes that the device, or a full buffer, lost."""
        self.lost_changes += changes
        now_ms = _now_ms()
        if self._lost is None:
            loss = OpenLoss(LossKind.OVERFLOW, OVERFLOW, now_ms, now_ms)
            self._lost = _Counting(loss, time.monotonic())
        loss = self._lost.loss
        self._lost.loss = replace(loss, to_ms=now_ms, amount=loss.amount + changes)
        self._hand_in(self._take_due())

    def tell_if_due(self) -> None:
        """Tell what was counted long enough ago; cheap, called with every frame."""
        if self._episode is None and self._lost is None and self._gaps is None:
            return
        due = self._take_due()
        if due:
            self._hand_in(due)

    def flush(self) -> None:
        """Tell what was counted and not told yet."""
        self._hand_in(self._take_all())

    def keep(self) -> None:
        """Keep what is open, where that is another than was kept last."""
        self._hand_in([])

    def filled(self, *, from_ms: int, to_ms: int, values: int, complete: bool) -> None:
        """Keep what became of a gap that the device's own history was to fill."""
        cause = FILLED if complete else HISTORY_SHORT
        amount = values if complete else 0
        span = LossSpan(cause, self._device, from_ms, to_ms, 1, amount)
        self._tell(Telling(losses=(span,)))

    def _take_due(self) -> list[OpenLoss]:
        """Take what was counted long enough ago, to be told."""
        oldest_s = time.monotonic() - TELL_EVERY_S
        if _begun(self._episode, oldest_s) or _begun(self._lost, oldest_s):
            return self._take_all()
        return self._take_gaps() if _begun(self._gaps, oldest_s) else []

    def _take_all(self) -> list[OpenLoss]:
        missed = [] if self._episode is None else [self._episode.loss]
        gaps = self._take_gaps()
        lost = [] if self._lost is None else [replace(self._lost.loss, to_ms=_now_ms())]
        self._episode = self._lost = None
        return missed + gaps + lost

    def _take_gaps(self) -> list[OpenLoss]:
        if self._gaps is None:
            return []
        gaps, self._gaps = self._gaps, None
        self._gap_told_s = time.monotonic()
        return [gaps.loss]

    def _hand_in(self, ended: list[OpenLoss]) -> None:
        """Tell what has ended and keep what is open, both in one commit."""
        counting = (self._episode, self._gaps, self._lost)
        still = [one.loss for one in counting if one is not None]
        still += [] if self.silence is None else [self.silence]
        if not ended and tuple(still) == self._kept:
            return
        now_ms = _now_ms()
        told = telling(self._device, self._group, ended, now_ms=now_ms)
        if tuple(still) != self._kept:
            self._kept = tuple(still)
            lesson = kept(self._device, self._group, still, now_ms=now_ms)
            since_ms = min((loss.from_ms for loss in still), default=None)
            told = told._replace(lessons=(lesson,), since_ms=since_ms)
        self._tell(told)


def _begun(counting: _Counting | None, oldest_s: float) -> bool:
    return counting is not None and counting.started_s <= oldest_s


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
