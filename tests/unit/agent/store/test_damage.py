"""A medium that changes, loses or tears what was stored: told, counted, and never handed out."""

from __future__ import annotations

import random
import shutil
import time

import orjson
import pytest
from unit.agent.store.outboxes import (
    EVERYTHING,
    ack,
    check_law,
    data,
    event,
    events,
    put,
    reopened,
    seqs,
    settings,
    waiting,
)

from agent.publish.payload import join_rows
from agent.store.file import PAGE_BYTES
from agent.store.inspect import report
from agent.store.mark import SLOT_BYTES, MarkFile, read_mark
from agent.store.outbox import StoreDamaged
from agent.store.sqlite import Outbox
from agent.telemetry.status import Count
from simulators.platform.checks import Checker

FLIPPED_STORES = 12
ROWS = 400


def body(number, size=900):
    """Make a body that tells its number, and is a block that the platform accepts."""
    filler = random.Random(number).randbytes(size // 2).hex()
    block = {"t0": number, "d": "cnc", "g": "g", "t": [0], "s": {"x": [number], "y": [filler]}}
    return orjson.dumps(block)[1:]


def filled(store, rows=ROWS, *, acked=0):
    """Make a store of many rows, in many commits, and close it."""
    outbox = Outbox.open(store)
    for start in range(0, rows, 20):
        put(outbox, *(data(2, body(n)) for n in range(start + 1, start + 21)))
    if acked:
        ack(outbox, (1, acked))
    outbox.close(clean=True)


def salvaged(outbox):
    """Bring over everything that can be."""
    while outbox.salvaging:
        outbox.salvage_step()


def flip(path, rng, bits):
    """Change single bits of a file, anywhere."""
    content = bytearray(path.read_bytes())
    for _ in range(bits):
        at = rng.randrange(len(content))
        content[at] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


def data_by_number(outbox):
    """Read every data row that waits; give bodies by epoch and number on the wire."""
    rows = [r for r in waiting(outbox) if r.kind == 0]
    epochs = [r.life.epoch if r.life else outbox.epoch for r in rows]
    return {(e, r.n): r.body for e, r in zip(epochs, rows, strict=True)}


# -- rows ------------------------------------------------------------------------------------------


def test_a_row_whose_bytes_changed_is_never_handed_out(outbox):
    """It is dropped as corrupt, counted, kept aside, and announced with its number."""
    put(outbox, data(3, b'"a":1}'), data(4, b'"b":2}'), data(5, b'"c":3}'))
    outbox._db.execute("UPDATE rows SET body = CAST('\"b\":9}' AS BLOB) WHERE seq = 2")
    assert seqs(outbox) == [1, 3]
    assert outbox.has_findings
    done = put(outbox)
    assert done.announced == ((4, 4),)
    (told,) = events(outbox)
    assert (told["type"], told["reason"], told["from"], told["to"]) == ("dropped", "corrupt", 2, 2)
    assert (told["rows"], told["values"]) == (1, 4)
    assert outbox.causes == {"corrupt": Count(1, 4)}
    assert outbox._db.execute("SELECT seq, reason FROM rejected").fetchall() == [(2, "corrupt")]


@pytest.mark.parametrize("column", ["kind", "mv", "t_ms", "n", "crc"])
def test_every_column_is_covered_by_the_checksum(outbox, column):
    """A row under another time, kind or count is as false as one with another body."""
    put(outbox, data(1), data(1))
    outbox._db.execute(f"UPDATE rows SET {column} = coalesce({column}, 0) + 1 WHERE seq = 1")
    assert seqs(outbox) == [2]
    put(outbox)


def test_a_row_that_vanished_is_counted(outbox):
    """Every number that waits is a row; one that is not there is announced as corrupt."""
    put(outbox, *(data(2) for _ in range(5)))
    outbox._db.execute("DELETE FROM rows WHERE seq IN (2, 3)")
    assert seqs(outbox) == [1, 4, 5]
    put(outbox)
    (told,) = events(outbox)
    assert (told["from"], told["to"], told["rows"]) == (2, 3, 2)
    ack(outbox, (1, 9))
    assert outbox.totals.waiting == Count()


def test_a_row_written_without_checksum_needs_one(outbox):
    """Only rows of an older version may be without one: a damaged row cannot pass for old."""
    put(outbox, data())
    outbox._db.execute("UPDATE rows SET crc = NULL")
    assert seqs(outbox) == []
    put(outbox)


# -- the mark --------------------------------------------------------------------------------------


def test_commits_that_the_medium_took_back_are_counted_exactly(store):
    """When the file is older than its mark, the difference is lost, told, and numbers go on."""
    outbox = Outbox.open(store)
    put(outbox, *(data(2) for _ in range(5)))
    outbox.close(clean=True)
    shutil.copy(store.path, store.path.with_name("older"))
    outbox = Outbox.open(store)
    put(outbox, *(data(3) for _ in range(4)))
    epoch = outbox.epoch
    outbox.close(clean=True)
    shutil.copy(store.path.with_name("older"), store.path)
    outbox = Outbox.open(store)
    assert outbox.epoch != epoch
    assert outbox.causes == {"medium": Count(4, 12)}
    assert "4" in outbox.notice.zh
    (told,) = events(outbox)
    assert told["ep"] == epoch
    assert (told["from"], told["to"], told["rows"], told["reason"]) == (6, 9, 4, "medium")
    old = [r for r in waiting(outbox) if r.kind == 0]
    assert [(r.n, r.life.epoch) for r in old] == [(n, epoch) for n in range(1, 6)]
    (row,) = put(outbox, data()).rows
    assert (row.n, row.life.epoch) == (2, outbox.epoch)
    check_law(outbox)
    outbox = reopened(outbox, store)
    assert put(outbox, data()).rows[0].n == 3
    assert outbox.notice is None
    outbox.close(clean=True)


def test_a_log_with_one_changed_byte_is_found_out(store, tmp_path):
    """A byte in the middle of SQLite's log takes later commits back; each one is counted."""
    outbox = Outbox.open(store)
    outbox._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for _ in range(60):
        put(outbox, data(2, body(7, 300)))
    images = tmp_path / "images"
    log = store.path.name + "-wal"
    size = store.path.with_name(log).stat().st_size
    rng = random.Random(5)
    for trial in range(20):
        place = images / str(trial)
        shutil.copytree(tmp_path, place, ignore=shutil.ignore_patterns("images", "*.lock"))
        content = bytearray((place / log).read_bytes())
        content[rng.randrange(100, size)] ^= 1 << rng.randrange(8)
        (place / log).write_bytes(content)
        again = Outbox.open(settings(place))
        have = [r for r in waiting(again) if r.kind == 0]
        lost = again.causes.get("medium", Count())
        assert len(have) + lost.rows == 60
        assert lost.rows == 0 or again.epoch != outbox.epoch
        again.close(clean=True)
    outbox.close(clean=True)


@pytest.mark.parametrize("slot", [0, 1])
def test_a_torn_mark_leaves_the_one_before(store, slot):
    """Half of a slot is no mark: the other one counts, and is at most one commit older."""
    outbox = Outbox.open(store)
    for _ in range(3):
        put(outbox, data())
    outbox.close(clean=True)
    newest = read_mark(store.path).last_seq
    path = store.path.with_name(store.path.name + ".mark")
    content = bytearray(path.read_bytes())
    content[slot * SLOT_BYTES + 40] ^= 0xFF
    path.write_bytes(content)
    assert read_mark(store.path).last_seq in {newest - 1, newest}
    path.write_bytes(b"")
    assert MarkFile(store.path).last is None


def test_a_file_that_is_gone_is_told_of(store):
    """Who deletes a store with rows in it finds a fresh one that says what was lost."""
    filled(store, 40, acked=30)
    epoch = read_mark(store.path).epoch
    store.path.unlink()
    outbox = Outbox.open(store)
    state, told = events(outbox)
    assert (state["type"], state["state"], state["ep"]) == ("store", "missing", epoch)
    assert (told["from"], told["to"], told["rows"], told["ep"]) == (31, 40, 10, epoch)
    check_law(outbox)
    outbox.close(clean=True)


# -- set aside and salvaged ------------------------------------------------------------------------


def test_what_is_sound_in_a_damaged_file_is_brought_over_under_its_old_numbers(store):
    """A file whose tree is broken gives every row back; the platform sees epoch and number."""
    filled(store, 200, acked=150)
    epoch = read_mark(store.path).epoch
    content = bytearray(store.path.read_bytes())
    content[:100] = b"\xaa" * 100
    store.path.write_bytes(content)
    began_s = time.monotonic()
    outbox = Outbox.open(store)
    assert time.monotonic() - began_s < 5
    assert "0%" in outbox.salvaging.en
    put(outbox, data(1, body(1)))
    salvaged(outbox)
    found = data_by_number(outbox)
    old = {n: b for (e, n), b in found.items() if e == epoch}
    assert old == {n: body(n) for n in range(151, 201)}
    last = events(outbox)[-1]
    assert (last["state"], last["rows"], last["values"], last["ep"]) == ("salvaged", 50, 100, epoch)
    messages = [
        join_rows([row], gateway="gw", epoch=outbox.epoch, clock="sync") for row in waiting(outbox)
    ]
    checker = Checker(full_first=10**6)
    for row, message in zip(waiting(outbox), messages, strict=True):
        document = orjson.loads(message)
        checker.check("event" if row.kind else "data", document, gateway="gw")
        assert document["ep"] == (row.life.epoch if row.life else outbox.epoch)
    ack(outbox, EVERYTHING)
    assert outbox.totals.waiting == Count()
    check_law(outbox)
    outbox.close(clean=True)
    assert report(store.path).sound


def test_a_salvage_that_was_interrupted_goes_on(store, monkeypatch):
    """After each step the process may die: no row comes twice, none is left behind."""
    monkeypatch.setattr("agent.store.salvage.STEP_ROWS", 15)
    filled(store, 200)
    content = bytearray(store.path.read_bytes())
    content[:100] = b"\xaa" * 100
    store.path.write_bytes(content)
    outbox = Outbox.open(store)
    while outbox.salvaging:
        outbox.salvage_step()
        outbox = reopened(outbox, store, clean=False)
    assert [r.n for r in waiting(outbox) if r.life] == list(range(1, 201))
    check_law(outbox)
    outbox.close(clean=True)


@pytest.mark.parametrize("seed", range(FLIPPED_STORES))
def test_flipped_bits_cost_at_most_the_rows_they_hit(store, seed):
    """1 to 64 flipped bits: no changed value is handed out, and 99 % of the sound rows are."""
    rng = random.Random(seed)
    filled(store)
    bits = rng.choice([1, 2, 8, 64])
    flip(store.path, rng, bits)
    outbox = Outbox.open(store)
    found = read_to_the_end(outbox, store)
    assert all(content == body(n) for n, content in found.items())
    hit = min(bits, ROWS)
    assert len(found) >= 0.99 * (ROWS - hit) - page_rows(bits)


def page_rows(bits):
    """Rows that share a page with a flipped bit of its few bytes of structure, at this chance."""
    return 8 if bits <= 8 else 24


def read_to_the_end(outbox, store):
    """Read and salvage as an agent does that is started again when its file turns out damaged."""
    found = {}
    for _ in range(3):
        try:
            salvaged(outbox)
            found |= {r.n: r.body for r in waiting(outbox) if r.kind == 0 and b"cnc" in r.body}
            put(outbox, event())
            totals = outbox.totals
            parts = (totals.acked, totals.rejected, totals.dropped, totals.waiting)
            assert totals.stored == sum(parts, Count())
            outbox.close(clean=True)
        except StoreDamaged:
            outbox.close(clean=False)
            outbox = Outbox.open(store)
        else:
            return found
    pytest.fail("damaged again and again")


def test_only_one_file_is_kept_aside(store):
    """A second damaged file replaces the first: the disk does not fill with them."""
    for _ in range(3):
        store.path.write_bytes(b"garbage" * 3000)
        Outbox.open(store).close(clean=True)
        store.path.write_bytes(b"other" * 3000)
        Outbox.open(store).close(clean=True)
    names = sorted(p.name for p in store.path.parent.iterdir())
    assert [n for n in names if "quarantine" in n] == ["store.db.quarantine"]


def test_pages_torn_off_the_end_are_found(store):
    """A file cut short, and one whose last pages are zero, is noticed; what is left is kept."""
    for damage in ("cut", "zero"):
        filled(store)
        size = store.path.stat().st_size
        with store.path.open("r+b") as file:
            file.truncate(size - 3 * PAGE_BYTES)
            if damage == "zero":
                file.truncate(size)
        found = read_to_the_end(Outbox.open(store), store)
        assert all(content == body(n) for n, content in found.items())
        assert len(found) > ROWS * 0.9
        for left in store.path.parent.iterdir():
            left.unlink()


def test_damage_found_while_running_is_set_aside_by_the_next_start(store):
    """A tree that breaks under way ends this run with a clear error, and only this one."""
    filled(store, 200)
    outbox = Outbox.open(store)
    (root,) = outbox._db.execute(
        "SELECT rootpage FROM sqlite_master WHERE name = 'rows'"
    ).fetchone()
    outbox.close(clean=True)
    content = bytearray(store.path.read_bytes())
    content[(root - 1) * PAGE_BYTES + 100 : root * PAGE_BYTES] = b"\xff" * (PAGE_BYTES - 100)
    store.path.write_bytes(content)
    found = read_to_the_end(Outbox.open(store), store)
    assert len(found) == 200
