"""The store's counters as others see them: one picture for each commit, and the law at any instant.

The store's thread makes a picture after each commit, whole and in one step; the event loop reads
it whenever it likes. Between two commits values are on their way: they were produced and are not
stored. So in values `produced = acked + rejected + dropped + waiting + on their way` holds at every
instant. What was produced is counted where frames come in, not derived from what was stored: an
encoder that loses a value breaks the law.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from agent.telemetry.status import Count, StoreStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.losses.spans import LossBook, LossSpan
    from agent.store.intake import Intake
    from agent.store.outbox import Committed
    from agent.store.share import ShareSeen
    from agent.store.sqlite import Outbox
    from agent.store.totals import Totals
    from agent.telemetry.status import Message


class _Picture(NamedTuple):
    totals: Totals
    causes: Mapping[str, Count]
    losses: LossBook
    values_done: int
    """Values that came in through the intake and are committed."""
    brought_values: int
    """Values stored since the start that came otherwise: salvaged, or known only to be lost."""
    shares: Mapping[int, ShareSeen]
    """Several destinations by number; empty where there is one."""


class Account:
    """What the status says of one open store."""

    def __init__(self, outbox: Outbox, intake: Intake) -> None:
        self._outbox = outbox
        self._intake = intake
        self._opened_values = outbox.totals.stored.values
        self._picture = _Picture(outbox.totals, dict(outbox.causes), outbox.losses, 0, 0, {})
        self.joined()
        self._spans: tuple[LossBook, tuple[LossSpan, ...]] = (outbox.losses, outbox.losses.spans)

    @property
    def totals(self) -> Totals:
        """The counters of the last commit."""
        return self._picture.totals

    def alone(self, done: Committed) -> bool:
        """Tell whether the new rows of the last commit are all that waits (the thread)."""
        return bool(done.rows) and not done.gone and self.totals.waiting.rows == len(done.rows)

    def committed(self, done: Committed) -> None:
        """Take the picture after a commit (the thread)."""
        last, totals = self._picture, self._outbox.totals
        through = sum(row.values for row in done.rows)
        brought = totals.stored.values - last.totals.stored.values - through
        self._picture = _Picture(
            totals,
            dict(self._outbox.causes),
            self._outbox.losses,
            self._intake.values_done,
            last.brought_values + brought,
            self._shares(),
        )

    def joined(self) -> None:
        """Take note of destinations that have come or gone, beside a commit."""
        self._picture = self._picture._replace(
            totals=self._outbox.totals,
            causes=dict(self._outbox.causes),
            losses=self._outbox.losses,
            shares=self._shares(),
        )

    def _shares(self) -> Mapping[int, ShareSeen]:
        seen = self._outbox.seen
        return {} if seen is None else seen[1]

    def status(
        self, *, oldest_ms: int | None, commits: int, problem: Message | None, number: int = 0
    ) -> StoreStatus:
        """Give the counters as of now; every one is from the same commit (the loop).

        `number`: of one of several destinations instead of the store's own.
        """
        picture, came_in = self._picture, self._intake.values_in
        totals, outbox = picture.totals, self._outbox
        status = StoreStatus(
            outbox.epoch,
            totals.stored,
            totals.acked,
            totals.rejected,
            totals.dropped,
            totals.waiting,
            totals.waiting_bytes,
            outbox.limit_bytes,
            oldest_ms,
            self._intake.pending_frames,
            commits,
            problem,
            picture.causes,
            outbox.notice,
            produced_values=self._opened_values + picture.brought_values + came_in,
            intake_values=came_in - picture.values_done,
            losses=self._shown(picture.losses),
        )
        share = picture.shares.get(number)
        return status if share is None else _of_share(status, share)

    def _shown(self, book: LossBook) -> tuple[LossSpan, ...]:
        """Give the spans in order; sorted only when one has come."""
        if self._spans[0] is not book:
            self._spans = (book, book.spans)
        return self._spans[1]


def _of_share(status: StoreStatus, share: ShareSeen) -> StoreStatus:
    """Put the counters of one destination in the place of the store's own.

    Its rows wait by its place, its values by its counters: the law between the two can break.
    """
    before, acked, rejected, dropped = share.counts
    produced = status.produced_values
    return replace(
        status,
        stored=status.stored - before,
        acked=acked,
        rejected=rejected,
        dropped=dropped,
        waiting=Count(share.waiting_rows, share.counts.waiting(status.stored).values),
        causes=share.causes,
        produced_values=None if produced is None else produced - before.values,
    )
