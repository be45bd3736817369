"""A full disk: what can still be done without room, and where room is found inside the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.store.file import PAGE_BYTES
from agent.store.limits import DROP_CHUNK_ROWS, drop, evict
from agent.store.outbox import Committed
from agent.store.room import MARGIN_BYTES
from agent.store.totals import ROW_OVERHEAD_BYTES

if TYPE_CHECKING:
    import sqlite3

    from agent.store.books import Books
    from agent.store.limits import Limits
    from agent.store.outbox import Batch
    from agent.store.room import Room


def batch_bytes(batch: Batch) -> int:
    """Give the room that the rows of a batch will take."""
    return sum(len(row.body) + ROW_OVERHEAD_BYTES for row in batch.rows)


def fits(connection: sqlite3.Connection, room: Room, size: int) -> bool:
    """Whether so much has room: on the disk, or in free pages and beside them in the log."""
    free = room.free_bytes()
    return free >= 2 * size + MARGIN_BYTES or (
        free >= size and free_pages_bytes(connection) >= size
    )


def free_pages_bytes(connection: sqlite3.Connection) -> int:
    """Give the room inside the file that nothing uses."""
    return int(connection.execute("PRAGMA freelist_count").fetchone()[0]) * PAGE_BYTES


def make_room(books: Books, batch: Batch, *, room: Room, limits: Limits) -> Committed:
    """Note acknowledgements and find room for a batch; a part of the caller's transaction.

    Kept rows go first. Waiting ones go, oldest first, only where it is this store that fills the
    disk or that has reached its own bound: what others take is theirs to give back.
    """
    need = batch_bytes(batch)
    books.acknowledge(batch.acked)
    if books.shares is not None:
        books.shares.acknowledge(books, batch.acked_by)
    lacking = need - free_pages_bytes(books.db)
    if lacking > 0:
        evict(books, most_rows=DROP_CHUNK_ROWS, enough_bytes=lacking)
    if books.kept or need <= free_pages_bytes(books.db):
        return Committed((), (), ())
    (pages,) = books.db.execute("PRAGMA page_count").fetchone()
    if pages + need // PAGE_BYTES < limits.max_pages and not room.ours():
        return Committed((), (), ())
    gone, told = drop(books, "size", DROP_CHUNK_ROWS, lacking)
    return Committed((), told, gone)
