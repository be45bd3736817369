"""The outbox, one operation after the other: what goes in comes out, and the counters know."""

from __future__ import annotations

import re
import sqlite3

import pytest
from unit.agent.store.outboxes import (
    EVERYTHING,
    T_MS,
    ack,
    check_law,
    data,
    event,
    events,
    put,
    reject,
    reopened,
    seqs,
    waiting,
)

from agent.store.aside import KEPT_REJECTED_ROWS
from agent.store.outbox import Batch, Kind, Row
from agent.store.sqlite import Outbox
from agent.telemetry.status import Count
from simulators.platform.checks import load_schema


def test_a_row_comes_back_as_it_was(outbox):
    """Kind, time, values and body of a row are read back unchanged, under seqs from 1."""
    done = put(outbox, data(3, b'"x":1}'), event(b'"y":2}', t_ms=5))
    expected = (
        Row(1, Kind.DATA, 0, T_MS, 3, b'"x":1}'),
        Row(2, Kind.EVENT, 0, 5, 0, b'"y":2}'),
    )
    assert done.rows == expected == tuple(waiting(outbox))
    assert (done.announced, done.gone) == ((), ())
    assert (outbox.totals.stored, outbox.totals.waiting) == (Count(2, 3), Count(2, 3))


def test_an_empty_store_has_nothing(outbox):
    """A new store has no range, no oldest row, and was left in order."""
    assert (outbox.waiting_range, outbox.oldest_t_ms(), outbox.opened_clean) == (None, None, True)
    assert outbox.read(*EVERYTHING, max_bytes=100) == []
    assert outbox.evidence() == []
    assert outbox.limit_bytes == 1_024_000_000


def test_acknowledged_rows_leave(outbox):
    """Ranges of acknowledged rows leave and are counted in rows and values."""
    put(outbox, *(data(n) for n in range(1, 7)))
    ack(outbox, (1, 2), (5, 5))
    assert seqs(outbox) == [3, 4, 6]
    assert outbox.totals.acked == Count(3, 1 + 2 + 5)
    assert outbox.totals.waiting == Count(3, 3 + 4 + 6)


def test_acknowledging_twice_or_what_is_not_there_counts_nothing(outbox):
    """A second acknowledgement, and one of rows nobody stored, changes no counter."""
    put(outbox, data(2), data(3))
    ack(outbox, (1, 1), (1, 1))
    ack(outbox, (1, 1), (90, 95), (0, 0))
    assert outbox.totals.acked == Count(1, 2)
    assert seqs(outbox) == [2]


def test_rows_can_be_stored_and_acknowledged_in_one_batch(outbox):
    """A batch that stores and acknowledges does both, in that order."""
    done = outbox.commit(Batch(rows=[data(1), data(2)], acked=[(1, 1)]))
    assert [row.seq for row in done.rows] == [1, 2]
    assert seqs(outbox) == [2]


def test_a_rejected_row_is_kept_aside_and_announced(outbox):
    """A rejected row is set aside whole, counted, and told of by an event in the same commit."""
    put(outbox, data(7, b'"a":1}'))
    done = reject(outbox, 1, reason="PayloadFormatInvalid", code=0x99)
    assert done.announced == ((2, 2),)
    assert outbox.totals.rejected == Count(1, 7)
    (told,) = events(outbox)
    assert told.pop("t") > 0
    assert told == {
        "type": "rejected", "from": 1, "to": 1, "rows": 1, "values": 7,
        "reason": "PayloadFormatInvalid", "code": 0x99,
    }  # fmt: skip
    kept = outbox._db.execute("SELECT * FROM rejected").fetchall()
    assert kept == [(1, 0, T_MS, 7, "PayloadFormatInvalid", 0x99, b'"a":1}')]


def test_a_rejected_event_is_announced_but_not_a_rejected_announcement(outbox):
    """A refused event is told of like data; telling of a refused announcement would never end."""
    put(outbox, event())
    assert reject(outbox, 1).announced == ((2, 2),)
    assert [e["from"] for e in events(outbox)] == [1]
    assert reject(outbox, 2).announced == ()
    assert outbox.totals.rejected == Count(2, 0)
    assert seqs(outbox) == []


def test_rejecting_what_is_not_there_counts_nothing(outbox):
    """A row rejected twice, acknowledged before, or never stored is rejected once or not at all."""
    put(outbox, data(), data())
    ack(outbox, (1, 1))
    assert reject(outbox, 1, 99).announced == ()
    reject(outbox, 2, 2)
    assert outbox.totals.rejected == Count(1, 1)


def test_only_so_many_rejected_rows_are_kept_aside(outbox):
    """The rows kept aside are bounded, the newest stay; the counter goes on."""
    many = KEPT_REJECTED_ROWS + 5
    put(outbox, *(data() for _ in range(many)))
    reject(outbox, *range(1, many + 1))
    kept = outbox._db.execute("SELECT min(seq), count(*) FROM rejected").fetchone()
    assert kept == (6, KEPT_REJECTED_ROWS)
    assert outbox.totals.rejected.rows == many


def test_reading_stops_at_the_size_but_gives_at_least_one_row(outbox):
    """A read gives rows in order until the size is reached, the row that reaches it included."""
    put(outbox, *(data(body=b"x" * 100) for _ in range(5)))
    assert [r.seq for r in outbox.read(1, 5, max_bytes=1)] == [1]
    assert [r.seq for r in outbox.read(1, 5, max_bytes=200)] == [1, 2]
    assert [r.seq for r in outbox.read(2, 4, max_bytes=10_000)] == [2, 3, 4]
    assert outbox.read(6, 9, max_bytes=10_000) == []


def test_the_oldest_time_is_that_of_the_lowest_seq(outbox):
    """The oldest row is the first stored one, whatever the wall clock said."""
    put(outbox, data(t_ms=500), data(t_ms=100))
    assert outbox.oldest_t_ms() == 500
    ack(outbox, (1, 1))
    assert outbox.oldest_t_ms() == 100


def test_evidence_is_replaced_and_kept(outbox, store):
    """A later row of a device and day replaces the earlier one; other days stay."""
    first = ("cnc-1", "2026-11-22", 10, False, 0, 1, 2)
    later = ("cnc-1", "2026-11-22", 20, True, 5, 1, 9)
    other = ("cnc-1", "2026-11-21", 1, False, 0, 1, 1)
    outbox.commit(Batch(evidence=[first]))
    outbox.commit(Batch(evidence=[later, other]))
    assert outbox.evidence() == [other, later]


def test_everything_outlives_a_restart(store):
    """Rows, counters, epoch and evidence are there after closing; the seq goes on."""
    outbox = Outbox.open(store)
    put(outbox, data(2), data(3), data(4))
    ack(outbox, (2, 2))
    reject(outbox, 3)
    outbox.commit(Batch(evidence=[("d", "2026-01-01", 1, True, 1, 1, 2)]))
    before = (outbox.totals, outbox.epoch, waiting(outbox), outbox.evidence())
    outbox = reopened(outbox, store)
    totals, epoch, rows, evidence = before
    assert (outbox.totals, outbox.epoch, waiting(outbox), outbox.evidence()) == before
    assert outbox.waiting_range == (rows[0].seq, rows[-1].seq) == (1, 4)
    assert put(outbox, data()).rows[0].seq == totals.last_seq + 1
    assert (epoch, evidence) == (outbox.epoch, outbox.evidence())
    outbox.close(clean=True)


def test_a_seq_is_never_given_twice_even_when_every_row_has_left(store):
    """After all rows were acknowledged and the store was closed, seqs go on rising."""
    outbox = Outbox.open(store)
    put(outbox, data(), data())
    ack(outbox, (1, 2))
    outbox = reopened(outbox, store)
    assert outbox.waiting_range is None
    assert [r.seq for r in put(outbox, data()).rows] == [3]
    outbox.close(clean=True)


def test_the_epoch_is_what_the_payload_allows(outbox):
    """The epoch of a store fits the pattern of the payload's schema."""
    pattern = load_schema()["$defs"]["data"]["properties"]["ep"]["pattern"]
    assert re.fullmatch(pattern, outbox.epoch)


def test_epochs_sort_by_the_time_of_their_making(tmp_path):
    """A store made later has a greater epoch; two of one moment have two."""
    from agent.store.identity import new_epoch

    times = [0, 1, 31, 32, 1_795_400_000_000, 1_795_400_000_001, 2**50 - 1]
    epochs = [new_epoch(t) for t in times]
    assert epochs == sorted(epochs)
    assert len(set(epochs)) == len(times)
    assert {len(e) for e in epochs} == {16}
    assert len({new_epoch(0) for _ in range(100)}) == 100


def test_the_meta_version_rises_when_the_meaning_changes(store):
    """Equal digests give one version over restarts, a new one the next; rows bear it."""
    outbox = Outbox.open(store)
    assert outbox.meta_version("a") == 1
    assert put(outbox, data()).rows[0].mv == 1
    outbox = reopened(outbox, store)
    assert outbox.meta_version("a") == 1
    outbox = reopened(outbox, store)
    assert outbox.meta_version("b") == 2
    assert outbox.meta_version("a") == 3
    put(outbox, data())
    assert [row.mv for row in waiting(outbox)] == [1, 3]
    outbox.close(clean=True)


def test_how_the_last_run_ended_is_known(store):
    """A store closed in order opens clean; one that was not says so, once."""
    outbox = Outbox.open(store)
    outbox = reopened(outbox, store, clean=False)
    assert not outbox.opened_clean
    outbox = reopened(outbox, store, clean=True)
    assert outbox.opened_clean
    outbox.close(clean=True)


def test_a_refused_commit_changes_nothing_and_can_be_repeated(outbox):
    """When the disk is full nothing of a batch happens; the same batch succeeds afterwards."""
    put(outbox, data(2))
    before = outbox.totals
    pages = outbox._db.execute("PRAGMA page_count").fetchone()[0]
    outbox._db.execute(f"PRAGMA max_page_count={pages}")
    batch = Batch(rows=[data(5, b"x" * 100_000)], acked=[(1, 1)])
    with pytest.raises(sqlite3.OperationalError, match="full"):
        outbox.commit(batch)
    assert outbox.totals == before
    assert seqs(outbox) == [1]
    check_law(outbox)
    outbox._db.execute("PRAGMA max_page_count=1000000")
    outbox.commit(batch)
    assert seqs(outbox) == [2]
    assert outbox.totals.acked == Count(1, 2)


def test_a_commit_on_a_closed_file_changes_no_counter(store):
    """A commit that cannot even begin leaves the counters as they were."""
    outbox = Outbox.open(store)
    put(outbox, data())
    before = outbox.totals
    outbox.close(clean=True)
    with pytest.raises(sqlite3.Error):
        put(outbox, data())
    assert outbox.totals == before


def test_a_foreign_failure_inside_a_commit_undoes_it(outbox):
    """Whatever goes wrong in the middle of a transaction, rows and counters stay together."""
    put(outbox, data())
    before = outbox.totals
    with pytest.raises(sqlite3.Error):
        outbox.commit(Batch(rows=[data(9)], evidence=[("only", "two")]))
    assert outbox.totals == before
    assert seqs(outbox) == [1]
