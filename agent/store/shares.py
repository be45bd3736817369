"""Several destinations of one store: what each has settled, and a law of its own for each.

There only where more than one destination is configured. A row waits in the store until every
destination that must have it has settled it; then it is kept as long as there is room, and until
then a best-effort destination may still fetch it. For each destination, since it was added:
stored = acked + rejected + dropped + waiting. All of it is part of the caller's transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from agent.losses.causes import BEHIND, CORRUPT, REJECTED
from agent.store.aside import keep_aside
from agent.store.events import REJECTION_MARK, drop_body, rejection_body
from agent.store.outbox import Kind
from agent.store.ranges import Ranges
from agent.store.share import read_shares
from agent.telemetry.status import Count

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from agent.store.books import Books
    from agent.store.outbox import Range, Rejection
    from agent.store.share import Saved, Share, ShareSeen

_SUM = "SELECT count(*), CAST(total(n) AS INTEGER) FROM rows WHERE seq BETWEEN ? AND ?"


_TIMES: Final = (
    "SELECT CAST(coalesce(min(t_ms), 0) AS INTEGER), CAST(coalesce(max(t_ms), 0) AS INTEGER) "
    "FROM rows WHERE seq BETWEEN ? AND ?"
)
_Saved: TypeAlias = "tuple[Saved, ...]"


class Shares:
    """Every destination's share; `names` says which there are and which must have every row."""

    def __init__(self, connection: sqlite3.Connection, names: Sequence[tuple[str, bool]]) -> None:
        self._db = connection
        known = read_shares(connection)
        self.shares: dict[int, Share] = {}
        """By number."""
        for name, must in names:
            if name in known:
                known[name].must = must
                self.shares[known[name].number] = known[name]
        self.refused = Ranges(
            (seq, seq) for (seq,) in connection.execute("SELECT seq FROM rejected")
        )
        """Rows that somebody refuses, for the store's own law."""

    def by_name(self, name: str) -> Share:
        """Give a destination's share."""
        return next(share for share in self.shares.values() if share.name == name)

    def saved_state(self) -> _Saved:
        """Give what is in memory, to go back to."""
        return tuple(share.saved_state() for share in self.shares.values())

    def restore(self, state: _Saved) -> None:
        """Go back to what was."""
        for share, saved in zip(self.shares.values(), state, strict=True):
            share.restore(saved)

    def seen(self, last_seq: int) -> dict[int, ShareSeen]:
        """Give what others may see of each, by number."""
        return {number: share.seen(last_seq) for number, share in self.shares.items()}

    # -- rows that leave for one destination -----------------------------------------------------

    def acknowledge(self, books: Books, acked: Iterable[tuple[int, Range]]) -> None:
        """Settle rows for those that accepted them, and for the store where all have."""
        for number, (first, last) in acked:
            share = self.shares[number]
            share.heard = True
            for part in share.settled.outside(first, min(last, books.totals.last_seq)):
                count = self.count(part)
                share.counts = share.counts._replace(acked=share.counts.acked + count)
                share.settled.add(*part)
                self.leave(books, part)

    def reject(self, books: Books, rejected: Iterable[tuple[int, Rejection]]) -> tuple[Range, ...]:
        """Set aside copies of what a destination refuses for good, and announce it."""
        told: list[Range] = []
        for number, rejection in rejected:
            share, seq = self.shares[number], rejection.seq
            found = self._db.execute(
                "SELECT kind, t_ms, n, body FROM rows WHERE seq = ?", (seq,)
            ).fetchone()
            if seq in share.settled or found is None:
                continue
            kind, _, values, body = found
            keep_aside(self._db, (seq, *found[:3], rejection.reason, rejection.code, body))
            count = Count(1, values)
            share.counts = share.counts._replace(rejected=share.counts.rejected + count)
            share.settled.add(seq, seq)
            self.refused.add(seq, seq)
            self.leave(books, (seq, seq))
            if kind == Kind.EVENT and REJECTION_MARK in body:
                continue  # as for a single destination: announcing this could go on for ever
            (n, _), epoch = books.lives.numbers(seq, seq)
            now_ms = books.totals.last_ms
            told.append(
                books.tell(
                    rejection_body(
                        rejection, n, values=values, t_ms=now_ms, epoch=epoch, dest=share.name
                    )
                )
            )
        return tuple(told)

    def leave(self, books: Books, part: Range) -> None:
        """Have the store done with rows that every destination that must have them has settled."""
        parts = [part]
        for share in self.shares.values():
            if share.must:
                parts = [inner for outer in parts for inner in share.settled.inside(*outer)]
        for first, last in parts:
            new = books.position.settled.outside(first, last)
            books.acknowledge(new)
            for refused in (inner for outer in new for inner in self.refused.inside(*outer)):
                totals, count = books.totals, self.count(refused)
                books.note_loss(REJECTED, count)
                books.totals = totals._replace(
                    acked=totals.acked - count, rejected=totals.rejected + count
                )

    # -- rows that go for all --------------------------------------------------------------------

    def going(self, books: Books, gone: Range, *, cause: str) -> None:
        """Count rows that are about to be deleted.

        But for `BEHIND` the store has not done with them, and announces it to everybody.
        """
        for share in self.shares.values():
            for part in share.settled.outside(*gone):
                count = self.count(part)
                share.settled.add(*part)
                if not count.rows:
                    continue
                share.drop(cause, count)
                if cause == BEHIND:
                    self._note_lost(books, share, part, count)

    def damaged(self, books: Books, seqs: Iterable[int]) -> None:
        """Give up rows that cannot be read: those the store has done with are told one by one."""
        for seq in seqs:
            for share in self.shares.values():
                if seq in share.settled:
                    continue
                share.settled.add(seq, seq)
                apart = seq in books.position.settled
                share.drop(BEHIND if apart else CORRUPT, Count(1))
                if apart:
                    self._note_lost(books, share, (seq, seq), Count(1))

    def owed(self, seq: int) -> None:
        """Have a row that was brought over sent to everybody."""
        for share in self.shares.values():
            share.settled.remove(seq, seq)

    def lost(self, cause: str, count: Count) -> None:
        """Count rows that were stored, and are known only to be gone."""
        for share in self.shares.values():
            share.drop(cause, count)

    def announce(self, books: Books) -> tuple[Range, ...]:
        """Tell destinations that are there again what was dropped for them meanwhile."""
        told = []
        for share in self.shares.values():
            if share.heard and share.lost is not None:
                told.append(self._tell(books, share))
            share.heard = False
        return tuple(told)

    def _note_lost(self, books: Books, share: Share, part: Range, count: Count) -> None:
        books.note_loss(BEHIND, count, self._db.execute(_TIMES, part).fetchone())
        if share.lost is not None and books.lives.of(share.lost[0]) != books.lives.of(part[0]):
            self._tell(books, share)
        if share.lost is None:
            share.lost = (*part, count)
        else:
            first, last, known = share.lost
            share.lost = (min(first, part[0]), max(last, part[1]), known + count)

    def _tell(self, books: Books, share: Share) -> Range:
        assert share.lost is not None, share.name  # noqa: S101 - asked by the callers
        first, last, count = share.lost
        share.lost = None
        numbers, epoch = books.lives.numbers(first, last)
        body = drop_body(
            BEHIND, numbers, count, t_ms=books.totals.last_ms, epoch=epoch, dest=share.name
        )
        return books.tell(body)

    def count(self, part: Range) -> Count:
        """Count the rows of a range that are there."""
        return Count(*self._db.execute(_SUM, part).fetchone())

    # -- the end of a transaction ----------------------------------------------------------------

    def write(self, books: Books) -> None:
        """Write counters and positions.

        What a damaged row claimed to hold and did not is dropped once nothing waits.
        """
        stored, last_seq = books.totals.stored, books.totals.last_seq
        for share in self.shares.values():
            left = share.counts.waiting(stored)
            if left.values and not left.rows and not share.waiting_rows(last_seq):
                share.drop(CORRUPT, left)
            share.write(self._db)
