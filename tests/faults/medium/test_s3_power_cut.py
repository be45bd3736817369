"""S3, F4: the power goes in a commit, a checkpoint, a deletion, a migration.

The store lies on an ext4 of its own. EXT4's shutdown ioctl without flushing its log leaves the
medium as a power cut does; then the file system is mounted again and the store opened.
"""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from faults.medium import storing
from faults.medium.disk import disk, needs_root
from faults.scale import rounds

from agent.store.inspect import report
from agent.store.sqlite import Outbox

pytestmark = [needs_root, pytest.mark.timeout(120)]

PROGRAM = Path(storing.__file__)
OLD_STORE = Path(__file__).parents[2] / "unit" / "agent" / "store" / "schema-2.db.gz"
OLD_SEQS = (1, 12)
LIFE_S = (0.002, 0.3)
"""From the first commit to the cut: commits take a millisecond or two here."""


def test_every_stored_row_survives_the_power_cut(tmp_path, dice, figure):
    """After each cut every row that was called stored is there or was acknowledged, and whole."""
    cuts = rounds(short=3, full=200)
    told = Told()
    with disk(tmp_path) as medium:
        path = medium.place / "chulian.db"
        epochs, slowest_s = set(), 0.0
        for number in range(cuts):
            life = storing.LIVES[number % len(storing.LIVES)]
            _live_until_the_cut(medium, path, life, dice.uniform(*LIFE_S), told)
            medium.detach()
            medium.attach()
            began_s = time.monotonic()
            outbox = Outbox.open(storing.settings(path, life))
            slowest_s = max(slowest_s, time.monotonic() - began_s)
            assert not outbox.opened_clean
            assert outbox.notice is None, outbox.notice.en
            epochs.add(outbox.epoch)
            told.holds(outbox, number)
            outbox.close(clean=False)
            assert report(path).sound
        medium.detach()
    assert (told.lost, len(epochs)) == (0, 1)
    figure("cuts", cuts)
    figure("rows stored", told.stored)
    figure("stored rows lost", told.lost)
    figure("slowest opening, s", round(slowest_s, 2))


def test_the_power_goes_while_the_store_is_brought_up_to_date(tmp_path, dice, figure):
    """F4: cut in the middle of a migration, the store is the old one or the new one, and whole."""
    cuts = rounds(short=1, full=40)
    early, lost = 0, 0
    wanted = _old_rows(tmp_path)
    with disk(tmp_path) as medium:
        path = medium.place / "chulian.db"
        for _ in range(cuts):
            for old in medium.place.glob("chulian.db*"):
                old.unlink()
            path.write_bytes(gzip.decompress(OLD_STORE.read_bytes()))
            subprocess.run(["sync", "--file-system", path], check=True)
            early += not _live_until_the_cut(medium, path, "commit", dice.uniform(0, 0.01), None)
            medium.detach()
            medium.attach()
            outbox = Outbox.open(storing.settings(path, "commit"))
            assert outbox.notice is None, outbox.notice.en
            there = outbox.read(*OLD_SEQS, max_bytes=10**9)
            lost += len(wanted - {(row.seq, row.body) for row in there})
            outbox.close(clean=True)
            assert report(path).sound
        medium.detach()
    figure("cuts in a migration", cuts)
    figure("cuts before the first commit after it", early)
    figure("rows of the old store lost", lost)
    assert lost == 0


def _old_rows(folder):
    """Give what waits in the store of the version before, opened in peace."""
    path = folder / "peace.db"
    path.write_bytes(gzip.decompress(OLD_STORE.read_bytes()))
    outbox = Outbox.open(storing.settings(path, "commit"))
    rows = {(row.seq, row.body) for row in outbox.read(*OLD_SEQS, max_bytes=10**9)}
    outbox.close(clean=True)
    assert len(rows) == outbox.totals.waiting.rows > 0
    return rows


class Told:
    """What the process was told in all its lives."""

    def __init__(self):
        self.stored = 0
        """Every number up to this one was called stored while there was power."""
        self.acked = 0
        """Every number up to this one may have been acknowledged."""
        self.written = 0
        """No number beyond this one was ever given to the store."""
        self.lost = 0
        """Stored rows that were not there after a cut."""

    def hear(self, before, after):
        """Take in what a life said before the cut, and what while it was made.

        The kernel may call a sync done that the cut has undone. Nobody was told so: the box is off.
        """
        self.stored = max([self.stored, *_numbers(before, b"s")])
        self.acked = max([self.acked, *_numbers(before + after, b"a")])
        self.written = max([self.stored, *_numbers(after, b"s")]) + storing.ROWS

    def holds(self, outbox, number):
        """Compare with the store: count what is missing; nothing has changed or is invented."""
        rows = {row.seq: row.body for row in outbox.read(1, 10**9, max_bytes=10**9)}
        last = outbox.totals.last_seq
        missing = set(range(self.acked + 1, self.stored + 1)) - rows.keys()
        self.lost += len(missing)
        if missing:
            print(f"cut {number}: {sorted(missing)} were stored and are gone")
        assert last <= self.written, "rows nobody wrote"
        assert rows == {seq: storing.body(seq) for seq in range(min(rows), last + 1)}
        assert not outbox.has_findings
        self.stored = last


def _numbers(text, word):
    """Give the last numbers of the whole lines that begin with a word."""
    lines = text[: text.rfind(b"\n") + 1].splitlines()
    return [int(line.rpartition(b" ")[2]) for line in lines if line.startswith(word)]


def _live_until_the_cut(medium, path, life, span_s, told):
    """Cut the power so long after the first commit, or after the opening began if none is told.

    Gives whether anything was stored.
    """
    with subprocess.Popen(
        [sys.executable, PROGRAM, path, life, "0"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
    ) as process:  # fmt: skip
        says = process.stdout
        before = says.read(2)
        while told is not None and b"s" not in before:
            before += says.read(100) or pytest.fail("it ended before it stored anything")
        time.sleep(span_s)  # the life of the process is the load
        os.set_blocking(says.fileno(), False)
        before += says.read(10**6) or b""
        medium.cut_power()
        process.kill()
        process.wait()
        after = says.read() or b""
    if told is not None:
        told.hear(before, after)
    return b"s" in before + after
