"""How much of the file a commit touches: what flash and the sync of every second pay for."""

from __future__ import annotations

from unit.agent.store.outboxes import data, put

from agent.store.file import PAGE_BYTES
from agent.store.outbox import Batch

FRAME_HEADER_BYTES = 24
"""What the log keeps beside each page. Source: SQLite file format, section 4.1."""
ROW = b'"t0":0,' + b"x" * 31_000


def test_new_rows_take_the_pages_of_acknowledged_ones(outbox, store):
    """In steady state the file does not grow, and a row of four pages dirties six, not nine."""
    log = store.path.with_name(store.path.name + "-wal")
    (row,) = put(outbox, data(1000, ROW)).rows
    grown = []
    for _ in range(6):
        before = log.stat().st_size, outbox._db.execute("PRAGMA page_count").fetchone()
        batch = Batch(rows=[data(1000, ROW)], acked=[(row.seq, row.seq)])
        (row,) = outbox.commit(batch).rows
        after = log.stat().st_size, outbox._db.execute("PRAGMA page_count").fetchone()
        grown.append(((after[0] - before[0]) // (PAGE_BYTES + FRAME_HEADER_BYTES), after[1]))
    assert {pages for pages, _ in grown[1:]} == {6}
    assert len({size for _, size in grown[1:]}) == 1
