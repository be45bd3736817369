"""A disk that failed and is back: gone on with only when everything stored is there."""

from __future__ import annotations

import shutil
import sqlite3

import pytest
from unit.agent.store.outboxes import check_law, data, events, put, seqs

from agent.store.outbox import Batch, StoreDamaged, StoreError
from agent.store.sqlite import Outbox
from agent.telemetry.status import Count


def fail(outbox):
    """Let the disk have failed: the connection is not to be trusted any more."""
    outbox._dead = True


def test_a_disk_that_is_back_is_gone_on_with(outbox):
    """Numbers go on where they were, and the log has been written and synced anew."""
    put(outbox, data(2), data(3))
    fail(outbox)
    assert [row.seq for row in put(outbox, data()).rows] == [3]
    assert seqs(outbox) == [1, 2, 3]
    check_law(outbox)


def test_a_file_that_is_gone_is_waited_for(outbox, store, tmp_path):
    """A card pulled out is not replaced by a fresh store; when it is back, all is there."""
    put(outbox, data())
    fail(outbox)
    names = [store.path.with_name(store.path.name + suffix) for suffix in ("", "-wal")]
    (tmp_path / "pulled").mkdir()
    for name in names:
        shutil.move(name, tmp_path / "pulled" / name.name)
    for _ in range(3):
        with pytest.raises(sqlite3.OperationalError):
            outbox.commit(Batch(rows=[data()]))
    assert not store.path.exists()
    for name in names:
        shutil.move(tmp_path / "pulled" / name.name, name)
    assert [row.seq for row in put(outbox, data()).rows] == [2]


def test_a_disk_that_is_back_without_the_last_rows_ends_the_run(store):
    """No number is given twice: the next start counts what is lost and begins a new life."""
    outbox = Outbox.open(store)
    put(outbox, data(2))
    outbox._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    older = store.path.read_bytes()
    put(outbox, data(3), data(4))
    fail(outbox)
    log = store.path.with_name(store.path.name + "-wal")
    with log.open("r+b") as file:
        file.truncate(0)
    outbox._db.close()
    store.path.write_bytes(older)
    epoch = outbox.epoch
    with pytest.raises(StoreError) as caught:
        put(outbox, data())
    assert not isinstance(caught.value, StoreDamaged)
    assert "缺少已入库的数据" in caught.value.zh
    outbox.close(clean=False)
    outbox = Outbox.open(store)
    assert outbox.epoch != epoch
    assert outbox.causes == {"medium": Count(2, 7)}
    assert [e["type"] for e in events(outbox)] == ["dropped"]
    outbox.close(clean=True)
