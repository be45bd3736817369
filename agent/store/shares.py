"""Several destinations of one store: what each has settled, and a law of its own for each.

There only where more than one destination is configured. A row waits in the store until every
destination that must have it has settled it; then it is kept as long as there is room, and until
then a best-effort destination may still fetch it. For each destination, since it was added:
stored = acked + rejected + dropped + waiting. All of it is part of the caller's transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from agent.losses.causes import REJECTED
from agent.store.aside import keep_aside
from agent.store.events import REJECTION_MARK, drop_body, rejection_body
from agent.store.outbox import Kind
from agent.store.positions import LOWEST_SEQ
from agent.store.ranges import Ranges
from agent.telemetry.status import Count

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from agent.store.books import Books
    from agent.store.outbox import Range, Rejection

BEHIND: Final = "behind"
"""Cause of a drop for one destination: it was away for longer than rows are kept."""
_COLUMNS = (
    "settled_to, before_rows, before_values, acked_rows, acked_values, "
    "rejected_rows, rejected_values, dropped_rows, dropped_values, "
    "lost_first, lost_last, lost_rows, lost_values"
)
_SET = ", ".join(f"{name} = ?" for name in _COLUMNS.split(", "))
_WRITE = f"UPDATE destinations SET {_SET} WHERE id = ?"  # noqa: S608 - names of ours
_SUM = "SELECT count(*), CAST(total(n) AS INTEGER) FROM rows WHERE seq BETWEEN ? AND ?"


class ShareCounts(NamedTuple):
    """What became of the rows for one destination."""

    before: Count
    """Rows that the store had done with when the destination was added: not its concern."""
    acked: Count
    rejected: Count
    dropped: Count

    def waiting(self, stored: Count) -> Count:
        """Give what is left of all that was stored."""
        return stored - self.before - self.acked - self.rejected - self.dropped


@dataclass(slots=True)
class Share:
    """One destination."""

    number: int
    name: str
    must: bool
    settled: Ranges
    counts: ShareCounts
    lost: tuple[int, int, Count] | None = None
    """Dropped for it and not told yet: first and last seq, and how many."""
    heard: bool = False
    """Whether it has accepted something in this transaction: it is there to be told."""
    written: tuple[Range, ...] = field(default=())


_Lost: TypeAlias = "tuple[int, int, Count] | None"
_Saved: TypeAlias = "tuple[tuple[Ranges, ShareCounts, _Lost, tuple[Range, ...]], ...]"


class Shares:
    """Every destination's share; `names` says which there are and which must have every row."""

    def __init__(self, connection: sqlite3.Connection, names: Sequence[tuple[str, bool]]) -> None:
        self._db = connection
        known = {
            name: rest
            for name, *rest in connection.execute(
                f"SELECT name, id, {_COLUMNS} FROM destinations"  # noqa: S608 - names of ours
            )
        }
        self.shares = {
            known[name][0]: _share(connection, name, must, known[name])
            for name, must in names
            if name in known
        }
        """By number."""
        self.refused = Ranges(
            (seq, seq) for (seq,) in connection.execute("SELECT seq FROM rejected")
        )
        """Rows that somebody refuses, for the store's own law."""

    def by_name(self, name: str) -> Share:
        """Give a destination's share."""
        return next(share for share in self.shares.values() if share.name == name)

    def saved_state(self) -> _Saved:
        """Give what is in memory, to go back to."""
        return tuple(
            (share.settled.copy(), share.counts, share.lost, share.written)
            for share in self.shares.values()
        )

    def restore(self, state: _Saved) -> None:
        """Go back to what was."""
        for share, saved in zip(self.shares.values(), state, strict=True):
            share.settled, share.counts, share.lost, share.written = saved
            share.heard = False

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

    def going(self, books: Books, gone: Range, *, told: bool) -> None:
        """Count rows that are about to be deleted; `told`: the store announces it to everybody."""
        for share in self.shares.values():
            for part in share.settled.outside(*gone):
                count = self.count(part)
                share.settled.add(*part)
                if not count.rows:
                    continue
                share.counts = share.counts._replace(dropped=share.counts.dropped + count)
                if not told:
                    self._note_lost(books, share, part, count)

    def damaged(self, books: Books, seqs: Iterable[int]) -> None:
        """Give up rows that cannot be read: those the store has done with are told one by one."""
        for seq in seqs:
            for share in self.shares.values():
                if seq in share.settled:
                    continue
                share.settled.add(seq, seq)
                share.counts = share.counts._replace(dropped=share.counts.dropped + Count(1))
                if seq in books.position.settled:
                    self._note_lost(books, share, (seq, seq), Count(1))

    def owed(self, seq: int) -> None:
        """Have a row that was brought over sent to everybody."""
        for share in self.shares.values():
            share.settled.remove(seq, seq)

    def lost(self, count: Count) -> None:
        """Count rows that were stored, and are known only to be gone."""
        for share in self.shares.values():
            share.counts = share.counts._replace(dropped=share.counts.dropped + count)

    def announce(self, books: Books) -> tuple[Range, ...]:
        """Tell destinations that are there again what was dropped for them meanwhile."""
        told = []
        for share in self.shares.values():
            if share.heard and share.lost is not None:
                told.append(self._tell(books, share))
            share.heard = False
        return tuple(told)

    def _note_lost(self, books: Books, share: Share, part: Range, count: Count) -> None:
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

    def write(self) -> None:
        """Write counters and positions."""
        for share in self.shares.values():
            (_, settled_to), *beyond = share.settled
            lost: tuple[Any, ...] = (None, None, 0, 0)
            if share.lost is not None:
                lost = (*share.lost[:2], *_flat(share.lost[2]))
            flat = [part for count in share.counts for part in _flat(count)]
            self._db.execute(_WRITE, (settled_to, *flat, *lost, share.number))
            if tuple(beyond) != share.written:
                share.written = tuple(beyond)
                self._db.execute("DELETE FROM positions WHERE destination = ?", (share.number,))
                self._db.executemany(
                    "INSERT INTO positions VALUES (?, ?, ?)",
                    [(share.number, *span) for span in beyond],
                )


def _flat(count: Count) -> tuple[int, int]:
    return count.rows, count.values


def _share(connection: sqlite3.Connection, name: str, must: bool, row: Sequence[int]) -> Share:  # noqa: FBT001 - private, one caller
    number, settled_to, *counts = row
    beyond = connection.execute(
        "SELECT first, last FROM positions WHERE destination = ? ORDER BY first", (number,)
    ).fetchall()
    pairs = [Count(*counts[at : at + 2]) for at in range(0, 8, 2)]
    lost = None if counts[8] is None else (counts[8], counts[9], Count(*counts[10:]))
    return Share(
        number,
        name,
        must,
        Ranges([(LOWEST_SEQ, settled_to), *beyond]),
        ShareCounts(*pairs),
        lost,
        written=tuple(map(tuple, beyond)),
    )
