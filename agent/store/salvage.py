"""A file that cannot be gone on with: set aside, and what is sound in it brought over.

Setting aside is renaming: nothing of the file is changed, and one such file is kept at most.
Salvage goes page by page in small steps between commits; rows keep their old epoch and number.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import asdict, dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING

import orjson

from agent.losses.causes import CORRUPT
from agent.store.books import now_ms
from agent.store.carve import FoundRow, Pages, rows_on
from agent.store.checksum import columns
from agent.store.events import drop_body, store_body
from agent.store.outbox import Kind, Row
from agent.store.ranges import Ranges
from agent.store.totals import measure
from agent.telemetry.status import Count

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.store.books import Books
    from agent.store.identity import Identity
    from agent.store.outbox import Range

SUFFIX = ".quarantine"
SPAN = 2**40
"""Seqs below zero that one salvaged life may take: more rows than any store ever has."""
_KINDS = frozenset(Kind)
STEP_S = 0.02
"""How long one step reads; commits go on between steps."""
STEP_ROWS = 500
"""Most rows one step brings over."""
KEEP_BYTES = 64_000_000
"""A salvaged file larger than that is deleted: all that is sound in it has been brought over."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a salvage is; kept in the store it goes into."""

    epoch: str
    """Epoch of the rows that are salvaged."""
    old_base: int
    """Where the numbers of that epoch began among the seqs of the file set aside."""
    shift: int
    """What a seq of the old file becomes here: seq + shift."""
    floor: int
    """Rows below had left; they are not brought over."""
    page: int = 0
    """Pages up to here are done."""
    rows: int = 0
    values: int = 0
    expected_rows: int = -1
    """How many rows waited, by the mark; -1 where it is not known."""
    expected_values: int = 0
    last_seq: int = 0

    def text(self) -> str:
        """Give it as it is kept."""
        return orjson.dumps(asdict(self)).decode()


def aside_of(path: Path) -> Path:
    """Give the place where a store's file is set aside."""
    return path.with_name(path.name + SUFFIX)


def set_aside(path: Path) -> None:
    """Rename a store's log and file; replace what was set aside before.

    The order is such that, wherever the process ends, doing it again completes it.
    """
    aside, log = aside_of(path), path.with_name(path.name + "-wal")
    aside_log = aside.with_name(aside.name + "-wal")
    if aside.exists():
        aside_log.unlink(missing_ok=True)
        aside.unlink()
    with contextlib.suppress(FileNotFoundError):
        log.rename(aside_log)
    path.rename(aside)
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


@dataclass(frozen=True, slots=True)
class Brought:
    """What one step brought into the store."""

    progress: Progress
    announced: tuple[Range, ...]
    """Ranges of rows to be sent like a backlog."""
    finished: bool


class Salvage:
    """One salvage under way."""

    def __init__(self, path: Path, state: str, *, page_bytes: int) -> None:
        self._path = path.with_name(path.name + SUFFIX)
        self.progress = Progress(**orjson.loads(state))
        self._seen = Ranges()
        self._pending: tuple[list[FoundRow], int] | None = None
        self._fds: list[int] = []
        for suffix in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                name = self._path.with_name(self._path.name + suffix)
                self._fds.append(os.open(name, os.O_RDONLY | os.O_CLOEXEC))
        self._pages: Pages | None = None
        if self._fds:
            log_fd = self._fds[1] if len(self._fds) > 1 else None
            self._pages = Pages(self._fds[0], log_fd, page_bytes=page_bytes)

    @property
    def share(self) -> float:
        """How much of the file is read, 0 to 1."""
        return 1.0 if not self._pages else min(1.0, self.progress.page / max(1, self._pages.count))

    def ends_with(self, page: int) -> bool:
        """Whether a page is the last one."""
        return self._pages is None or page >= self._pages.count

    def step(self) -> tuple[list[FoundRow], int]:
        """Read on for a moment; give the rows that waited, and the last page read.

        Gives the same again until `advance` tells that they are stored.
        """
        if self._pending is None:
            found: list[FoundRow] = []
            page, ends_s = self.progress.page, monotonic() + STEP_S
            while self._pages is not None and page < self._pages.count:
                page += 1
                found += self._fresh(page)
                if len(found) >= STEP_ROWS or monotonic() >= ends_s:
                    break
            self._pending = found, page
        return self._pending

    def advance(self, progress: Progress) -> None:
        """Note that the last step is stored."""
        self.progress = progress
        self._pending = None

    def _fresh(self, page: int) -> Iterator[FoundRow]:
        assert self._pages is not None  # noqa: S101 - asked by the caller
        for row in rows_on(self._pages, page):
            known = row.seq in self._seen or row.seq <= self.progress.old_base
            if not known and row.seq >= self.progress.floor:
                self._seen.add(row.seq, row.seq)
                yield row

    def close(self, *, finished: bool) -> None:
        """Close the file set aside; when all is brought over, do not keep a large one."""
        for fd in self._fds:
            os.close(fd)
        self._fds = []
        with contextlib.suppress(OSError):
            if finished and self._path.stat().st_size > KEEP_BYTES:
                self._path.unlink()
                self._path.with_name(self._path.name + "-wal").unlink(missing_ok=True)


def bring_over(books: Books, identity: Identity, salvage: Salvage) -> Brought:
    """Store the rows of one step; a part of the caller's transaction."""
    found, page = salvage.step()
    before = salvage.progress
    rows = [
        Row(row.seq + before.shift, Kind(row.kind), row.mv, row.t_ms, row.values, row.body)
        for row in found
        if row.kind in _KINDS and _is_new(books, row.seq + before.shift)
    ]
    books.put([columns(row, books.totals.uptime_s) for row in rows])
    books.none_below.clear()
    for row in rows:
        books.position.settled.remove(row.seq, row.seq)
        if books.shares is not None:
            books.shares.owed(row.seq)
    sizes = [(row.values, len(row.body)) for row in rows]
    books.totals = books.totals.entered(sizes, last_seq=books.totals.last_seq)
    count, _ = measure(sizes)
    progress = replace(
        before, page=page, rows=before.rows + count.rows, values=before.values + count.values
    )
    announced = tuple(Ranges((row.seq, row.seq) for row in rows))
    finished = salvage.ends_with(page)
    identity.salvage = "" if finished else progress.text()
    if finished:
        announced += _tell_end(books, progress)
    return Brought(progress, announced, finished)


def _is_new(books: Books, seq: int) -> bool:
    there = books.db.execute("SELECT 1 FROM rows WHERE seq = ?", (seq,)).fetchone()
    return there is None and seq in books.position.settled


def _tell_end(books: Books, p: Progress) -> tuple[Range, ...]:
    """Tell what was brought over, and what of it was expected and is gone."""
    done = Count(p.rows, p.values)
    told = [books.tell(store_body("salvaged", CORRUPT, done, t_ms=now_ms(), epoch=p.epoch))]
    gone = Count(p.expected_rows - p.rows, max(0, p.expected_values - p.values))
    if gone.rows > 0:
        books.lost(CORRUPT, gone)
        numbers = (p.floor - p.old_base, p.last_seq - p.old_base)
        told.append(books.tell(drop_body(CORRUPT, numbers, gone, t_ms=now_ms(), epoch=p.epoch)))
    return tuple(told)
