"""A store with a great many rows that wait, made by SQL: a backlog of weeks in a minute."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from agent.store.checksum import row_crc
from agent.store.outbox import Kind
from agent.store.sqlite import Outbox
from agent.store.totals import ROW_OVERHEAD_BYTES

T_MS, STEP_MS = 1_795_400_000_000, 1000
PAGE_CACHE_KIB = 65_536


def prefill(store, rows, body, *, values=1):
    """Make the store and put rows in, numbered from 1; `body(number)` gives their contents."""
    Outbox.open(store).close(clean=True)
    added = [0]

    def columns():
        for seq in range(1, rows + 1):
            content = body(seq)
            added[0] += len(content) + ROW_OVERHEAD_BYTES
            t_ms = T_MS + seq * STEP_MS
            crc = row_crc(seq, Kind.DATA, 1, t_ms, 0.0, values, content)
            yield seq, int(Kind.DATA), 1, t_ms, 0.0, values, content, crc

    with closing(sqlite3.connect(store.path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF")
        db.execute("PRAGMA journal_mode = OFF")
        db.execute(f"PRAGMA cache_size = -{PAGE_CACHE_KIB}")
        db.execute("BEGIN")
        db.executemany(
            "INSERT INTO rows (seq, kind, mv, t_ms, up_s, n, body, crc)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            columns(),
        )
        db.execute(
            "UPDATE totals SET stored_rows = ?, stored_values = ?, waiting_rows = ?,"
            " waiting_values = ?, waiting_bytes = ?, last_seq = ?",
            (rows, rows * values, rows, rows * values, added[0], rows),
        )
        db.execute("COMMIT")
        db.execute("PRAGMA journal_mode = WAL")
