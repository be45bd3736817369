"""Looking into a store that no agent has open: counters, checksums, evidence; changes nothing."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.store.books import Books
from agent.store.file import SCHEMA_VERSION, lock
from agent.store.losses import agrees, false_spans
from agent.store.mark import read_mark
from agent.store.notes import read_evidence, read_lessons
from agent.store.outbox import StoreError
from agent.store.reading import READ_ROWS, sound
from agent.store.share import read_shares
from agent.store.totals import ROW_OVERHEAD_BYTES, Totals
from agent.telemetry.status import Count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from agent.losses.spans import LossSpan
    from agent.store.mark import Mark
    from agent.store.outbox import EvidenceRow, LessonRow
    from agent.store.share import Share

EVERY_SEQ = (-(2**62), 2**62)


@dataclass(frozen=True, slots=True)
class ShareReport:
    """One of several destinations in a closed store, and whether its counters are true."""

    name: str
    stored: Count
    """Since it was added."""
    acked: Count
    rejected: Count
    dropped: Count
    waiting: Count
    """What its counters leave."""
    found: Count
    """Rows and values actually waiting for it, counted row by row."""
    missing: int
    """Rows that should wait for it and are not there."""
    causes: dict[str, Count]
    """What was dropped for it, by cause."""

    @property
    def sound(self) -> bool:
        """Whether its law holds: what its counters leave is there, and every drop has a cause."""
        caused = sum(self.causes.values(), Count()) == self.dropped
        return self.found == self.waiting and not self.missing and caused


@dataclass(frozen=True, slots=True)
class Report:
    """What a closed store holds, and whether its counters are true."""

    epoch: str
    totals: Totals
    found: Count
    """Rows and values actually waiting, counted row by row."""
    found_bytes: int
    kept: Count
    """Rows and values kept for replay, counted row by row."""
    kept_bytes: int
    damaged: int
    """Rows whose checksum is false."""
    missing: int
    """Rows that should wait and are not there."""
    causes: dict[str, Count]
    """What was dropped, by cause."""
    losses: tuple[LossSpan, ...]
    """What is missing, by cause and device, the latest first."""
    integrity: str
    """`ok`, or what SQLite found damaged."""
    oldest_ms: int | None
    behind_mark: int
    """By how many rows the file is behind its mark: so many were stored and are lost."""
    shares: tuple[ShareReport, ...] = ()
    """Each of several destinations; none where there is one."""
    false_spans: int = 0
    """Spans of loss whose checksum is false."""
    ownerless: int = 0
    """Rows that wait in the store, and that every one of several destinations has settled."""

    @property
    def balanced(self) -> bool:
        """Whether stored = acked + rejected + dropped + waiting."""
        t = self.totals
        return t.stored == sum((t.acked, t.rejected, t.dropped, t.waiting), Count())

    @property
    def sound(self) -> bool:
        """Whether the law holds, counters match rows, and no row, page or mark is false."""
        t = self.totals
        counted = (self.found, self.found_bytes, self.kept_bytes)
        true = counted == (t.waiting, t.waiting_bytes, t.kept_bytes)
        whole = not (self.damaged or self.missing or self.behind_mark or self.false_spans)
        shared = not self.ownerless and all(share.sound for share in self.shares)
        told = agrees(self.losses, self.causes, t)
        return self.balanced and true and whole and shared and told and self.integrity == "ok"


def report(path: Path) -> Report:
    """Read a whole store and check it.

    Raises:
        StoreLocked: an agent has it open; ask that agent.
        StoreError: it is not there, is no store, or was written by another version.
    """
    with open_closed(path) as connection:
        known = dict(connection.execute("SELECT key, value FROM identity"))
        epoch, base = known.get("epoch", ""), int(known.get("base", 0))
        books = Books(connection, epoch=epoch, base=base)
        shares = tuple(read_shares(connection).values())
        counted = _counted(books, shares, unsealed_to=int(known.get("unsealed_to", 0)))
        integrity = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        numbers = sum(last - first + 1 for first, last in books.waiting())
        oldest = connection.execute("SELECT t_ms FROM rows WHERE seq = ?", (books.oldest(),))
        found = oldest.fetchone()
        return Report(
            epoch=epoch,
            totals=books.totals,
            found=counted.waiting,
            found_bytes=counted.waiting_bytes,
            kept=counted.kept,
            kept_bytes=counted.kept_bytes,
            damaged=counted.damaged,
            missing=max(0, numbers - counted.waiting.rows),
            causes=books.causes,
            losses=books.losses.spans,
            integrity=integrity,
            oldest_ms=found[0] if found else None,
            behind_mark=_behind(read_mark(path), epoch, books.totals.last_seq),
            shares=tuple(_share_report(share, books, counted) for share in shares),
            false_spans=false_spans(connection),
            ownerless=counted.ownerless,
        )


def evidence(path: Path) -> list[EvidenceRow]:
    """Read what was observed of each device on each day; raises as `report` does."""
    with open_closed(path) as connection:
        return read_evidence(connection)


def lessons(path: Path) -> list[LessonRow]:
    """Read what was learned, of devices and of the clock; raises as `report` does."""
    with open_closed(path) as connection:
        return read_lessons(connection)


@contextmanager
def open_closed(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a store that no agent has open, for reading; raises as `report` does."""
    if not path.exists():
        raise StoreError(
            f"{path}: there is no store yet; it is made when the agent first runs.",
            zh=f"{path}：存储文件不存在，采集程序首次运行时会自动创建。",
        )
    lock_fd = lock(path)
    connection = sqlite3.connect(path)
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version not in {0, SCHEMA_VERSION}:
            raise _other_version(path, version)
        yield connection
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise StoreError(
            f"{path}: cannot be read as a store: {error}. "
            "`chulian store export --file` gives what is sound in it.",
            zh=f"{path}：无法作为存储文件读取：{error}。"
            "可用 `chulian store export --file` 导出其中完好的数据。",
        ) from error
    finally:
        connection.close()
        os.close(lock_fd)


@dataclass(slots=True)
class _Counted:
    waiting: Count
    waiting_bytes: int
    kept: Count
    kept_bytes: int
    damaged: int
    by_share: dict[int, Count]
    ownerless: int = 0


def _counted(books: Books, shares: Sequence[Share], *, unsealed_to: int) -> _Counted:
    counted = _Counted(Count(), 0, Count(), 0, 0, {share.number: Count() for share in shares})
    for stored in books.db.execute(READ_ROWS, EVERY_SEQ):
        seq, values, size = stored[0], stored[5], len(stored[6]) + ROW_OVERHEAD_BYTES
        counted.damaged += not sound(stored, unsealed_to=unsealed_to)
        if seq in books.position.settled:
            counted.kept += Count(1, values)
            counted.kept_bytes += size
        else:
            counted.waiting += Count(1, values)
            counted.waiting_bytes += size
        owed = [share.number for share in shares if seq not in share.settled]
        for number in owed:
            counted.by_share[number] += Count(1, values)
        counted.ownerless += bool(shares) and not owed and seq not in books.position.settled
    return counted


def _share_report(share: Share, books: Books, counted: _Counted) -> ShareReport:
    stored, counts, found = books.totals.stored, share.counts, counted.by_share[share.number]
    return ShareReport(
        share.name,
        stored - counts.before,
        counts.acked,
        counts.rejected,
        counts.dropped,
        counts.waiting(stored),
        found,
        max(0, share.waiting_rows(books.totals.last_seq) - found.rows),
        share.causes,
    )


def _behind(mark: Mark | None, epoch: str, last_seq: int) -> int:
    if mark is None or mark.epoch != epoch:
        return 0
    return max(0, mark.last_seq - last_seq)


def _other_version(path: Path, version: int) -> StoreError:
    return StoreError(
        f"{path}: has schema {version}, this program reads {SCHEMA_VERSION}. An older one is "
        "brought up to date when the agent runs; a newer one needs a newer program.",
        zh=f"{path}：存储结构版本为 {version}，本程序读取版本 {SCHEMA_VERSION}。"
        "旧版本在采集程序运行时自动升级；更新的版本需要更新的程序。",
    )
