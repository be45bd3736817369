"""Rescuing rows out of a store that no agent has open, or out of a damaged one; changes nothing.

A sound store is read through SQLite, which knows what is unsent. Of a damaged one every page is
looked at, and every row with a true checksum is given: what was sent cannot be told there.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

from agent.store.books import Books
from agent.store.carve import rows_on
from agent.store.file import PAGE_BYTES
from agent.store.heritage import open_pages
from agent.store.inspect import EVERY_SEQ, open_closed
from agent.store.lives import Lives
from agent.store.outbox import Kind, Row, StoreError
from agent.store.past import KEPT_EPOCH
from agent.store.reading import READ_ROWS, sound

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_KINDS = frozenset(Kind)
HEAD_PAGES = 64
"""The small tables lie among the first pages."""


def stored_rows(path: Path, *, everything: bool) -> Iterator[tuple[Row, str]]:
    """Give rows of a sound store in order, each with its epoch: the unsent, or those kept too.

    Raises:
        StoreLocked: an agent has it open.
        StoreError: it is not there or cannot be read; `carved_rows` may still get at it.
    """
    with open_closed(path) as connection:
        known = dict(connection.execute("SELECT key, value FROM identity"))
        epoch = known.get("epoch", "")
        books = Books(connection, epoch=epoch, base=int(known.get("base", 0)))
        unsealed_to = int(known.get("unsealed_to", 0))
        for stored in connection.execute(READ_ROWS, EVERY_SEQ):
            seq, kind, mv, t_ms, _, values, body, _ = stored
            wanted = everything or seq not in books.position.settled
            if wanted and sound(stored, unsealed_to=unsealed_to):
                life = books.lives.of(seq)
                row = Row(seq, Kind(kind), mv, t_ms, values, body, life)
                yield row, life.epoch if life else epoch


def carved_rows(path: Path) -> Iterator[tuple[Row, str]]:
    """Give every row with a true checksum, page by page, each with its epoch.

    Raises:
        StoreError: the file cannot be read, or nothing in it tells its epoch.
    """
    lives, epoch = _names(path)
    with contextlib.ExitStack() as files:
        pages = open_pages(path, files)
        seen: set[int] = set()
        for page in range(1, pages.count + 1):
            for found in rows_on(pages, page):
                if found.seq not in seen and found.kind in _KINDS:
                    seen.add(found.seq)
                    life = lives.of(found.seq) if lives else None
                    row = Row(
                        found.seq, Kind(found.kind), found.mv, found.t_ms, found.values,
                        found.body, life,
                    )  # fmt: skip
                    yield row, life.epoch if life else epoch


def _names(path: Path) -> tuple[Lives | None, str]:
    """Find whose numbers the rows bear: through SQLite where it goes, or in the bytes."""
    if not path.exists():
        raise StoreError(f"{path}: there is no such file.", zh=f"{path}：文件不存在。")
    uri = f"{path.absolute().as_uri()}?immutable=1"
    with (
        contextlib.suppress(sqlite3.DatabaseError, UnicodeDecodeError, KeyError),
        contextlib.closing(sqlite3.connect(uri, uri=True)) as connection,
    ):
        known = dict(connection.execute("SELECT key, value FROM identity"))
        epoch = str(known["epoch"])
        return Lives(connection, epoch=epoch, base=int(known.get("base", 0))), epoch
    log = path.with_name(path.name + "-wal")
    for name in (path, log):
        if name.exists():
            with name.open("rb") as file:
                found = KEPT_EPOCH.search(file.read(HEAD_PAGES * PAGE_BYTES))
            if found:
                return None, found[1].decode()
    raise StoreError(
        f"{path}: nothing in it tells whose rows these are; it is no store.",
        zh=f"{path}：无法识别其所属存储，该文件不是存储文件。",
    )
