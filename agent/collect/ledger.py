"""What one group did not collect, counted by cause and told as events: no loss is silent.

Counts are gathered per episode and told when its cause changes or the device comes back, at the
latest `TELL_EVERY_S` after its first loss.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from agent.losses.causes import FILLED, HISTORY_SHORT, OVERFLOW, cause_of_gap
from agent.losses.spans import LossSpan
from agent.store.events import event_body

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TELL_EVERY_S = 60.0
"""A lasting episode is told this often."""


@dataclass(slots=True)
class _Episode:
    reason: str
    from_ms: int
    to_ms: int
    polls: int
    started_s: float


@dataclass(slots=True)
class _Gaps:
    reason: str
    from_ms: int
    to_ms: int
    times: int
    started_s: float


class LossLedger:
    """Missed polls, gaps and lost changes of one group of one device."""

    def __init__(
        self,
        device: str,
        group: str,
        *,
        tell: Callable[[int, bytes], None],
        keep: Callable[[Sequence[LossSpan]], None],
    ) -> None:
        self._device = device
        self._group = group
        self._tell = tell
        self._keep = keep
        self._episode: _Episode | None = None
        self._gaps: _Gaps | None = None
        self._gap_told_s = -inf
        self._lost = 0
        self._lost_since_s, self._lost_since_ms = 0.0, 0
        self.gaps = 0
        """Gaps in the life of the process: spans in which changes may have been missed."""
        self.missed = 0
        """Polls missed in the life of the process."""
        self.lost_changes = 0
        """Changes lost in the life of the process."""

    def miss(self, polls: int, *, reason: str, from_ms: int, to_ms: int) -> None:
        """Count polls that were due in a span of wall-clock time and not made."""
        if polls <= 0:
            return
        self.missed += polls
        episode = self._episode
        if episode is not None and episode.reason != reason:
            self.flush()
            episode = None
        if episode is None:
            self._episode = _Episode(reason, from_ms, to_ms, polls, time.monotonic())
            return
        episode.polls += polls
        episode.to_ms = to_ms
        self.tell_if_due()

    def gap(self, *, reason: str, from_ms: int, to_ms: int) -> None:
        """Note a span in which nobody knows how many changes were missed.

        The first is told at once; those that follow it closely are told as one.
        """
        self.gaps += 1
        now_s = time.monotonic()
        if self._gaps is not None and self._gaps.reason != reason:
            self._tell_gaps()
        if self._gaps is None:
            self._gaps = _Gaps(reason, from_ms, to_ms, 0, now_s)
        self._gaps.times += 1
        self._gaps.from_ms = min(self._gaps.from_ms, from_ms)
        self._gaps.to_ms = max(self._gaps.to_ms, to_ms)
        if self._gap_told_s <= now_s - TELL_EVERY_S:
            self._tell_gaps()

    def lose(self, changes: int) -> None:
        """Count changes that the device, or a full buffer, lost."""
        self.lost_changes += changes
        if not self._lost:
            self._lost_since_s, self._lost_since_ms = time.monotonic(), _now_ms()
        self._lost += changes
        self.tell_if_due()

    def tell_if_due(self) -> None:
        """Tell what was counted long enough ago; cheap, called with every frame."""
        oldest_s = time.monotonic() - TELL_EVERY_S
        episode = self._episode
        if (episode is not None and episode.started_s <= oldest_s) or (
            self._lost and self._lost_since_s <= oldest_s
        ):
            self.flush()
        elif self._gaps is not None and self._gaps.started_s <= oldest_s:
            self._tell_gaps()

    def flush(self) -> None:
        """Tell what was counted and not told yet."""
        now_ms = _now_ms()
        if self._episode is not None:
            episode, self._episode = self._episode, None
            body = event_body(
                "missed",
                t_ms=now_ms,
                d=self._device,
                g=self._group,
                **{"from": episode.from_ms},
                to=episode.to_ms,
                polls=episode.polls,
                reason=episode.reason,
            )
            self._tell(now_ms, body)
            self._note(
                episode.reason, from_ms=episode.from_ms, to_ms=episode.to_ms, amount=episode.polls
            )
        self._tell_gaps()
        if self._lost:
            lost, self._lost = self._lost, 0
            body = event_body("overflow", t_ms=now_ms, d=self._device, g=self._group, values=lost)
            self._tell(now_ms, body)
            self._note(OVERFLOW, from_ms=self._lost_since_ms, to_ms=now_ms, amount=lost)

    def filled(self, *, from_ms: int, to_ms: int, values: int, complete: bool) -> None:
        """Keep what became of a gap that the device's own history was to fill."""
        cause = FILLED if complete else HISTORY_SHORT
        self._note(cause, from_ms=from_ms, to_ms=to_ms, amount=values if complete else 0)

    def _tell_gaps(self) -> None:
        if self._gaps is None:
            return
        gaps, self._gaps = self._gaps, None
        self._gap_told_s = time.monotonic()
        now_ms = _now_ms()
        fields = {"from": gaps.from_ms, "to": gaps.to_ms, "reason": gaps.reason}
        times = {"times": gaps.times} if gaps.times > 1 else {}
        body = event_body(
            "gap", t_ms=now_ms, d=self._device, g=self._group, changes="unknown", **fields, **times
        )
        self._tell(now_ms, body)
        cause = cause_of_gap(gaps.reason)
        self._note(cause, from_ms=gaps.from_ms, to_ms=gaps.to_ms, times=gaps.times)

    def _note(
        self, cause: str, *, from_ms: int, to_ms: int, times: int = 1, amount: int = 0
    ) -> None:
        """Keep a loss in the book that outlives the process, beside the event that tells of it."""
        self._keep([LossSpan(cause, self._device, from_ms, to_ms, times, amount)])


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
