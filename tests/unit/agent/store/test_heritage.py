"""What a fresh store takes over of a damaged one at once: evidence, lessons, the clock's."""

from __future__ import annotations

import shutil
import time

import pytest
from unit.agent.store.outboxes import T_MS, check_law, data, put, reject, settings

from agent.clock.seals import Seals, Settled
from agent.losses.spans import LossSpan
from agent.store import limits
from agent.store.file import PAGE_BYTES
from agent.store.heritage import heritage
from agent.store.inspect import report
from agent.store.mark import read_mark
from agent.store.outbox import Batch, Committed
from agent.store.sqlite import Outbox
from agent.telemetry.status import Count

DAYS = [("cnc", f"2026-11-{day:02}", 1000 + day, True, 7, 1, 2) for day in range(1, 31)]
LESSONS = [("cnc", "g", "x" * 20_000, 5), ("@clock", "00ff00ff00ff00ff", '[[9,"sync",77]]', 1)]


def filled(store):
    """Leave a store with notes and rows around them; give its epoch."""
    outbox = Outbox.open(store)
    for day in DAYS:
        outbox.commit(Batch(rows=[data(1, b"x" * 3000)], evidence=[(*day[:2], 1, *day[3:])]))
        outbox.commit(Batch(rows=[data(1, b"x" * 3000)], evidence=[day]))
    put(outbox, data())
    outbox.commit(Batch(lessons=LESSONS))
    outbox.close(clean=True)
    return outbox.epoch


def spoil(path, at, size):
    """Let the medium lose a stretch of a file."""
    content = bytearray(path.read_bytes())
    content[at : at + size] = b"\xaa" * size
    path.write_bytes(content)


@pytest.mark.parametrize("at", [0, 3 * PAGE_BYTES, 9 * PAGE_BYTES])
def test_notes_are_in_the_fresh_store_as_soon_as_it_is_open(store, at):
    """Evidence and lessons of a damaged file are taken over before anybody asks for them."""
    epoch = filled(store)
    spoil(store.path, at, 200)
    with store.path.open("r+b") as file:  # whatever was hit: its books are not to be trusted
        file.write(b"\xaa" * 16)
    began_s = time.monotonic()
    outbox = Outbox.open(store)
    assert time.monotonic() - began_s < 5
    assert outbox.notice
    assert outbox.epoch != epoch
    assert set(outbox.evidence()) <= set(DAYS)
    assert at or outbox.evidence() == DAYS
    assert at or sorted(outbox.lessons()) == sorted(LESSONS)
    outbox.close(clean=True)


def test_sqlite_is_asked_where_it_can_read_the_file(store):
    """Books that contradict each other do not spoil the notes: what is current is taken."""
    filled(store)
    before = store.path.read_bytes()
    found = heritage(store.path)
    assert found.evidence == DAYS
    assert sorted(found.lessons) == sorted(LESSONS)
    assert store.path.read_bytes() == before
    assert not store.path.with_name(store.path.name + "-shm").exists()


def test_a_changed_note_is_not_believed(store):
    """Evidence and lessons whose checksum is false are left out; what is proven is never more."""
    filled(store)
    outbox = Outbox.open(store)
    outbox._db.execute("UPDATE evidence SET good = good + 1 WHERE day = '2026-11-05'")
    outbox._db.execute("UPDATE lessons SET text = 'y' WHERE device = 'cnc'")
    assert outbox.evidence() == [day for day in DAYS if day[1] != "2026-11-05"]
    assert outbox.lessons() == LESSONS[1:]
    outbox.close(clean=True)


def test_a_table_of_notes_that_cannot_be_read_is_set_aside_at_the_start(store):
    """The agent asks for evidence at once: a broken table must not end one start after another."""
    epoch = filled(store)
    outbox = Outbox.open(store)
    query = "SELECT rootpage FROM sqlite_master WHERE name = 'evidence'"
    (root,) = outbox._db.execute(query).fetchone()
    outbox.close(clean=True)
    spoil(store.path, (root - 1) * PAGE_BYTES, 100)
    outbox = Outbox.open(store)
    assert outbox.epoch != epoch
    assert sorted(outbox.lessons()) == sorted(LESSONS)
    outbox.close(clean=True)


def test_times_of_salvaged_rows_are_dated_as_they_were(store):
    """What was settled about a boot's clock holds for its rows in the fresh store too."""
    filled(store)
    spoil(store.path, 0, 100)
    outbox = Outbox.open(store)
    seals = Seals("another boot 000", outbox.lessons())
    assert seals._boots == {"00ff00ff00ff00ff": [Settled(9, "sync", 77)]}
    outbox.close(clean=True)


def test_a_box_that_wakes_up_in_1970_every_time_never_repeats_an_epoch(tmp_path, monkeypatch):
    """Two fresh stores of the same millisecond have two epochs, and marks that tell them apart."""
    monkeypatch.setattr("agent.store.identity.time.time_ns", lambda: 12_345_000_000)
    epochs = set()
    for life in range(3):
        store = settings(tmp_path / str(life))
        outbox = Outbox.open(store)
        put(outbox, data())
        outbox.close(clean=True)
        assert read_mark(store.path).epoch == outbox.epoch
        epochs.add(outbox.epoch)
    assert len(epochs) == 3


# -- ended while it was set aside ------------------------------------------------------------------


class EndedError(Exception):
    """The process ends here."""


def damaged(store):
    """Leave a store with 40 rows waiting, and damage that its next start will find."""
    outbox = Outbox.open(store)
    for number in range(40):
        put(outbox, data(1, b'"t0":%d' % number + b"x" * 900))
    outbox.close(clean=True)
    spoil(store.path, 0, 100)
    return outbox.epoch


def salvaged(store):
    """Open, and give the numbers that were brought over of an epoch before."""
    outbox = Outbox.open(store)
    while outbox.salvaging:
        outbox.salvage_step()
    rows = outbox.read(-(2**60), 2**60, max_bytes=2**40)
    found = [(r.life.epoch, r.n) for r in rows if r.life and r.kind == 0]
    outbox.close(clean=True)
    return found


@pytest.mark.parametrize(
    "where",
    [
        "agent.store.opening.set_aside",
        "pathlib.Path.rename",
        "agent.store.opening.begin_salvage",
        "agent.store.opening._write",
        "agent.store.opening.salvage_under_way",
    ],
)
def test_a_start_that_ends_while_setting_aside_is_made_good_by_the_next(
    store, tmp_path, monkeypatch, where
):
    """Wherever the process ends, the next start salvages every row, once."""
    epoch = damaged(store)

    def end(*_args, **_kwargs):
        shutil.copytree(store.path.parent, tmp_path / "image", dirs_exist_ok=True)
        raise EndedError

    with monkeypatch.context() as patch:
        patch.setattr(where, end)
        with pytest.raises(EndedError):
            Outbox.open(store)
    left = settings(tmp_path / "image").path.with_name(store.path.name)
    assert salvaged(store.model_copy(update={"path": left})) == [
        (epoch, number) for number in range(1, 41)
    ]


def test_a_start_that_ends_before_the_mark_of_a_new_life_is_no_other_store(store, monkeypatch):
    """What the medium lost is counted once, though the mark of the new life was never written."""
    outbox = Outbox.open(store)
    put(outbox, data(2))
    outbox.close(clean=True)
    older = store.path.read_bytes()
    outbox = Outbox.open(store)
    put(outbox, data(3))
    outbox.close(clean=True)
    store.path.write_bytes(older)
    with monkeypatch.context() as patch:
        patch.setattr("agent.store.mark.MarkFile.write", lambda *_, **__: None)
        Outbox.open(store).close(clean=False)
    outbox = Outbox.open(store)
    assert outbox.notice is None
    assert outbox.causes == {"medium": Count(1, 3)}
    outbox.close(clean=True)


# -- what was lost ---------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [0, 100])
def test_what_was_lost_is_known_in_the_fresh_store(store, at):
    """Spans of a damaged file are carried over, with their rows, and the law holds with them."""
    outbox = Outbox.open(store)
    put(outbox, data(2), data(3), data(4))
    reject(outbox, 2)
    poll = LossSpan("device_down", "cnc", T_MS, T_MS + 5, 3, 62)
    outbox.commit(Batch(losses=[poll]))
    outbox._transact(lambda: Committed((), *reversed(limits.drop(outbox._books, "size", 1, None))))
    before = {(s.cause, s.device, s.times, s.amount) for s in outbox.losses.spans}
    outbox.close(clean=True)
    spoil(store.path, at, 16 if at else 100)
    outbox = Outbox.open(store)
    while outbox.salvaging:
        outbox.salvage_step()
    assert {(s.cause, s.device, s.times, s.amount) for s in outbox.losses.spans} >= before
    assert (outbox.totals.rejected, outbox.causes["size"]) == (Count(1, 3), Count(1, 2))
    check_law(outbox)
    put(outbox, data())
    outbox.close(clean=True)
    assert report(store.path).sound


def test_a_changed_span_is_not_believed_and_is_told(store):
    """A span of loss whose checksum is false is left out, and `verify` counts it."""
    outbox = Outbox.open(store)
    outbox.commit(Batch(losses=[LossSpan("late", "cnc", T_MS, T_MS + 5, 3, 62)]))
    outbox._db.execute("UPDATE losses SET amount = 1")
    outbox.close(clean=True)
    found = report(store.path)
    assert (found.losses, found.false_spans, found.sound) == ((), 1, False)


def test_what_the_medium_lost_is_in_the_table_of_losses(store):
    """A loss that opening itself finds is still told after the next start."""
    outbox = Outbox.open(store)
    put(outbox, data(2))
    outbox.close(clean=True)
    store.path.unlink()
    Outbox.open(store).close(clean=True)
    outbox = Outbox.open(store)
    assert [(s.cause, s.amount) for s in outbox.losses.spans] == [("medium", 2)]
    check_law(outbox)
    outbox.close(clean=True)
