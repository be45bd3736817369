"""What goes over the limits of bytes and age: the oldest data, counted, announced, nothing else."""

from __future__ import annotations

import orjson
import pytest
from unit.agent.store.outboxes import (
    ack,
    check_law,
    data,
    event,
    events,
    put,
    seqs,
    settings,
    waiting,
)

from agent.store import limits
from agent.store.outbox import Kind
from agent.store.sqlite import Outbox
from agent.telemetry.status import Count

KB_100 = b"x" * 100_000
DAY_S = 86_400


@pytest.fixture
def small(tmp_path):
    """A store of one megabyte: ten rows of 100 kB are too many."""
    opened = Outbox.open(settings(tmp_path, max_mb=1))
    yield opened
    check_law(opened)
    opened.close(clean=True)


@pytest.fixture
def aging(tmp_path, clock):
    """A store whose rows grow too old after one day, and its clock."""
    opened = Outbox.open(settings(tmp_path, max_age_days=1))
    yield opened
    check_law(opened)
    opened.close(clean=True)


def fill(outbox, rows):
    """Store rows of 100 kB one by one; give every range that was dropped."""
    return [gone for _ in range(rows) for gone in put(outbox, data(3, KB_100)).gone]


def test_nothing_is_dropped_below_the_limit(small):
    """Nine rows of 100 kB stay in a store of one megabyte."""
    assert fill(small, 9) == []
    assert small.totals.dropped == Count()


def test_the_oldest_data_goes_first_and_is_announced_in_the_same_commit(small):
    """Over the limit the lowest seqs go, counted in rows and values, with one event."""
    fill(small, 9)
    done = put(small, data(3, KB_100))
    assert (done.gone, done.announced) == (((1, 1),), ((11, 11),))
    assert seqs(small) == [*range(2, 11), 11]
    assert small.totals.dropped == Count(1, 3)
    (told,) = events(small)
    del told["t"]
    assert told == {
        "type": "dropped", "from": 1, "to": 1, "rows": 1, "values": 3, "reason": "size",
    }  # fmt: skip


def test_an_episode_nobody_read_is_one_growing_event(small):
    """Drops that go on before anyone has read of them grow the same event row."""
    assert fill(small, 14) == [(n, n) for n in range(1, 6)]
    (told,) = events(small)
    assert [told[k] for k in ("from", "to", "rows", "values")] == [1, 5, 5, 15]
    assert small.totals.dropped == Count(5, 15)


def test_what_was_read_never_changes_and_a_new_episode_begins(small):
    """After its event was read, the next drop is told by a new event; the old one stays."""
    fill(small, 12)
    before = [r for r in waiting(small) if r.kind is Kind.EVENT]
    fill(small, 3)
    now = [r for r in waiting(small) if r.kind is Kind.EVENT]
    assert now[0] == before[0]
    first, second = events(small)
    assert (first["from"], first["to"], second["from"], second["to"]) == (1, 3, 4, 6)


def test_reading_other_rows_does_not_end_an_episode(small):
    """Only a read that gives the event row itself ends the episode."""
    fill(small, 11)
    assert [r.seq for r in small.read(3, 5, max_bytes=10**9)] == [3, 4, 5]
    fill(small, 2)
    assert len(events(small)) == 1


def test_an_announcement_that_has_left_is_followed_by_a_new_one(small):
    """When the growing event is gone from the store, the next drop still has its event."""
    fill(small, 10)
    ack(small, (11, 11))
    fill(small, 1)
    (told,) = events(small)
    assert (told["from"], told["to"], told["rows"]) == (2, 2, 1)
    assert small.totals.dropped.rows == 2


def test_a_refused_commit_leaves_the_episode_as_it_was(small):
    """A drop that was rolled back is neither counted nor in the growing event."""
    import sqlite3

    fill(small, 10)
    row = small._db.execute("SELECT body FROM rows WHERE kind = 1").fetchone()
    pages = small._db.execute("PRAGMA page_count").fetchone()[0]
    small._db.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        put(small, data(1, KB_100 * 9))
    assert small._db.execute("SELECT body FROM rows WHERE kind = 1").fetchone() == row
    assert small.totals.dropped == Count(1, 3)


def test_events_go_last(small):
    """A store full of events drops the data beside them first, and only then its oldest event."""
    for _ in range(9):
        put(small, event(KB_100))
    put(small, data(2, b"{"))
    assert small.totals.dropped == Count()
    put(small, event(KB_100))
    assert small.totals.dropped == Count(1, 2)
    assert seqs(small)[:2] == [1, 2]
    put(small, event(KB_100))
    assert small.totals.dropped.rows == 3
    assert seqs(small)[0] == 3
    assert events_left(small)[-1]["reason"] == "size"


def events_left(outbox):
    """Give the announcements that wait, decoded."""
    rows = [r for r in waiting(outbox) if b'"dropped"' in r.body]
    return [orjson.loads(b"{" + r.body) for r in rows]


def test_rows_of_the_same_batch_can_be_dropped(small):
    """A batch larger than the store keeps its newest rows; what it gave seqs to is announced."""
    done = put(small, *(data(1, KB_100) for _ in range(15)))
    assert [r.seq for r in done.rows] == list(range(1, 16))
    assert done.gone == ((1, 6),)
    assert seqs(small) == [*range(7, 16), 16]


def test_a_large_drop_is_made_in_chunks(small, monkeypatch):
    """No transaction drops more rows than its chunk; later commits go on."""
    monkeypatch.setattr(limits, "DROP_CHUNK_ROWS", 2)
    put(small, *(data(1, KB_100) for _ in range(15)))
    assert small.totals.dropped.rows == 2
    for _ in range(2):
        put(small, event())
    assert small.totals.dropped.rows == 6


def test_rows_grow_too_old_by_the_monotonic_clock(clock, aging):
    """A row that has waited longer than the age limit goes; younger ones stay."""
    put(aging, data(1), event())
    clock.pass_by(DAY_S / 2)
    put(aging, data(2))
    assert aging.totals.dropped == Count()
    clock.pass_by(DAY_S / 2 + 1)
    done = put(aging, data(3))
    assert done.gone == ((1, 1),)
    assert seqs(aging) == [2, 3, 4, 5]
    assert events(aging)[-1]["reason"] == "age"
    assert aging.totals.dropped == Count(1, 1)


def test_age_is_looked_at_once_a_minute(clock, aging):
    """Between two looks a row may be too old; the next look takes it."""
    put(aging, data(1))
    clock.pass_by(DAY_S - 1)
    put(aging, data(2))
    clock.pass_by(30)
    assert put(aging, data(3)).gone == ()
    clock.pass_by(31)
    assert put(aging, data(4)).gone == ((1, 1),)


def test_many_old_rows_go_commit_by_commit(clock, aging, monkeypatch):
    """While a full chunk was too old, the next commit looks again at once."""
    monkeypatch.setattr(limits, "DROP_CHUNK_ROWS", 2)
    put(aging, *(data(1) for _ in range(5)))
    clock.pass_by(DAY_S + 61)
    assert [put(aging, event()).gone for _ in range(4)] == [((1, 2),), ((3, 4),), ((5, 5),), ()]


def test_age_counts_the_time_the_store_was_open(clock, tmp_path):
    """Time while the agent was off does not age rows; time before a restart does."""
    store = settings(tmp_path, max_age_days=1)
    outbox = Outbox.open(store)
    put(outbox, data(1))
    clock.pass_by(DAY_S / 2)
    put(outbox, data(2))
    outbox.close(clean=True)
    clock.pass_by(10 * DAY_S)
    outbox = Outbox.open(store)
    clock.pass_by(DAY_S / 4)
    assert put(outbox, data(3)).gone == ()
    clock.pass_by(DAY_S / 4 + 1)
    assert put(outbox, data(4)).gone == ((1, 1),)
    outbox.close(clean=True)


def test_a_change_of_reason_begins_a_new_episode(clock, tmp_path):
    """Rows dropped for size and rows dropped for age are told by events of their own."""
    outbox = Outbox.open(settings(tmp_path, max_age_days=1, max_mb=1))
    fill(outbox, 10)
    clock.pass_by(DAY_S + 61)
    put(outbox, data())
    assert [(e["reason"], e["rows"]) for e in events(outbox)] == [("size", 1), ("age", 9)]
    check_law(outbox)
    outbox.close(clean=True)


def test_rows_without_a_state_go_before_those_with_one_and_events_last(small):
    """On a full store gauges are evicted first, then states, whatever their age."""
    put(small, event(), state(), state())
    fill(small, 30)
    kinds = [row.kind for row in waiting(small)]
    assert kinds.count(Kind.STATE) == 2
    assert small.totals.dropped == Count(21, 63)
    for _ in range(12):
        put(small, state(KB_100))
    kinds = [row.kind for row in waiting(small)]
    assert kinds.count(Kind.DATA) == 0
    assert kinds.count(Kind.EVENT) >= 2
    assert 1 in seqs(small)
    assert 2 not in seqs(small)


def test_urgent_rows_leave_no_more_holes_than_every_commit_can_carry(small, monkeypatch):
    """Where states lie between gauges everywhere, the oldest of both go; the sums hold."""
    monkeypatch.setattr(limits, "MOST_STRETCHES", 20)
    monkeypatch.setattr(limits, "DROP_CHUNK_ROWS", 4)
    short = b"x" * 2000
    for _ in range(600):
        put(small, state(short), data(3, short))
    settled = small._books.position.settled
    assert 10 < len(settled) <= 20 + 4
    kinds = [row.kind for row in waiting(small)]
    assert kinds.count(Kind.STATE) > kinds.count(Kind.DATA)
    assert small.totals.dropped.rows + len(kinds) == small.totals.stored.rows


def state(body=b'"t0":0}'):
    """Make a row that carries a machine's state."""
    return data(3, body)._replace(kind=Kind.STATE)


def test_only_what_was_dropped_is_told_to_be_gone(small):
    """Rows between those dropped that stay are in no range that a sender is to forget."""
    gone = []
    for _ in range(12):
        gone += put(small, state(), data(3, KB_100)).gone
    assert gone
    assert not any(first <= row.seq <= last for row in waiting(small) for first, last in gone)
