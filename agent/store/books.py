"""The books of an open store: rows in, rows out, and the counters that must agree with them.

Every method is a part of a transaction that its caller has begun. `saved_state` and `restore` take
the part in memory back when the transaction fails; `write` ends it.
"""

from __future__ import annotations

import time
from dataclasses import astuple
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from agent.losses.causes import CORRUPT, REJECTED, ROW_CAUSES
from agent.losses.spans import LossSpan, totals_by_cause
from agent.store.aside import keep_aside
from agent.store.checksum import columns, row_crc
from agent.store.events import REJECTION_MARK, drop_body, rejection_body
from agent.store.lives import Lives
from agent.store.losses import read_losses, write_losses
from agent.store.outbox import Kind, NewRow, Row
from agent.store.positions import Position
from agent.store.ranges import Ranges
from agent.store.totals import ROW_OVERHEAD_BYTES, Totals, read_totals, write_totals
from agent.telemetry.status import Count

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from agent.losses.spans import LossBook
    from agent.store.checksum import NewColumns
    from agent.store.drops import DropEpisode
    from agent.store.outbox import Range, Rejection
    from agent.store.shares import Shares

_SUMS = (
    "SELECT CAST(total(n) AS INTEGER), coalesce(sum(length(body)), 0), count(*) "
    "FROM rows WHERE seq BETWEEN ? AND ?"
)
_ENDS = "SELECT (SELECT min(seq) FROM rows), (SELECT max(seq) FROM rows)"  # each is looked up


class SavedState(NamedTuple):
    """What of the books is in memory."""

    totals: Totals
    settled: Ranges
    kept: Ranges
    causes: dict[str, Count]
    episode: DropEpisode | None
    losses: LossBook
    shares: Any = None


class Books:
    """The rows and their counters."""

    def __init__(self, connection: sqlite3.Connection, *, epoch: str, base: int) -> None:
        self.db = connection
        self.lives = Lives(connection, epoch=epoch, base=base)
        self.mv = 0
        """Version of the meta message, stamped on new rows."""
        self.totals = read_totals(connection)
        self.position = Position(connection, settled_to=self.totals.settled_to)
        self.causes: dict[str, Count] = {
            cause: Count(rows, values)
            for cause, rows, values in connection.execute("SELECT * FROM causes")
        }
        """What was dropped, by cause."""
        self.episode: DropEpisode | None = None
        self.none_below: dict[tuple[Kind, ...], int] = {}
        """No row of such kinds waits below a seq; where it is not known, nothing."""
        self.shares: Shares | None = None
        """What each of several destinations has settled; None where there is but one."""
        self.losses = read_losses(connection)
        """What is missing, by cause and device."""
        first, last = connection.execute(_ENDS).fetchone()
        self.kept = Ranges(self.position.settled.inside(first, last) if first is not None else ())
        """Settled rows that are still there."""

    def read_lives(self, epoch: str, base: int) -> None:
        """Take note of a new life."""
        self.lives = Lives(self.db, epoch=epoch, base=base)

    def saved_state(self) -> SavedState:
        """Give what is in memory, to go back to."""
        return SavedState(
            self.totals,
            self.position.settled.copy(),
            self.kept.copy(),
            dict(self.causes),
            self.episode,
            self.losses,
            self.shares and (self.shares, self.shares.saved_state()),
        )

    def restore(self, state: SavedState) -> None:
        """Go back to what was; the transaction is rolled back."""
        self.totals, self.position.settled, self.kept, self.causes, self.episode = state[:5]
        self.losses, self.none_below = state.losses, {}
        self.shares, saved = state.shares or (None, ())
        if self.shares is not None:
            self.shares.restore(saved)

    def waiting(self) -> list[Range]:
        """Give the seqs that wait; every one of them is a row."""
        return self.position.waiting(self.totals.last_seq)

    # -- rows in ---------------------------------------------------------------------------------

    def insert(self, new: Sequence[NewRow]) -> tuple[Row, ...]:
        """Give new rows their numbers and store them."""
        if not new:
            return ()
        seq, up_s, mv = self.totals.last_seq, self.totals.uptime_s, self.mv
        life = self.lives.of(seq + 1)
        rows = tuple(
            Row(seq + i, kind, mv, t_ms, values, body, life)
            for i, (kind, t_ms, values, body) in enumerate(new, start=1)
        )
        self.put([columns(row, up_s) for row in rows])
        sizes = [(r.values, len(r.body)) for r in rows]
        self.totals = self.totals.entered(sizes, last_seq=rows[-1].seq)
        return rows

    def put(self, rows: Iterable[NewColumns]) -> None:
        """Write rows that have their number and their checksum."""
        self.db.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def tell(self, body: bytes) -> Range:
        """Store an event of the store itself; give its seq as a range."""
        (row,) = self.insert([NewRow(Kind.EVENT, now_ms(), 0, body)])
        return row.seq, row.seq

    def rewrite(self, seq: int, body: bytes) -> None:
        """Give an event that nobody has read another body."""
        kind, mv, t_ms, up_s, values = self.db.execute(
            "SELECT kind, mv, t_ms, up_s, n FROM rows WHERE seq = ?", (seq,)
        ).fetchone()
        crc = row_crc(seq, kind, mv, t_ms, up_s, values, body)
        self.db.execute("UPDATE rows SET body = ?, crc = ? WHERE seq = ?", (body, crc, seq))

    # -- rows out --------------------------------------------------------------------------------

    def acknowledge(self, ranges: Iterable[Range]) -> None:
        """Settle rows that the destination has accepted; they are kept for replay."""
        for first, last in ranges:
            for part in self.position.settled.outside(first, min(last, self.totals.last_seq)):
                found = self.db.execute(_SUMS, part).fetchone()
                there = int(found[2])
                values, size = self.totals.bounded(found[0], found[1] + ROW_OVERHEAD_BYTES * there)
                count = Count(part[1] - part[0] + 1, values)
                self.totals = self.totals.left(count, size, to="acked").kept(size)
                self.position.settled.add(*part)
                self.kept.add(*part)
        self.heal()

    def reject(self, rejections: Sequence[Rejection]) -> tuple[Range, ...]:
        """Set aside what the destination refuses for good, and announce it."""
        announced: list[Range] = []
        for rejection in rejections:
            found = self._take(rejection.seq, rejection.reason, rejection.code)
            if found is None:
                continue
            kind, values, size, body = found
            self.totals = self.totals.left(Count(1, values), size, to="rejected")
            self.note_loss(REJECTED, Count(1, values))
            if kind == Kind.EVENT and REJECTION_MARK in body:
                continue  # announcing a refused announcement could go on for ever
            (number, _), epoch = self.lives.numbers(rejection.seq, rejection.seq)
            told = rejection_body(rejection, number, values=values, t_ms=now_ms(), epoch=epoch)
            announced.append(self.tell(told))
        return tuple(announced)

    def set_aside(self, damaged: Iterable[int]) -> tuple[Range, ...]:
        """Drop rows whose checksum is false, or that are not there, and announce them."""
        told: list[Range] = []
        whole = [
            part
            for _, seqs in groupby(sorted(damaged), key=self.lives.of)
            for part in Ranges((seq, seq) for seq in seqs)
        ]
        for first, last in whole:
            gone = Count()
            for seq in range(first, last + 1):
                if seq in self.position.settled:
                    continue
                found = self._take(seq, CORRUPT, 0)
                _, values, size, _ = found or (0, 0, 0, b"")
                values, size = self.totals.bounded(values, size)
                self.dropped(CORRUPT, Count(1, values), size)
                self.position.settled.add(seq, seq)
                gone += Count(1, values)
            if gone.rows:
                told.append(self.announce(CORRUPT, (first, last), gone))
        if told:
            self._recount()
        return tuple(told)

    def announce(self, cause: str, gone: Range, count: Count) -> Range:
        """Tell of rows that will never be sent."""
        numbers, epoch = self.lives.numbers(*gone)
        return self.tell(drop_body(cause, numbers, count, t_ms=now_ms(), epoch=epoch))

    def note_loss(self, cause: str, count: Count, span_ms: Range | None = None) -> None:
        """Enter rows that are lost into the book of losses, under their times or as of now."""
        first, last = span_ms or (now_ms(),) * 2
        self.losses = self.losses.noted([LossSpan(cause, "", first, last, *astuple(count))])

    def dropped(self, cause: str, count: Count, size: int, span_ms: Range | None = None) -> None:
        """Count rows out as dropped."""
        if count != Count():
            self.note_loss(cause, count, span_ms)
        self.totals = self.totals.left(count, size, to="dropped")
        self.causes[cause] = self.causes.get(cause, Count()) + count

    def lost(self, cause: str, count: Count) -> None:
        """Count rows that were stored, and are known only to be gone."""
        if self.shares is not None:
            self.shares.lost(cause, count)
        self.note_loss(cause, count)
        self._lost(cause, count)

    def _lost(self, cause: str, count: Count) -> None:
        self.totals = self.totals.passed(count, to="dropped")
        self.causes[cause] = self.causes.get(cause, Count()) + count

    def inherit(self, losses: Sequence[LossSpan]) -> None:
        """Take over what a file before had lost; its rows count as stored and lost here too."""
        self.losses = self.losses.noted(sorted(losses, key=attrgetter("from_ms")))
        for cause, both in totals_by_cause(losses).items():
            if cause == REJECTED:
                self.totals = self.totals.passed(Count(*both), to="rejected")
            elif cause in ROW_CAUSES:
                self._lost(cause, Count(*both))

    def _recount(self) -> None:
        """Count what waits anew: what a damaged row says of itself cannot be believed."""
        values = size = 0
        for part in self.waiting():
            found = self.db.execute(_SUMS, part).fetchone()
            values += found[0]
            size += found[1] + ROW_OVERHEAD_BYTES * found[2]
        waiting = self.totals.waiting
        self.dropped(CORRUPT, Count(0, waiting.values - values), self.totals.waiting_bytes - size)

    def heal(self) -> None:
        """When no row waits, drop what damaged columns left in the books."""
        left = self.totals.waiting
        healed = self.totals.healed()
        if healed is not self.totals:
            self.totals = healed
            self.causes[CORRUPT] = self.causes.get(CORRUPT, Count()) + left
            self.note_loss(CORRUPT, left)

    def _take(self, seq: int, reason: str, code: int) -> tuple[int, int, int, bytes] | None:
        """Move a waiting row aside; give kind, values, bytes and body; None if it is not there."""
        if seq in self.position.settled or seq > self.totals.last_seq:
            return None
        found = self.db.execute(
            "DELETE FROM rows WHERE seq = ? RETURNING CAST(coalesce(kind, 0) AS INTEGER), "
            "CAST(coalesce(t_ms, 0) AS INTEGER), "
            "CAST(coalesce(n, 0) AS INTEGER), CAST(coalesce(body, '') AS BLOB)",
            (seq,),
        ).fetchall()
        if not found:
            return None
        kind, t_ms, values, body = found[0]
        self.position.settled.add(seq, seq)
        keep_aside(self.db, (seq, kind, t_ms, values, reason, code, body))
        return kind, values, len(body) + ROW_OVERHEAD_BYTES, body

    # -- the end of a transaction ----------------------------------------------------------------

    def write(self, before: SavedState) -> frozenset[Range]:
        """Write counters, causes and positions; give the positions as they are written."""
        if self.causes != before.causes:
            self.db.executemany(
                "INSERT OR REPLACE INTO causes VALUES (?, ?, ?)",
                [(cause, count.rows, count.values) for cause, count in self.causes.items()],
            )
        if self.losses is not before.losses:
            write_losses(self.db, before.losses, self.losses)
        self.totals = self.totals._replace(settled_to=self.position.settled_to)
        write_totals(self.db, self.totals)
        if self.shares is not None:
            self.shares.write(self)
        return self.position.write(self.db)

    def oldest(self) -> int:
        """Give the lowest seq that waits; one more than the last when none does."""
        return min(self.position.settled_to, self.totals.last_seq) + 1


def now_ms() -> int:
    """Give the wall clock."""
    return time.time_ns() // 1_000_000
