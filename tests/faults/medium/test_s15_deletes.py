"""S15: a million acknowledged rows have to go, while new ones are stored."""

from __future__ import annotations

import time

import pytest
from faults.medium.prefill import prefill
from faults.scale import rounds

from agent.config.model import Store
from agent.store.outbox import Batch, Kind, NewRow
from agent.store.sqlite import Outbox

pytestmark = pytest.mark.timeout(120)

BODY = b'"t0":1,"x":"' + b"y" * 180 + b'"}'
LOG_MB = 16
COMMIT_MS = 50.0
"""Of work: how long the disk and other programs take says nothing of the store."""


def test_deleting_a_million_rows_stops_nobody(tmp_path, figure):
    """Chunk by chunk: the log stays small, and no commit waits for the deletion."""
    rows = rounds(short=20_000, full=1_000_000)
    store = Store(path=tmp_path / "s.db", keep_hours=0)
    prefill(store, rows, lambda _: BODY)
    outbox = Outbox.open(store)
    assert outbox.totals.waiting.rows == rows
    log = store.path.with_name("s.db-wal")
    took_ms, worked_ms, largest = [], [], 0
    chunk = 2000
    for first in range(1, rows, chunk):
        batch = Batch(rows=[NewRow(Kind.DATA, 1, 1, BODY)], acked=[(first, first + chunk - 1)])
        began_s, worked_s = time.perf_counter(), time.thread_time()
        outbox.commit(batch)
        took_ms.append((time.perf_counter() - began_s) * 1000)
        worked_ms.append((time.thread_time() - worked_s) * 1000)
        largest = max(largest, log.stat().st_size)
    while _left(outbox, rows):
        outbox.commit(Batch(rows=[NewRow(Kind.DATA, 1, 1, BODY)]))
    assert outbox.totals.acked.rows == rows
    outbox.close(clean=True)
    late_ms, work_ms = (sorted(ms)[int(len(ms) * 0.99)] for ms in (took_ms, worked_ms))
    figure("rows", rows)
    figure("commit, 99 %, ms", round(late_ms, 1))
    figure("of it work, 99 %, ms", round(work_ms, 1))
    figure("largest log, MB", round(largest / 1e6, 1))
    assert largest <= LOG_MB * 1_000_000
    assert work_ms <= COMMIT_MS


def _left(outbox, rows):
    (count,) = outbox._db.execute("SELECT count(*) FROM rows WHERE seq <= ?", (rows,)).fetchone()
    return count > 0
