"""How much of the file a commit touches: what flash and the sync of every second pay for."""

from __future__ import annotations

from unit.agent.store.outboxes import data, put, settings

from agent.store.file import PAGE_BYTES
from agent.store.outbox import Batch
from agent.store.sqlite import Outbox

FRAME_HEADER_BYTES = 24
"""What the log keeps beside each page. Source: SQLite file format, section 4.1."""
ROW = b'"t0":0,' + b"x" * 31_000


def pages_per_commit(outbox, store, rows):
    """Commit rows one by one, each acknowledging the one before; give pages logged by each."""
    log = store.path.with_name(store.path.name + "-wal")
    (row,) = put(outbox, data(1000, ROW)).rows
    logged = []
    for _ in range(rows):
        before = log.stat().st_size
        (row,) = outbox.commit(Batch(rows=[data(1000, ROW)], acked=[(row.seq, row.seq)])).rows
        logged.append((log.stat().st_size - before) // (PAGE_BYTES + FRAME_HEADER_BYTES))
    return logged


def test_keeping_rows_for_replay_costs_one_page_a_commit(outbox, store):
    """A row of four pages dirties seven while sent rows are kept: the file's tree grows."""
    assert set(pages_per_commit(outbox, store, 6)[1:]) <= {7, 8}


def test_without_replay_new_rows_take_the_pages_of_acknowledged_ones(tmp_path):
    """In steady state the file does not grow, and a row of four pages dirties six."""
    store = settings(tmp_path, keep_hours=0)
    outbox = Outbox.open(store)
    assert set(pages_per_commit(outbox, store, 6)[2:]) == {6}
    outbox.close(clean=True)


def test_many_acknowledged_rows_go_in_chunks(tmp_path):
    """Twenty thousand rows acknowledged at once go 5000 a commit; the log stays small."""
    store = settings(tmp_path, keep_hours=0)
    outbox = Outbox.open(store)
    for _ in range(10):
        put(outbox, *(data(1, b"x" * 200) for _ in range(2000)))
    outbox.commit(Batch(acked=[(1, 20_000)]))
    left = [outbox._db.execute("SELECT count(*) FROM rows").fetchone()[0]]
    while left[-1]:
        outbox.commit(Batch(evidence=[("d", "2026-11-23", len(left), False, 0, 1, 1)]))
        left.append(outbox._db.execute("SELECT count(*) FROM rows").fetchone()[0])
    assert left == [15_000, 10_000, 5000, 0]
    assert store.path.with_name(store.path.name + "-wal").stat().st_size < 16_000_000
    assert outbox.totals.kept_bytes == 0
    outbox.close(clean=True)
