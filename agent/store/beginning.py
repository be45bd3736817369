"""The start of the agent, and the time in which it did not run: a loss like any other."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

from agent.losses.causes import KILLED, STOPPED
from agent.losses.spans import LossSpan
from agent.store.events import event_body
from agent.store.untold import left_open, told_late

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.store.outbox import LessonRow, Telling
    from agent.store.sqlite import Outbox


class Sink(Protocol):
    """What takes the event and the loss."""

    def put_event(self, t_ms: int, body: bytes) -> None:
        """Hand in an event row."""

    def put_losses(self, losses: Sequence[LossSpan]) -> None:
        """Hand in what is missing."""

    def put_told(self, told: Telling) -> None:
        """Hand in losses and the events that tell of them."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """How the run before ended, read before this one changes it."""

    clean: bool
    """Whether it ended in order; True for a new store."""
    last_ms: int
    """Wall clock of its last commit; 0 for a new store."""
    untold: tuple[LessonRow, ...] = ()
    """Losses it was counting when it was killed; none where it ended in order."""

    @classmethod
    def of(cls, outbox: Outbox) -> Self:
        """Read it from a store that was just opened."""
        untold = tuple(left_open(outbox.lessons()))
        return cls(outbox.opened_clean, outbox.totals.last_ms, untold)

    def tell(self, sink: Sink, *, version: str) -> None:
        """Tell of the start, and keep the time since the last commit as lost.

        Where the run before did not end in order, that span also stands for what it had collected
        and not committed: at most one commit interval. Losses it had counted before that and not
        told are told now.
        """
        now_ms = time.time_ns() // 1_000_000
        for lesson in self.untold:
            sink.put_told(told_late(lesson, last_ms=self.last_ms, now_ms=now_ms))
        last = {"last": self.last_ms} if self.last_ms else {}
        body = event_body("start", t_ms=now_ms, clean=self.clean, version=version, **last)
        sink.put_event(now_ms, body)
        if self.last_ms:
            cause = STOPPED if self.clean else KILLED
            sink.put_losses([LossSpan(cause, "", min(self.last_ms, now_ms), now_ms)])
