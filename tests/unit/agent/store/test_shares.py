"""Several destinations of one store: each has its own place and its own law."""

from __future__ import annotations

import sqlite3

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.agent.store.outboxes import EVERYTHING, check_law, data, put
from unit.agent.store.outboxes import settings as store_settings

from agent.store.inspect import report
from agent.store.outbox import Batch, Rejection
from agent.store.sqlite import Outbox
from agent.telemetry.status import Count

MUST, MAY = ("province", True), ("cloud", False)


def served(store, *names):
    """Open a store for some destinations; give it and their numbers."""
    outbox = Outbox.open(store)
    outbox.serve(names)
    places = outbox.places([name for name, _ in names])
    return outbox, [places[name].number for name, _ in names]


def word(outbox, number, *ranges, refused=()):
    """Commit one destination's acknowledgements and refusals."""
    batch = Batch(acked_by=[(number, part) for part in ranges])
    batch.rejected_by = [(number, Rejection(seq, "NotWanted", 0x99)) for seq in refused]
    return outbox.commit(batch)


def owed(outbox, number):
    """Give the seqs that wait for one destination."""
    return [row.seq for row in outbox.read_for(number, *EVERYTHING, max_bytes=2**40)]


def events_for(outbox, number):
    """Give the events that wait for one destination, decoded."""
    rows = outbox.read_for(number, *EVERYTHING, max_bytes=2**40)
    return [orjson.loads(b"{" + r.body) for r in rows if b'"type"' in r.body]


def check_shares(outbox):
    """Hold each destination's law, and what waits for it against the rows."""
    check_law(outbox)
    stored, shares = outbox.seen
    for number, one in shares.items():
        waiting = one.counts.waiting(stored)
        assert waiting.rows == len(owed(outbox, number)) == one.waiting_rows
        assert sum(one.causes.values(), Count()) == one.counts.dropped
        assert min(waiting.rows, waiting.values) >= 0


def test_a_row_waits_until_everybody_who_must_have_it_has(tmp_path):
    """What one has accepted waits for the other, and leaves the store when both have."""
    outbox, (one, two) = served(store_settings(tmp_path), MUST, ("backup", True))
    put(outbox, data(), data(), data())
    word(outbox, one, (1, 3))
    assert (owed(outbox, one), owed(outbox, two)) == ([], [1, 2, 3])
    assert outbox.totals.waiting == Count(3, 3)
    word(outbox, two, (2, 2))
    assert outbox.totals.acked == Count(1, 1)
    check_shares(outbox)
    outbox.close(clean=True)


def test_a_best_effort_destination_holds_nothing_back(tmp_path):
    """Rows leave without it, and it still gets what is kept."""
    outbox, (must, may) = served(store_settings(tmp_path), MUST, MAY)
    put(outbox, data(), data())
    word(outbox, must, (1, 2))
    assert outbox.totals.waiting == Count()
    assert owed(outbox, may) == [1, 2]
    check_shares(outbox)
    outbox.close(clean=True)


def test_what_goes_while_it_is_away_is_counted_and_told_to_it_alone(tmp_path):
    """Kept rows that make room are dropped for who has not got them, and announced on return."""
    outbox, (must, may) = served(store_settings(tmp_path, keep_hours=0), MUST, MAY)
    put(outbox, data(), data())
    word(outbox, must, (1, 2))
    put(outbox, data())
    assert owed(outbox, may) == [3]
    check_shares(outbox)
    word(outbox, may, (3, 3))
    (told,) = events_for(outbox, may)
    assert (told["type"], told["dest"], told["reason"]) == ("dropped", "cloud", "behind")
    assert (told["from"], told["to"], told["rows"], told["values"]) == (1, 2, 2, 2)
    check_shares(outbox)
    outbox.close(clean=True)


def test_a_refusal_is_of_one_destination(tmp_path):
    """What one refuses is set aside for it and announced; the other still gets it."""
    outbox, (one, two) = served(store_settings(tmp_path), MUST, ("backup", True))
    put(outbox, data(), data())
    word(outbox, one, refused=[1])
    assert owed(outbox, two) == [1, 2, 3]
    told = events_for(outbox, two)[0]
    assert (told["type"], told["dest"], told["from"]) == ("rejected", "province", 1)
    word(outbox, two, (1, 3))
    word(outbox, one, (2, 3))
    assert (outbox.totals.acked, outbox.totals.rejected) == (Count(2, 1), Count(1, 1))
    assert outbox.totals.waiting == Count()
    check_shares(outbox)
    outbox.close(clean=True)


def test_places_outlive_a_restart(tmp_path):
    """Each destination goes on where it was; counters and what was not told too."""
    store = store_settings(tmp_path)
    outbox, (one, two) = served(store, MUST, ("backup", True))
    put(outbox, *[data()] * 9)
    word(outbox, one, (1, 4), (6, 7))
    before = outbox.seen
    outbox.close(clean=True)
    outbox, (one, two) = served(store, MUST, ("backup", True))
    assert owed(outbox, one) == [5, 8, 9]
    assert owed(outbox, two) == list(range(1, 10))
    assert outbox.seen == before
    outbox.close(clean=True)


@pytest.mark.parametrize("gone", ["province", "backup"])
def test_a_destination_that_is_taken_out_holds_nothing_back(tmp_path, gone):
    """With one destination left the store's law is its law."""
    store = store_settings(tmp_path)
    outbox, (one, _) = served(store, MUST, ("backup", True))
    put(outbox, *[data()] * 4)
    word(outbox, one, (1, 3))
    outbox.close(clean=True)
    left = "backup" if gone == "province" else "province"
    outbox, (number,) = served(store, (left, True))
    assert number == 0
    assert outbox.totals.waiting.rows == (4 if left == "backup" else 1)
    check_law(outbox)
    outbox.close(clean=True)


def test_a_destination_that_joins_is_owed_what_waits(tmp_path):
    """Rows that had left before are not its concern."""
    store = store_settings(tmp_path)
    outbox, _ = served(store, MUST)
    put(outbox, *[data()] * 4)
    outbox.commit(Batch(acked=[(1, 3)]))
    outbox.close(clean=True)
    outbox, (one, two) = served(store, MUST, MAY)
    assert owed(outbox, one) == owed(outbox, two) == [4]
    check_shares(outbox)
    outbox.close(clean=True)


_SPANS = st.tuples(st.integers(1, 30), st.integers(0, 6)).map(lambda s: (s[0], s[0] + s[1]))
_STEPS = st.one_of(
    st.tuples(st.just("put"), st.integers(1, 4)),
    st.tuples(st.just("ack"), st.integers(0, 2), _SPANS),
    st.tuples(st.just("refuse"), st.integers(0, 2), st.integers(1, 30)),
    st.tuples(st.just("reopen")),
)


@given(steps=st.lists(_STEPS, max_size=25))
@settings(max_examples=40, deadline=None)
def test_every_law_holds_whatever_happens(tmp_path_factory, steps):
    """After any sequence of rows, words and restarts each law holds, and nobody misses a row."""
    store = store_settings(tmp_path_factory.mktemp("shares"), keep_hours=0)
    names = (MUST, ("backup", True), MAY)
    outbox, numbers = served(store, *names)
    for kind, *rest in steps:
        if kind == "put":
            put(outbox, *[data()] * rest[0])
        elif kind == "ack":
            word(outbox, numbers[rest[0]], rest[1])
        elif kind == "refuse":
            word(outbox, numbers[rest[0]], refused=[rest[1]])
        else:
            outbox.close(clean=True)
            outbox, numbers = served(store, *names)
        check_shares(outbox)
    outbox.close(clean=True)


# -- looked into from outside ----------------------------------------------------------------------


@pytest.fixture
def closed(tmp_path):
    """A store of two destinations: one has acknowledged, refused and misses rows; closed."""
    store = store_settings(tmp_path, keep_hours=0)
    outbox, (must, may) = served(store, MUST, MAY)
    put(outbox, *[data(2)] * 3)
    word(outbox, must, (1, 2))
    put(outbox, data(2), data(2))  # the two have gone by now, and cloud never had them
    word(outbox, may, (3, 3), refused=[4])
    outbox.close(clean=True)
    return store


def test_verify_holds_each_destination_to_its_own_law(closed):
    """What its counters leave is what waits for it row by row, and each drop has a cause."""
    found = report(closed.path)
    assert found.sound
    province, cloud = found.shares
    assert (province.name, province.acked, province.dropped) == ("province", Count(2, 4), Count())
    assert (cloud.acked, cloud.rejected, cloud.dropped) == (
        Count(1, 2),
        Count(1, 2),
        Count(2, 4),
    )
    assert cloud.causes == {"behind": Count(2, 4)}
    assert cloud.waiting == cloud.found


@pytest.mark.parametrize(
    "lie",
    [
        "UPDATE destinations SET acked_rows = acked_rows + 1 WHERE name = 'cloud'",
        "UPDATE destinations SET settled_to = settled_to + 1 WHERE name = 'cloud'",
        "UPDATE destination_causes SET row_count = 1",
        "DELETE FROM rows WHERE seq = 5",
    ],
    ids=["counter", "place", "cause", "row"],
)
def test_verify_finds_what_is_not_true_of_a_destination(closed, lie):
    """A false counter, place or cause, or a row that is gone, is found."""
    with sqlite3.connect(closed.path) as other:
        other.execute(lie)
    other.close()
    assert not report(closed.path).sound


def test_a_drop_has_its_cause_with_each_destination(tmp_path):
    """What the store drops for room is dropped for all of them, under the same cause."""
    outbox, (one, two) = served(store_settings(tmp_path, max_mb=1), MUST, ("backup", True))
    for _ in range(12):
        put(outbox, data(3, b"x" * 100_000))
    assert outbox.causes["size"].rows
    seen = outbox.seen[1]
    assert seen[one].causes == seen[two].causes == dict(outbox.causes)
    check_shares(outbox)
    outbox.close(clean=True)


def test_destinations_come_and_go_while_the_store_is_open(tmp_path):
    """One becomes two and one again; nothing that waits is forgotten, and every law holds."""
    outbox = Outbox.open(store_settings(tmp_path))
    outbox.serve([MUST])
    put(outbox, *[data()] * 3)
    outbox.commit(Batch(acked=[(1, 1)]))
    outbox.serve([MUST, ("backup", True)])
    one, two = (outbox.places(["province", "backup"])[n].number for n in ("province", "backup"))
    assert owed(outbox, one) == owed(outbox, two) == [2, 3]
    put(outbox, data())
    word(outbox, one, (2, 4))
    check_shares(outbox)
    outbox.serve([MUST, ("backup", True), MAY])
    assert owed(outbox, outbox.places(["cloud"])["cloud"].number) == [2, 3, 4]
    check_shares(outbox)
    outbox.serve([("backup", True)])
    assert outbox.seen is None
    assert outbox.places(["backup"])["backup"].waiting == (2, 4)
    assert outbox.totals.waiting == Count(3, 3)
    check_law(outbox)
    outbox.close(clean=True)


def test_one_that_is_away_for_days_takes_nothing_from_another(tmp_path):
    """A full store drops what only the absent one lacks; who is there misses not a row."""
    outbox, (there, away) = served(store_settings(tmp_path, max_mb=1), MUST, ("backup", True))
    for _ in range(30):
        put(outbox, data(3, b"x" * 100_000))
        word(outbox, there, (1, outbox.totals.last_seq))
        assert owed(outbox, there) == []
    seen = outbox.seen[1]
    assert seen[there].counts.dropped == Count()
    assert seen[away].causes["size"].rows >= 20
    check_shares(outbox)
    outbox.close(clean=True)


def test_destinations_that_cannot_be_noted_are_as_before(tmp_path, monkeypatch):
    """Where the disk refuses a change of destinations, those of before go on, and try again."""
    outbox, (one, two) = served(store_settings(tmp_path), MUST, ("backup", True))
    put(outbox, data(), data())
    word(outbox, one, (1, 1))
    with monkeypatch.context() as patch:

        def refuse(*_args, **_fields):
            raise sqlite3.OperationalError("disk I/O error")

        patch.setattr(outbox._books.position, "write", refuse)
        with pytest.raises(sqlite3.OperationalError):
            outbox.serve([MUST])
    assert (owed(outbox, one), owed(outbox, two)) == ([2], [1, 2])
    word(outbox, two, (1, 2))
    check_shares(outbox)
    outbox.serve([MUST])
    assert outbox.totals.waiting == Count(1, 1)
    check_law(outbox)
    outbox.close(clean=True)
