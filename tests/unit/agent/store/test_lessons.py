"""What was learned of devices: kept with the rows, replaced, forgotten, there after a restart."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from unit.agent.store.outboxes import settings

from agent.store.file import SCHEMA_VERSION
from agent.store.outbox import Batch
from agent.store.sqlite import Outbox
from agent.store.writer import Writer


def test_lessons_are_kept_replaced_and_forgotten(tmp_path):
    """The last text of a group wins, an empty one forgets, and all of it survives a restart."""
    store = settings(tmp_path)
    outbox = Outbox.open(store)
    outbox.commit(Batch(lessons=[("a", "g", "one", 1), ("a", "g", "two", 2), ("b", "", "{}", 3)]))
    outbox.commit(Batch(lessons=[("c", "g", "gone soon", 4), ("c", "g", "", 5), ("d", "g", "", 6)]))
    outbox.close(clean=True)
    again = Outbox.open(store)
    assert again.lessons() == [("a", "g", "two", 2), ("b", "", "{}", 3)]
    again.close(clean=True)


def test_a_store_of_the_first_version_gets_the_table(tmp_path):
    """An older file is migrated when it is opened; its epoch stays."""
    store = settings(tmp_path)
    outbox = Outbox.open(store)
    epoch = outbox.epoch
    outbox.close(clean=True)
    with closing(sqlite3.connect(store.path, isolation_level=None)) as connection:
        connection.execute("DROP TABLE lessons")
        connection.execute("ALTER TABLE evidence DROP COLUMN crc")
        connection.execute("DELETE FROM _sqlite_migrations WHERE name IN ('lessons', 'notes')")
        connection.execute("PRAGMA user_version=1")
    again = Outbox.open(store)
    assert again.epoch == epoch
    again.commit(Batch(lessons=[("a", "g", "x", 1)]))
    assert again.lessons() == [("a", "g", "x", 1)]
    again.close(clean=True)
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION


async def test_the_writer_keeps_lessons_with_the_next_commit(tmp_path):
    """Lessons handed in are on disk after a flush, without a row beside them."""
    store = settings(tmp_path)
    outbox = Outbox.open(store)
    writer = Writer(
        outbox,
        commit_interval_s=0.02,
        on_commit=lambda _done: None,
        on_failure=lambda error: pytest.fail(f"the store failed: {error}"),
    )
    writer.start()
    writer.put_lessons([("a", "g", "x", 1)])
    await writer.flush()
    await writer.close()
    again = Outbox.open(store)
    assert again.lessons() == [("a", "g", "x", 1)]
    again.close(clean=True)
