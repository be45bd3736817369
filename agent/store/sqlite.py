"""The outbox in SQLite: WAL, synchronous FULL, one connection, prepared statements.

Used by exactly one thread of one process (`agent.store.writer`). One call of `commit` is one
transaction: new rows, acknowledgements, rejections, drops, counters and evidence, or nothing.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from agent.store.drops import DropEpisode
from agent.store.events import REJECTION_MARK, drop_body, rejection_body
from agent.store.file import connect, lock, read_evidence, unusable
from agent.store.identity import Identity
from agent.store.lessons import read_lessons, write_lessons
from agent.store.outbox import (
    Batch,
    Committed,
    EvidenceRow,
    Kind,
    LessonRow,
    Range,
    Row,
)
from agent.store.totals import ROW_OVERHEAD_BYTES, measure, read_totals, write_totals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.config.model import Store
    from agent.telemetry.status import Count

DROP_CHUNK_ROWS = 2000
"""Most rows dropped in one transaction: a delete of a million rows grows the WAL by 200 MB."""
AGE_CHECK_S = 60.0
"""How often rows are looked at for their age; the next commit goes on while many are too old."""
KEPT_REJECTED_ROWS = 1000
"""Refused rows kept aside for a person to look at; the counters go on beyond it."""


class Outbox:
    """The open store; see `agent.store.outbox` for what it promises."""

    def __init__(self, connection: sqlite3.Connection, lock_fd: int, settings: Store) -> None:
        self._db = connection
        self._lock_fd = lock_fd
        self._limit_bytes = int(settings.max_mb * 1_000_000)
        self._max_age_s = settings.max_age_days * 86_400
        self._mv = 0
        self._episode: DropEpisode | None = None
        self._opened_s = time.monotonic()
        self._age_checked_s = self._opened_s
        self.totals = read_totals(self._db)
        self._uptime_base_s = self.totals.uptime_s
        self._identity = Identity(connection)
        self.epoch = self._identity.epoch
        self.opened_clean = self._identity.opened_clean
        """Whether the last run ended in order; True for a new store."""
        self.waiting_range = self._waiting_range()

    @classmethod
    def open(cls, settings: Store) -> Self:
        """Open or create the file, take its lock, bring its schema up to date.

        Raises:
            StoreLocked: another process has it open.
            StoreError: the file is not a store, is damaged, or comes from a newer version.
        """
        with ExitStack() as undo:
            lock_fd = lock(settings.path)
            undo.callback(os.close, lock_fd)
            connection = connect(settings)
            undo.callback(connection.close)
            try:
                outbox = cls(connection, lock_fd, settings)
            except sqlite3.DatabaseError as error:
                raise unusable(settings.path, error) from error
            undo.pop_all()
        return outbox

    def close(self, *, clean: bool) -> None:
        """Close the file; the lock goes with it. `clean` is told at the next start."""
        if clean:
            self._identity.close_clean()
        self._db.close()
        os.close(self._lock_fd)

    @property
    def limit_bytes(self) -> int:
        """Most bytes of waiting rows."""
        return self._limit_bytes

    def commit(self, batch: Batch) -> Committed:
        """Do a whole batch in one synced transaction.

        Raises:
            sqlite3.Error: nothing of it happened; the batch may be tried again.
        """
        before, episode = self.totals, self._episode
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._advance_uptime()
            newest = self.totals.last_seq
            # what is gone before new rows come gives them its pages: a third less to sync
            self._acknowledge([r for r in batch.acked if r[1] <= newest])
            rows = self._insert(batch.rows)
            self._acknowledge([r for r in batch.acked if r[1] > newest])
            announced = self._reject(batch)
            gone, drop_event = self._enforce_limits()
            if batch.evidence:
                self._db.executemany(
                    "INSERT OR REPLACE INTO evidence VALUES (?, ?, ?, ?, ?, ?, ?)", batch.evidence
                )
            if batch.lessons:
                write_lessons(self._db, batch.lessons)
            write_totals(self._db, self.totals)
            self._db.execute("COMMIT")
        except BaseException:
            self.totals, self._episode = before, episode
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        return Committed(rows, announced + drop_event, gone)

    def read(self, first: int, last: int, *, max_bytes: int) -> list[Row]:
        """Read waiting rows of a range in order, at least one, up to about `max_bytes`."""
        rows: list[Row] = []
        size = 0
        cursor = self._db.execute(
            "SELECT seq, kind, mv, t_ms, n, body FROM rows WHERE seq BETWEEN ? AND ? ORDER BY seq",
            (first, last),
        )
        for seq, kind, mv, t_ms, values, body in cursor:
            rows.append(Row(seq, Kind(kind), mv, t_ms, values, body))
            size += len(body)
            if size >= max_bytes:
                break
        cursor.close()
        if self._episode and rows and rows[0].seq <= self._episode.seq <= rows[-1].seq:
            self._episode = None
        return rows

    def oldest_t_ms(self) -> int | None:
        """Tell the time of the oldest waiting row; None when nothing waits."""
        found = self._db.execute("SELECT t_ms FROM rows ORDER BY seq LIMIT 1").fetchone()
        return None if found is None else int(found[0])

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
        self._mv = self._identity.meta_version(digest)
        return self._mv

    # -- parts of a transaction ------------------------------------------------------------------

    def _insert(self, new: Sequence[tuple[Kind, int, int, bytes]]) -> tuple[Row, ...]:
        if not new:
            return ()
        seq = self.totals.last_seq
        rows = tuple(
            Row(seq + i, kind, self._mv, t_ms, values, body)
            for i, (kind, t_ms, values, body) in enumerate(new, start=1)
        )
        up_s = self.totals.uptime_s
        self._db.executemany(
            "INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(r.seq, r.kind, r.mv, r.t_ms, up_s, r.values, r.body) for r in rows],
        )
        sizes = [(r.values, len(r.body)) for r in rows]
        self.totals = self.totals.entered(sizes, last_seq=rows[-1].seq)
        return rows

    def _acknowledge(self, ranges: Sequence[Range]) -> None:
        if not ranges:
            return
        gone: list[tuple[int, int]] = []
        for first, last in ranges:
            gone += self._db.execute(
                "DELETE FROM rows WHERE seq BETWEEN ? AND ? RETURNING n, length(body)",
                (first, last),
            ).fetchall()
        self.totals = self.totals.left(gone, to="acked")

    def _reject(self, batch: Batch) -> tuple[Range, ...]:
        announced: list[Range] = []
        for rejection in batch.rejected:
            found = self._db.execute(
                "DELETE FROM rows WHERE seq = ? RETURNING n, length(body), kind, t_ms, body",
                (rejection.seq,),
            ).fetchall()
            if not found:
                continue
            values, size, kind, t_ms, body = found[0]
            self.totals = self.totals.left([(values, size)], to="rejected")
            self._db.execute(
                "INSERT OR REPLACE INTO rejected VALUES (?, ?, ?, ?, ?, ?, ?)",
                (rejection.seq, kind, t_ms, values, rejection.reason, rejection.code, body),
            )
            self._db.execute(
                "DELETE FROM rejected WHERE seq NOT IN "
                "(SELECT seq FROM rejected ORDER BY seq DESC LIMIT ?)",
                (KEPT_REJECTED_ROWS,),
            )
            if kind == Kind.EVENT and REJECTION_MARK in body:
                continue  # announcing a refused announcement could go on for ever
            now_ms = time.time_ns() // 1_000_000
            event = rejection_body(rejection, values=values, t_ms=now_ms)
            (row,) = self._insert([(Kind.EVENT, now_ms, 0, event)])
            announced.append((row.seq, row.seq))
        return tuple(announced)

    def _enforce_limits(self) -> tuple[tuple[Range, ...], tuple[Range, ...]]:
        over = self.totals.waiting_bytes - self._limit_bytes
        if over > 0:
            return self._drop("size", DROP_CHUNK_ROWS, over + self._limit_bytes // 100)
        now_s = time.monotonic()
        if now_s - self._age_checked_s >= AGE_CHECK_S:
            born_s = self.totals.uptime_s - self._max_age_s
            old = self._db.execute(
                "SELECT count(*) FROM (SELECT up_s FROM rows WHERE kind = 0 ORDER BY seq LIMIT ?) "
                "WHERE up_s < ?",
                (DROP_CHUNK_ROWS, born_s),
            ).fetchone()[0]
            if old < DROP_CHUNK_ROWS:
                self._age_checked_s = now_s
            if old:
                return self._drop("age", old, None)
        return (), ()

    def _drop(
        self, reason: str, most_rows: int, enough_bytes: int | None
    ) -> tuple[tuple[Range, ...], tuple[Range, ...]]:
        """Drop the oldest data rows and announce them; one growing event per episode."""
        oldest = self._db.execute(
            "SELECT seq, n, length(body) FROM rows WHERE kind = 0 ORDER BY seq LIMIT ?",
            (most_rows,),
        ).fetchall()
        freed, rows = 0, 0
        for _, _, size in oldest:
            if enough_bytes is not None and freed >= enough_bytes:
                break
            freed += size + ROW_OVERHEAD_BYTES
            rows += 1
        victims = oldest[:rows]
        if not victims:
            return (), ()
        first, last = victims[0][0], victims[-1][0]
        self._db.execute("DELETE FROM rows WHERE kind = 0 AND seq BETWEEN ? AND ?", (first, last))
        sizes = [(n, size) for _, n, size in victims]
        self.totals = self.totals.left(sizes, to="dropped")
        return ((first, last),), self._announce_drop(reason, (first, last), measure(sizes)[0])

    def _announce_drop(self, reason: str, gone: Range, count: Count) -> tuple[Range, ...]:
        now_ms = time.time_ns() // 1_000_000
        episode = self._episode
        if episode is not None and episode.reason == reason and self._waits(episode.seq):
            episode = episode.grown(gone, count)
            body = drop_body(episode, t_ms=now_ms)
            self._db.execute("UPDATE rows SET body = ? WHERE seq = ?", (body, episode.seq))
            size = len(body) - episode.body_bytes
            self.totals = self.totals._replace(waiting_bytes=self.totals.waiting_bytes + size)
            self._episode = replace(episode, body_bytes=len(body))
            return ()
        fresh = DropEpisode(self.totals.last_seq + 1, reason, gone, count)
        body = drop_body(fresh, t_ms=now_ms)
        (row,) = self._insert([(Kind.EVENT, now_ms, 0, body)])
        self._episode = replace(fresh, body_bytes=len(body))
        return ((row.seq, row.seq),)

    def _waits(self, seq: int) -> bool:
        return self._db.execute("SELECT 1 FROM rows WHERE seq = ?", (seq,)).fetchone() is not None

    def _advance_uptime(self) -> None:
        lived_s = time.monotonic() - self._opened_s
        self.totals = self.totals._replace(uptime_s=self._uptime_base_s + lived_s)

    def _waiting_range(self) -> Range | None:
        first, last = self._db.execute("SELECT min(seq), max(seq) FROM rows").fetchone()
        return None if first is None else (first, last)
