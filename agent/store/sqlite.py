"""The outbox in SQLite: WAL, synchronous FULL, one connection, prepared statements.

Used by exactly one thread of one process (`agent.store.writer`). One call of `commit` is one
transaction: new rows, acknowledgements, rejections, drops, counters and evidence, or nothing.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Self

from agent.store.file import salvage_notice
from agent.store.joining import join
from agent.store.notes import read_evidence, read_lessons, write_evidence, write_lessons
from agent.store.opening import opened
from agent.store.outbox import Batch, Committed, Place
from agent.store.positions import LOWEST_SEQ
from agent.store.salvage import Brought, bring_over
from agent.store.session import Session
from agent.store.shortage import batch_bytes, fits, make_room

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agent.config.model import Store
    from agent.losses.spans import LossBook
    from agent.store.outbox import EvidenceRow, LessonRow, Range, Row
    from agent.telemetry.status import Count, Message


class Outbox(Session):
    """The open store; see `agent.store.outbox` for what it promises."""

    @classmethod
    def open(cls, settings: Store) -> Self:
        """Open or create the file, take its lock, bring its schema up to date.

        A file that is damaged or too new is set aside, and a fresh one is used.

        Raises:
            StoreLocked: another process has it open.
            StoreError: the disk refuses it, or it is the database of another program.
        """
        return cls(settings, opened(settings))

    def close(self, *, clean: bool) -> None:
        """Close the file; the lock goes with it. `clean` is told at the next start."""
        if clean and not self._dead:
            self._identity.close_clean()
        if self._salvage is not None:
            self._salvage.close(finished=False)
        self._db.close()
        self._mark.close()
        os.close(self._lock_fd)

    # -- what is known ---------------------------------------------------------------------------

    @property
    def causes(self) -> Mapping[str, Count]:
        """What was dropped, by cause."""
        return self._books.causes

    @property
    def losses(self) -> LossBook:
        """What is missing, by cause and device."""
        return self._books.losses

    @property
    def limit_bytes(self) -> int:
        """Most bytes of rows, waiting and kept."""
        return self._limits.bytes

    @property
    def waiting_range(self) -> Range | None:
        """Lowest and highest seq that wait; None when nothing does."""
        ranges = self._books.waiting()
        return (ranges[0][0], ranges[-1][1]) if ranges else None

    @property
    def has_findings(self) -> bool:
        """Whether damaged rows wait to be set aside by the next commit."""
        return bool(self._damaged)

    @property
    def can_relieve(self) -> bool:
        """Whether the disk is full, and acknowledgements can be noted all the same."""
        return self._room.short and not self._dead

    @property
    def salvaging(self) -> Message | None:
        """Tell, while a file that was set aside is read, how far that is; None when none is."""
        return None if self._salvage is None else salvage_notice(self._salvage.share)

    def oldest_t_ms(self) -> int | None:
        """Tell the time of the oldest waiting row; None when nothing waits."""
        found = self._db.execute("SELECT t_ms FROM rows WHERE seq = ?", (self._books.oldest(),))
        row = found.fetchone()
        return None if row is None else int(row[0])

    def evidence(self) -> list[EvidenceRow]:
        """Read every device's days."""
        return read_evidence(self._db)

    def lessons(self) -> list[LessonRow]:
        """Read what was learned of devices."""
        return read_lessons(self._db)

    def meta_version(self, digest: str) -> int:
        """Give the version of a meta message, and stamp it on new rows; it rises when it changes.

        Called before the first commit.
        """
        self._books.mv = self._identity.meta_version(digest)
        return self._books.mv

    def serve(self, names: Sequence[tuple[str, bool]]) -> None:
        """Say which destinations there are, and whether each must have every row.

        Without it there is one. Nothing may be under way to those whose number changes: that is
        all of them where one becomes several, or several become one.

        Raises:
            sqlite3.OperationalError: the disk refuses it now; the destinations are as before.
        """
        if self._dead or self._doubt is not None:
            raise self._refusal

        def attach() -> Committed:
            self._books.shares = join(self._books, names)
            return Committed((), (), ())

        self._transact(attach)
        self._served = names if self._books.shares is not None else ()
        self._look()

    def places(self, names: Iterable[str]) -> dict[str, Place]:
        """Tell where the destinations that are served stand, by name."""
        shares, last_seq = self._books.shares, self.totals.last_seq
        if shares is None:
            return {name: Place(0, self.waiting_range, last_seq) for name in names}
        found = {}
        for share in (shares.by_name(name) for name in names):
            ranges = share.settled.outside(LOWEST_SEQ, last_seq)
            waiting = (ranges[0][0], ranges[-1][1]) if ranges else None
            found[share.name] = Place(share.number, waiting, last_seq)
        return found

    # -- reading ---------------------------------------------------------------------------------

    def read(self, first: int, last: int, *, max_bytes: int) -> list[Row]:
        """Read waiting rows of a range in order, at least one, up to about `max_bytes`.

        Raises:
            sqlite3.OperationalError: the disk does not give them now.
            StoreDamaged: the file cannot be gone on with.
        """
        books = self._books
        ranges = books.position.settled.outside(first, min(last, books.totals.last_seq))
        rows = self._waiting_rows(ranges, max_bytes=max_bytes)
        if books.episode and rows and rows[0].seq <= books.episode.seq <= rows[-1].seq:
            books.episode = None
        return rows

    def read_for(self, number: int, first: int, last: int, *, max_bytes: int) -> list[Row]:
        """Read rows that wait for one of several destinations; raises as `read` does."""
        shares = self._books.shares
        if shares is None:
            return self.read(first, last, max_bytes=max_bytes)
        settled = shares.shares[number].settled
        ranges = settled.outside(first, min(last, self.totals.last_seq))
        self._books.episode = None  # it may be read now: the next drop begins another
        return self._waiting_rows(ranges, max_bytes=max_bytes)

    def replay(self, first: int, last: int, *, max_bytes: int) -> list[Row]:
        """Read acknowledged rows of a range that are still there; raises as `read` does."""
        return self._rows(self._books.kept.inside(first, last), max_bytes=max_bytes).rows

    def read_any(self, first: int, last: int, *, max_bytes: int) -> list[Row]:
        """Read whatever rows of a range are there, sent or not; raises as `read` does."""
        books = self._books
        waiting = books.position.settled.outside(first, min(last, books.totals.last_seq))
        there = sorted((*books.kept.inside(first, last), *waiting))
        return self._rows(there, max_bytes=max_bytes).rows

    # -- writing ---------------------------------------------------------------------------------

    def commit(self, batch: Batch) -> Committed:
        """Do a whole batch in one synced transaction.

        Raises:
            sqlite3.OperationalError: nothing of it is to be relied on; the same batch, and no
                other, is to be tried again.
            StoreDamaged: the file cannot be gone on with.
        """
        if self._dead:
            landed = self._revive()
            if landed is not None:
                return landed
        if self._room.short and not fits(self._db, self._room, batch_bytes(batch)):
            raise self._refusal
        done = self._transact(lambda: self._do(batch), whole=True)
        if self._room.short and self._room.keep_ballast():
            self._room.short = False
        return done

    def relieve(self, batch: Batch) -> Committed:
        """On a full disk, do what needs no room, and make room for the batch inside the file.

        Acknowledgements leave the batch. Kept rows go; waiting ones only where it is this store
        that fills the disk or has reached its own bound.
        """
        if not self.can_relieve:
            return Committed((), (), ())
        done = self._transact(
            lambda: make_room(self._books, batch, room=self._room, limits=self._limits)
        )
        batch.acked.clear()
        batch.acked_by.clear()
        return done

    def salvage_step(self) -> Committed:
        """Bring a part of what was set aside over; nothing where nothing is to be."""
        if self._salvage is None or self._dead or self._room.short:
            return Committed((), (), ())
        salvage, brought = self._salvage, list[Brought]()

        def bring() -> Committed:
            brought.append(bring_over(self._books, self._identity, salvage))
            gone, told = self._limits.enforce(self._books)
            return Committed((), brought[0].announced + told, gone)

        done = self._transact(bring)
        salvage.advance(brought[0].progress)
        if brought[0].finished:
            salvage.close(finished=True)
            self._salvage = None
        return done

    def _do(self, batch: Batch) -> Committed:
        books = self._books
        newest = books.totals.last_seq
        books.acknowledge([r for r in batch.acked if r[1] <= newest])
        self._limits.make_room(books, batch_bytes(batch))
        rows = books.insert(batch.rows)
        books.acknowledge([r for r in batch.acked if r[1] > newest])
        announced = books.reject(batch.rejected)
        if books.shares is not None:
            books.shares.acknowledge(books, batch.acked_by)
            announced += books.shares.reject(books, batch.rejected_by)
            books.shares.damaged(books, self._damaged)
            announced += books.shares.announce(books)
        announced += books.set_aside(self._damaged)
        gone, drop_event = self._limits.enforce(books)
        if batch.evidence:
            write_evidence(self._db, batch.evidence)
        if batch.lessons:
            write_lessons(self._db, batch.lessons)
        books.losses = books.losses.noted(batch.losses)
        return Committed(rows, announced + drop_event, gone)
