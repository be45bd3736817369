"""What one group did not collect, counted by cause and told as events: no loss is silent.

Counts are gathered per episode and told when its cause changes or the device comes back, at the
latest `TELL_EVERY_S` after its first loss.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.store.events import event_body

if TYPE_CHECKING:
    from collections.abc import Callable

TELL_EVERY_S = 60.0
"""A lasting episode is told this often."""


@dataclass(slots=True)
class _Episode:
    reason: str
    from_ms: int
    to_ms: int
    polls: int
    started_s: float


class LossLedger:
    """Missed polls and lost changes of one group of one device."""

    def __init__(self, device: str, group: str, *, tell: Callable[[int, bytes], None]) -> None:
        self._device = device
        self._group = group
        self._tell = tell
        self._episode: _Episode | None = None
        self._lost = 0
        self._lost_since_s = 0.0
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

    def lose(self, changes: int) -> None:
        """Count changes that the device, or a full buffer, lost."""
        self.lost_changes += changes
        if not self._lost:
            self._lost_since_s = time.monotonic()
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

    def flush(self) -> None:
        """Tell what was counted and not told yet."""
        now_ms = time.time_ns() // 1_000_000
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
        if self._lost:
            lost, self._lost = self._lost, 0
            body = event_body("overflow", t_ms=now_ms, d=self._device, g=self._group, values=lost)
            self._tell(now_ms, body)
