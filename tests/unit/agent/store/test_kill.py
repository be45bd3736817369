"""SIGKILL of a process that stores: what it was told is stored is there, and whole."""

from __future__ import annotations

import subprocess
import sys

from agent.store.inspect import report
from agent.store.sqlite import Outbox

KILLS = 20
ROWS_PER_COMMIT = 3
CHILD = """
import sys
from pathlib import Path
from agent.config.model import Store
from agent.store.outbox import Batch, Kind, NewRow
from agent.store.sqlite import Outbox

outbox = Outbox.open(Store(path=Path(sys.argv[1])))
while True:
    seq = outbox.totals.last_seq
    rows = [NewRow(Kind.DATA, 1, 2, b"%d" % (seq + i)) for i in range(1, 4)]
    done = outbox.commit(Batch(rows=rows, acked=[(seq - 20, seq - 18)]))
    sys.stdout.write(f"{done.rows[-1].seq}\\n")
    sys.stdout.flush()
"""


def test_every_row_reported_as_stored_survives_sigkill(store):
    """After each of twenty kills every reported row is there or acknowledged, and the law holds."""
    reported, epochs = 0, set()
    for kill in range(KILLS):
        reported = max(reported, _live_and_die(store.path, lines=3 + kill))
        found = report(store.path)
        assert found.sound
        assert found.totals.last_seq >= reported
        assert found.totals.stored.rows == found.totals.last_seq
        epochs.add(found.epoch)
    assert len(epochs) == 1
    outbox = Outbox.open(store)
    assert not outbox.opened_clean
    rows = outbox.read(1, 2**62, max_bytes=2**40)
    assert all(row.body == b"%d" % row.seq for row in rows)
    assert rows[-1].seq == outbox.totals.last_seq
    outbox.close(clean=True)


def _live_and_die(path, *, lines):
    """Let a child store until it has reported so often, kill it, give the last seq it reported."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, text=True
    ) as child:
        told = [child.stdout.readline() for _ in range(lines)]
        child.kill()
        told += child.stdout.read().splitlines(keepends=True)
    return max(int(line) for line in told if line.endswith("\n"))
