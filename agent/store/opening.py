"""Opening a store whatever its file has become: gone on with, or set aside and begun anew."""

from __future__ import annotations

import os
import sqlite3
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from agent.losses.spans import LossBook
from agent.store.books import Books
from agent.store.file import DAMAGED, PAGE_BYTES, connect, lock, unusable
from agent.store.heritage import epoch_of
from agent.store.identity import Identity
from agent.store.limits import Limits
from agent.store.mark import Mark, MarkFile
from agent.store.notes import read_evidence, read_lessons
from agent.store.outbox import StoreDamaged
from agent.store.past import begin_salvage, compare
from agent.store.room import Room
from agent.store.salvage import Salvage, aside_of, set_aside
from agent.telemetry.status import Count

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.config.model import Store
    from agent.telemetry.status import Message


class Core(NamedTuple):
    """An open database and what is known of it; made anew when the disk had failed."""

    connection: sqlite3.Connection
    identity: Identity
    books: Books


@dataclass(slots=True)
class Opened:
    """Every part of an open store."""

    lock_fd: int
    core: Core
    mark: MarkFile
    room: Room
    limits: Limits
    salvage: Salvage | None
    notice: Message | None


def opened(settings: Store) -> Opened:
    """Open a store; one that cannot be gone on with is set aside first.

    Raises:
        StoreLocked: another process has it open.
        StoreError: the disk refuses it, or it is the database of another program.
    """
    path = settings.path
    limits = Limits(settings, page_bytes=PAGE_BYTES)
    with ExitStack() as undo:
        lock_fd = lock(path)
        undo.callback(os.close, lock_fd)
        mark = MarkFile(path)
        undo.callback(mark.close)
        room = Room(path)
        fresh = not path.exists() or not path.stat().st_size
        core, notice = _gone_on_or_anew(settings, limits, mark, fresh=fresh)
        undo.callback(core.connection.close)
        salvage = salvage_under_way(path, core.identity)
        undo.pop_all()
    return Opened(lock_fd, core, mark, room, limits, salvage, notice)


def set_up(settings: Store, limits: Limits) -> Core:
    """Connect and read the books.

    Raises:
        StoreDamaged: what is in the file cannot be.
        StoreError: the disk refuses it, or it is the database of another program.
    """
    connection = connect(settings)
    try:
        connection.execute(f"PRAGMA max_page_count={limits.max_pages:d}")
        identity = Identity(connection)
        books = Books(connection, epoch=identity.epoch, base=identity.base)
        _check(settings.path, books)
        connection.execute("SELECT * FROM rows LIMIT 0")  # a damaged name of a column shows here
        read_evidence(connection)  # what the agent asks for at once can be read, or it is set aside
        read_lessons(connection)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        connection.close()
        raise unusable(settings.path, error) from error
    except StoreDamaged:
        connection.close()
        raise
    return Core(connection, identity, books)


def salvage_under_way(path: Path, identity: Identity) -> Salvage | None:
    """Go on with a salvage that is not finished; None where there is none."""
    state = identity.salvage
    return Salvage(path, state, page_bytes=PAGE_BYTES) if state else None


def _gone_on_or_anew(
    settings: Store, limits: Limits, mark: MarkFile, *, fresh: bool
) -> tuple[Core, Message | None]:
    last, path = mark.last, settings.path
    suspect = last if last is not None and last.damaged else None
    if suspect and fresh:  # it was set aside already, and the process ended there
        core = set_up(settings, limits)
        return core, _begin(core, suspect, path=path, reason=DAMAGED)
    try:
        if suspect and epoch_of(path) in {suspect.epoch, ""}:
            raise _damaged(path, "it was found damaged while it was open")
        core = set_up(settings, limits)
        notice = None if suspect else _compared(core, last, path=path, fresh=fresh)
    except StoreDamaged as error:
        if last is not None and error.reason == DAMAGED:  # should the process end in between
            mark.write(replace(last, damaged=True), sync=True)
        set_aside(path)
        core = set_up(settings, limits)
        return core, _begin(core, last, path=path, reason=error.reason)
    if suspect and not core.books.totals.last_seq:  # this one has taken its place
        notice = _begin(core, suspect, path=path, reason=DAMAGED)
    return core, notice


def _compared(core: Core, last: Mark | None, *, path: Path, fresh: bool) -> Message | None:
    """Compare a store with its mark, and tell; raises as `opened` does, or StoreDamaged."""
    try:
        with _noting(core):
            return compare(core.books, core.identity, last, fresh=fresh)
    except sqlite3.DatabaseError as error:
        raise unusable(path, error) from error


def _begin(core: Core, last: Mark | None, *, path: Path, reason: str) -> Message:
    """Note in a fresh store what it is to take over of the one that was set aside."""
    with _noting(core):
        return begin_salvage(core.books, core.identity, last, reason=reason, aside=aside_of(path))


@contextmanager
def _noting(core: Core) -> Iterator[None]:
    """Note something in one transaction; a connection on which that fails is closed."""
    try:
        with core.connection:
            core.connection.execute("BEGIN IMMEDIATE")
            yield
            _write(core)
    except BaseException:
        core.connection.close()
        raise


def _write(core: Core) -> None:
    """Write what opening has put into the books."""
    books = core.books
    before = books.saved_state()._replace(causes={}, losses=LossBook())
    books.position.written(books.write(before))
    books.read_lives(core.identity.epoch, core.identity.base)


def _check(path: Path, books: Books) -> None:
    """Refuse books that contradict themselves: a damaged page need not look damaged."""
    totals = books.totals
    parts = (totals.acked, totals.rejected, totals.dropped, totals.waiting)
    numbers = sum(last - first + 1 for first, last in books.waiting())
    (newest,) = books.db.execute("SELECT max(seq) FROM rows").fetchone()
    if totals.stored != sum(parts, Count()):
        raise _damaged(path, "its counters do not add up")
    if numbers != totals.waiting.rows:
        raise _damaged(path, f"{totals.waiting.rows} rows should wait, and {numbers} do")
    if newest is not None and newest > totals.last_seq:
        raise _damaged(path, f"row {newest} is there, and {totals.last_seq} is the last")


def _damaged(path: Path, why: str) -> StoreDamaged:
    return StoreDamaged(
        f"{path}: cannot be gone on with: {why}.",
        zh=f"{path}：存储文件已损坏，无法继续使用：{why}。",
        reason=DAMAGED,
    )
