"""One connection to the store's file, and what keeps it honest when the disk is not.

What the disk refuses is never taken as done: after an error the connection is thrown away, and
what a failed commit has left on the disk is found out before it is tried again.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from typing import TYPE_CHECKING, NoReturn

from agent.store.books import now_ms
from agent.store.file import DAMAGED, PAGE_BYTES
from agent.store.mark import Mark
from agent.store.opening import salvage_under_way, set_up
from agent.store.outbox import StoreDamaged, StoreError
from agent.store.positions import LOWEST_SEQ
from agent.store.reading import read_rows
from agent.store.room import broken, damaged, no_room
from agent.store.shares import Shares

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.config.model import Store
    from agent.store.opening import Opened
    from agent.store.outbox import Committed, Range, Row
    from agent.store.reading import Read
    from agent.store.share import ShareSeen
    from agent.store.totals import Totals
    from agent.telemetry.status import Count, Message

TAIL_ROWS = 64
"""So many of the last rows are looked at again when the disk has failed."""


MOST_MISSING = 2
"""More rows out of reach: not they are damaged but what leads to them, and they can be salvaged."""


class Session:
    """The parts of an open store, and transactions on it."""

    def __init__(self, settings: Store, parts: Opened) -> None:
        self._settings = settings
        self._lock_fd = parts.lock_fd
        self._db, self._identity, self._books = parts.core
        self._mark, self._room, self._limits = parts.mark, parts.room, parts.limits
        self._salvage = parts.salvage
        self.notice: Message | None = parts.notice
        """What became of the store's file, for a person; None when nothing did."""
        self._damaged: set[int] = set()
        self._served: Sequence[tuple[str, bool]] = ()
        self.seen: tuple[Count, dict[int, ShareSeen]] | None = None
        """With several destinations: what was stored, and each one's counters, of one commit."""
        self._dead = False
        self._refusal = sqlite3.OperationalError("the disk takes no data")
        self._doubt: tuple[Totals, Committed] | None = None
        self._opened_s = time.monotonic()
        self._uptime_base_s = self.totals.uptime_s
        self.opened_clean = self._identity.opened_clean
        """Whether the last run ended in order; True for a new store."""
        self._note(sync=True)
        self._room.keep_ballast()

    @property
    def totals(self) -> Totals:
        """The counters of the last commit."""
        return self._books.totals

    @property
    def epoch(self) -> str:
        """Names this life of the store for ever; numbers are unique within it."""
        return self._identity.epoch

    @property
    def base(self) -> int:
        """Where the numbers of the epoch begin among the seqs: number = seq - base."""
        return self._identity.base

    def _rows(self, ranges: list[Range], *, max_bytes: int) -> Read:
        try:
            return read_rows(
                self._books,
                ranges,
                max_bytes=max_bytes,
                unsealed_to=self._identity.unsealed_to,
            )
        except sqlite3.ProgrammingError as error:  # closed, while the disk takes no new one
            raise sqlite3.OperationalError(str(error)) from error
        except sqlite3.DatabaseError as error:
            self._give_up_if_damaged(error)
            raise

    def _waiting_rows(self, ranges: list[Range], *, max_bytes: int) -> list[Row]:
        """Read rows that must be there, and note those that are not sound.

        Raises:
            sqlite3.OperationalError: the disk does not give them now.
            StoreDamaged: so many are out of reach that the tree above them must be damaged.
        """
        read = self._rows(ranges, max_bytes=max_bytes)
        if len(read.missing) > MOST_MISSING:
            self._give_up(f"{len(read.missing)} rows are out of reach")
        self._damaged.update(read.damaged, read.missing)
        return read.rows

    def _transact(self, work: Callable[[], Committed], *, whole: bool = False) -> Committed:
        """Do work in one transaction; `whole`: remember it, should its end be in doubt."""
        books, before = self._books, self._books.saved_state()
        self._doubt = None
        try:
            self._db.execute("BEGIN IMMEDIATE")
            lived_s = time.monotonic() - self._opened_s
            books.totals = books.totals._replace(uptime_s=self._uptime_base_s + lived_s)
            if whole:  # before the first of these nothing tells when the run before ended
                books.totals = books.totals._replace(last_ms=now_ms())
            done = work()
            written = books.write(before)
            self._doubt = (books.totals, done) if whole else None
            self._db.execute("COMMIT")
        except BaseException as error:
            books.restore(before)
            self._undo(error)
            raise
        self._doubt = None
        self._damaged.clear()
        books.position.written(written)
        self._look()
        self._note()
        return done

    def _look(self) -> None:
        """Take the counters of several destinations down, for other threads to see."""
        shares = self._books.shares
        if shares is not None:
            totals = self._books.totals
            self.seen = totals.stored, shares.seen(totals.last_seq)
        else:
            self.seen = None

    def _undo(self, error: BaseException) -> None:
        with contextlib.suppress(sqlite3.Error):
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        if not isinstance(error, sqlite3.Error):
            return
        self._give_up_if_damaged(error)
        if isinstance(error, sqlite3.OperationalError):
            self._refusal = error
        if no_room(error):
            self._doubt = None
            self._room.short = True
            self._room.spend_ballast()
        elif broken(error):
            self._dead = True

    def _revive(self) -> Committed | None:
        """Open the file anew; give what a commit did that failed and has landed all the same."""
        if not (self._room.takes_writes() and os.access(self._settings.path, os.F_OK)):
            raise self._refusal  # a file that is gone may come back; a fresh one would hide that
        mv = self._books.mv
        self._db.close()
        try:
            self._db, self._identity, self._books = set_up(self._settings, self._limits)
        except StoreDamaged as error:
            self._note(damaged=True)
            raise error from None
        except StoreError as error:
            raise sqlite3.OperationalError(str(error)) from error
        self._books.mv = mv
        if self._served:
            self._books.shares = Shares(self._db, self._served)
        if self._salvage is not None:
            self._salvage.close(finished=False)
            self._salvage = salvage_under_way(self._settings.path, self._identity)
        self._opened_s, self._uptime_base_s = time.monotonic(), self.totals.uptime_s
        self._write_anew()
        self._refuse_older()
        last = self.totals.last_seq
        tail = self._books.position.settled.outside(max(LOWEST_SEQ, last - TAIL_ROWS), last)
        self._waiting_rows(tail, max_bytes=PAGE_BYTES * TAIL_ROWS)
        doubt, landed = self._doubt, None
        if doubt is not None and doubt[0] == self.totals:
            landed = doubt[1]
            self._note()
        self._dead, self._doubt = False, None
        return landed

    def _refuse_older(self) -> None:
        """Give no number twice: where rows are gone, the next start counts them and begins a life.

        Raises:
            StoreError: the file has fewer rows than were stored in it, or is another one.
        """
        known, path = self._mark.last, self._settings.path
        if known is None or (known.epoch == self.epoch and known.last_seq <= self.totals.last_seq):
            return
        raise StoreError(
            f"{path}: the disk came back without rows that were stored. "
            "The next start counts what is lost.",
            zh=f"{path}：磁盘恢复后缺少已入库的数据。下次启动时将统计丢失的数量。",
        )

    def _write_anew(self) -> None:
        """Have the whole log written into the file, and synced.

        What has failed to be synced may be in memory only, and the system then calls it written.
        """
        try:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.OperationalError as error:
            if no_room(error):
                self._room.spend_ballast()
            raise

    def _give_up_if_damaged(self, error: sqlite3.Error) -> None:
        """Have the next start set the file aside; this one cannot go on with it.

        Raises:
            StoreDamaged: the file is damaged.
        """
        if damaged(error):
            self._give_up(str(error))

    def _give_up(self, why: str) -> NoReturn:
        self._note(damaged=True)
        path = self._settings.path
        raise StoreDamaged(
            f"{path}: found damaged while it was open: {why}. The next start sets it aside.",
            zh=f"{path}：运行中发现存储文件损坏：{why}。下次启动时将自动隔离并抢救数据。",
            reason=DAMAGED,
        )

    def _note(self, *, damaged: bool = False, sync: bool = False) -> None:
        totals = self.totals
        mark = Mark(
            self.epoch, self._identity.base, totals.last_seq, self._books.oldest(),
            totals.stored, totals.waiting, damaged,
        )  # fmt: skip
        self._mark.write(mark, sync=sync or damaged)
