"""S7: single bits of the file flipped, anywhere: no changed value is sent, what is sound is."""

from __future__ import annotations

import random

import orjson
from faults.scale import rounds

from agent.config.model import Store
from agent.store.outbox import Batch, Kind, NewRow, StoreDamaged
from agent.store.sqlite import Outbox

ROWS, PER_COMMIT = 400, 20
WORST_SHARE = 0.95
"""Of the sound rows of any one file: 64 bits may hit the places of some rows on their pages."""
AROUND_BYTES = 48
"""A row's own columns stand before its body, its checksum after it."""


def body(number):
    """Make a body of 900 bytes that tells its number."""
    filler = random.Random(number).randbytes(420).hex()
    return orjson.dumps({"t0": number, "d": "cnc", "s": {"x": [number], "y": [filler]}})[1:]


def test_flipped_bits_cost_only_the_rows_they_hit(tmp_path, dice, figure):
    """1 to 64 flipped bits in each file: 0 wrong values, 99 % of the sound rows and more.

    No file is lost for a bit that many rows depend on: in its head, its counters, its tree.
    """
    trials = rounds(short=8, full=1000)
    store = Store(path=tmp_path / "s.db")
    outbox = Outbox.open(store)
    for start in range(1, ROWS + 1, PER_COMMIT):
        numbers = range(start, start + PER_COMMIT)
        outbox.commit(Batch(rows=[NewRow(Kind.DATA, 1, 2, body(n)) for n in numbers]))
    outbox.close(clean=True)
    sound_file = store.path.read_bytes()
    mark = store.path.with_name("s.db.mark").read_bytes()
    at = {n: sound_file.index(body(n)) for n in range(1, ROWS + 1)}
    kept = there = 0
    worst = 1.0
    for _ in range(trials):
        clear(store)
        flips = [dice.randrange(len(sound_file) * 8) for _ in range(dice.choice([1, 2, 8, 64]))]
        store.path.write_bytes(flipped(sound_file, flips))
        store.path.with_name("s.db.mark").write_bytes(mark)
        store.path.with_name("s.db.ballast").touch()
        found = rescued(store)
        assert all(content == body(n) for n, content in found.items()), "a wrong value"
        sound = {n for n in at if not any(hits(at[n], flip // 8) for flip in flips)}
        rescued_rows = len(sound & found.keys())
        kept, there = kept + rescued_rows, there + len(sound)
        worst = min(worst, rescued_rows / len(sound))
    figure("files", trials)
    figure("sound rows kept", f"{kept / there:.4%}")
    figure("worst file", f"{worst:.2%}")
    assert kept / there >= 0.99
    assert worst >= WORST_SHARE


def clear(store):
    """Let nothing of the file before be left."""
    for left in store.path.parent.iterdir():
        left.unlink()


def flipped(content, flips):
    """Give a file with bits changed."""
    changed = bytearray(content)
    for flip in flips:
        changed[flip // 8] ^= 1 << flip % 8
    return bytes(changed)


def hits(start, at):
    """Tell whether a byte belongs to a row whose body begins at `start`."""
    return start - AROUND_BYTES <= at < start + len(body(1)) + AROUND_BYTES


def rescued(store):
    """Read and salvage as an agent does that is started again when its file turns out damaged."""
    found = {}
    for _ in range(4):
        outbox = Outbox.open(store)
        try:
            while outbox.salvaging:
                outbox.salvage_step()
            rows = outbox.read(-(2**60), 2**60, max_bytes=2**40)
            found |= {r.n: r.body for r in rows if r.kind is Kind.DATA}
            outbox.commit(Batch(rows=[NewRow(Kind.EVENT, 1, 0, b'"t":1}')]))
            assert outbox.totals.stored.rows >= outbox.totals.waiting.rows
            outbox.close(clean=True)
        except StoreDamaged:
            outbox.close(clean=False)
        else:
            return found
    raise AssertionError("damaged again and again")
