"""The book of losses in the store: kept with the rows, over restarts, and taken back with them."""

from __future__ import annotations

import sqlite3

import pytest
from unit.agent.store.outboxes import check_law, data, put, reject, reopened, settings

from agent.losses.spans import LossSpan, totals_by_cause
from agent.store.outbox import Batch
from agent.store.sqlite import Outbox

T_MS = 1_795_400_000_000
LATE = LossSpan("late", "m1", T_MS, T_MS + 1000, 1, 7)


@pytest.fixture
def store(tmp_path):
    return settings(tmp_path, max_mb=1)


def test_losses_outlive_a_restart(store):
    """What was noted is there after closing and after a crash."""
    outbox = Outbox.open(store)
    outbox.commit(Batch(losses=[LATE]))
    outbox = reopened(outbox, store)
    assert outbox.losses.spans == (LATE,)
    outbox = reopened(outbox, store, clean=False)
    outbox.commit(Batch(losses=[LATE]))
    assert totals_by_cause(outbox.losses.spans) == {"late": (2, 14)}
    outbox.close(clean=True)


def test_a_commit_that_fails_takes_its_losses_back(store, monkeypatch):
    """A loss is kept once, however often its batch is tried."""
    outbox = Outbox.open(store)

    def full(*_args):
        raise sqlite3.OperationalError("disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("agent.store.books.write_totals", full)
        with pytest.raises(sqlite3.OperationalError):
            outbox.commit(Batch(rows=[data(2)], losses=[LATE]))
    assert outbox.losses.spans == ()
    outbox.commit(Batch(rows=[data(2)], losses=[LATE]))
    assert totals_by_cause(outbox.losses.spans) == {"late": (1, 7)}
    outbox.close(clean=True)


def test_what_is_dropped_and_refused_is_in_the_book(store):
    """Rows that leave unsent are kept by cause with the time of what was in them."""
    outbox = Outbox.open(store)
    put(outbox, data(3), data(4))
    reject(outbox, 1)
    body = b'"t0":0,"x":"' + b"x" * 400_000 + b'"}'
    for n in range(4):
        put(outbox, data(5, body=body, t_ms=T_MS + n))
    check_law(outbox)
    assert totals_by_cause(outbox.losses.spans)["rejected"] == (1, 3)
    (span,) = [s for s in outbox.losses.spans if s.cause == "size"]
    assert span.from_ms == T_MS
    assert (span.times, span.amount) == (outbox.totals.dropped.rows, outbox.totals.dropped.values)
    outbox.close(clean=True)
