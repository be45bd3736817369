"""One episode of dropping: a run of drops for one reason that nobody was told of yet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from agent.telemetry.status import Count

if TYPE_CHECKING:
    from agent.store.outbox import Life, Range


@dataclass(frozen=True, slots=True)
class DropEpisode:
    """The dropped range and its counts; its event row grows until the publisher reads it."""

    seq: int
    """Seq of the event row that announces it."""
    reason: str
    gone: Range
    """First and last seq; all of one life."""
    count: Count
    life: Life | None = None
    body_bytes: int = 0

    def grown(self, gone: Range, count: Count) -> Self:
        """Give the episode with a later range added."""
        return replace(
            self,
            gone=(min(self.gone[0], gone[0]), max(self.gone[1], gone[1])),
            count=Count(self.count.rows + count.rows, self.count.values + count.values),
        )
