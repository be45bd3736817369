"""Looking into a closed store: the truth about its counters, and about what is wrong."""

from __future__ import annotations

import sqlite3

import pytest
from unit.agent.store.outboxes import T_MS, ack, data, put, reject

from agent.store.file import PAGE_BYTES
from agent.store.inspect import evidence, report
from agent.store.outbox import Batch, StoreError, StoreLocked
from agent.store.sqlite import Outbox
from agent.telemetry.status import Count


@pytest.fixture
def closed(store):
    """A store with rows waiting, acknowledged and rejected, closed."""
    outbox = Outbox.open(store)
    put(outbox, data(2), data(3, t_ms=T_MS + 1), data(4))
    ack(outbox, (1, 1))
    reject(outbox, 3)
    outbox.commit(Batch(evidence=[("cnc", "2026-11-23", 5, True, 1, 1, 2)]))
    outbox.close(clean=True)
    return store


def change(store, statement):
    """Do to the file what no agent would."""
    with sqlite3.connect(store.path) as other:
        other.execute(statement)
    other.close()


def test_a_sound_store_is_reported_as_such(closed):
    """Counters, rows found and integrity agree; nothing in the file is changed."""
    before = closed.path.read_bytes()
    found = report(closed.path)
    assert (found.sound, found.balanced, found.integrity) == (True, True, "ok")
    assert found.found == found.totals.waiting == Count(2, 3)
    assert found.totals.stored == Count(4, 9)
    assert found.oldest_ms == T_MS + 1
    assert len(found.epoch) == 16
    assert closed.path.read_bytes() == before


def test_an_empty_store_is_sound(store):
    """A store without rows has no oldest one and is sound."""
    Outbox.open(store).close(clean=True)
    found = report(store.path)
    assert (found.sound, found.oldest_ms, found.found) == (True, None, Count())


@pytest.mark.parametrize(
    ("statement", "balanced"),
    [
        ("DELETE FROM rows WHERE seq = 2", True),
        ("UPDATE rows SET n = n + 1 WHERE seq = 2", True),
        ("UPDATE rows SET body = CAST(body || 'x' AS BLOB) WHERE seq = 2", True),
        ("UPDATE totals SET acked_rows = acked_rows + 1", False),
        ("UPDATE totals SET dropped_values = 1", False),
    ],
)
def test_counters_that_are_not_true_are_found(closed, statement, balanced):
    """A missing row, a wrong count of values, other bytes or a broken law: not sound."""
    change(closed, statement)
    found = report(closed.path)
    assert (found.sound, found.balanced) == (False, balanced)


def overwrite_page_of(table, store):
    """Damage the first page of a table."""
    with sqlite3.connect(store.path) as other:
        page = other.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,))
        start = (page.fetchone()[0] - 1) * PAGE_BYTES
    other.close()
    content = bytearray(store.path.read_bytes())
    content[start : start + PAGE_BYTES] = b"\xaa" * PAGE_BYTES
    store.path.write_bytes(content)


def test_a_damaged_page_of_rows_is_told_of(closed):
    """Rows that cannot be read make an error, not a count."""
    overwrite_page_of("rows", closed)
    with pytest.raises(StoreError, match="malformed"):
        report(closed.path)


def test_a_damaged_page_beside_the_rows_is_found(closed):
    """Damage in a table that is not counted shows as broken integrity."""
    overwrite_page_of("evidence", closed)
    found = report(closed.path)
    assert found.integrity != "ok"
    assert not found.sound


def test_evidence_can_be_read_without_an_agent(closed):
    """What was observed of each device is read from the file."""
    assert evidence(closed.path) == [("cnc", "2026-11-23", 5, True, 1, 1, 2)]


def test_a_store_that_is_open_is_not_looked_into(outbox, store):
    """While an agent has the store, looking into it is refused."""
    with pytest.raises(StoreLocked):
        report(store.path)


def test_a_store_that_is_not_there_is_not_made(store):
    """Looking for a store makes none, and says in both languages that there is none."""
    with pytest.raises(StoreError) as caught:
        report(store.path)
    assert "no store yet" in str(caught.value)
    assert "不存在" in caught.value.zh
    assert not store.path.exists()


@pytest.mark.parametrize("content", [b"", b"text" * 3000])
def test_a_file_that_is_no_store_is_told_of(store, content):
    """An empty or foreign file gives an error in both languages."""
    store.path.write_bytes(content)
    with pytest.raises(StoreError) as caught:
        report(store.path)
    assert "cannot be read as a store" in str(caught.value)
    assert "无法作为存储文件读取" in caught.value.zh
