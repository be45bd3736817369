"""A store that the version before has written: everything in it is there, and goes on."""

from __future__ import annotations

import gzip
from pathlib import Path

from unit.agent.store.outboxes import ack, check_law, data, put, reopened, seqs, waiting

from agent.store.file import SCHEMA_VERSION
from agent.store.inspect import report
from agent.store.sqlite import Outbox
from agent.telemetry.status import Count

WRITTEN = Path(__file__).with_name("schema-2.db.gz")
"""Made by the last program of schema 2: rows 1 to 12, of which 1-3, 6 and 7 were acknowledged, and
5 was refused, with evidence and a lesson."""


def test_a_store_of_the_version_before_goes_on(store):
    """Rows, numbers, counters, evidence and lessons are as they were; new rows get checksums."""
    store.path.write_bytes(gzip.decompress(WRITTEN.read_bytes()))
    outbox = Outbox.open(store)
    assert seqs(outbox) == [4, 8, 9, 10, 11, 12]
    assert waiting(outbox)[0].body == b'"n":4}'
    totals = outbox.totals
    assert (totals.stored, totals.acked, totals.rejected) == (
        Count(12, 20),
        Count(5, 10),
        Count(1, 2),
    )
    assert totals.waiting == Count(6, 8)
    assert outbox.evidence() == [("cnc", "2026-11-23", 5, True, 1, 1, 2)]
    assert outbox.lessons() == [("cnc", "g", "x", 5)]
    assert outbox.notice is None
    put(outbox, data(2))
    ack(outbox, (4, 9))
    check_law(outbox)
    outbox = reopened(outbox, store)
    assert seqs(outbox) == [10, 11, 12, 13]
    assert [r.seq for r in outbox.replay(1, 99, max_bytes=9999)] == [4, 8, 9]
    assert outbox._db.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    (sealed,) = outbox._db.execute("SELECT crc IS NOT NULL FROM rows WHERE seq = 13").fetchone()
    assert sealed
    outbox.close(clean=True)
    assert report(store.path).sound
