"""A process that stores as fast as it can and tells, line by line, what it was told is stored.

    python storing.py STORE LIFE COMMITS

`o` before the store is opened. `s FIRST LAST` after a commit: these rows are stored. `a LAST`
before one: it will acknowledge all up to LAST. Every body follows from its number. LIFE is what the
store is made to do most of the time: `commit`, `checkpoint` (the log goes into the file again and
again) or `delete` (nothing is kept for replay: acknowledged rows are deleted at once). With 0
COMMITS it goes on until it is killed.
"""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path

from agent.config.model import Store
from agent.store.outbox import Batch, Kind, NewRow
from agent.store.sqlite import Outbox

ROWS = 5
WAITING = 400
"""So many rows wait at most; beyond it the oldest are acknowledged."""
LIVES = ("commit", "checkpoint", "delete")


def body(seq):
    """Give the content of a row, of a length that follows from its number too."""
    return b'"t0":%d,"x":"%s"}' % (seq, b"%08x" % (seq * 2654435761 % 2**32) * (seq % 97 + 5))


def settings(path, life):
    """Give the settings of the store."""
    return Store(path=path, keep_hours=0 if life == "delete" else 72)


def main(path, life, commits):
    """Store until killed, or so many commits."""
    _tell("o")
    outbox = Outbox.open(settings(path, life))
    if life == "checkpoint":
        outbox._db.execute("PRAGMA wal_autocheckpoint = 8")
    for _ in range(commits) if commits else itertools.count():
        last = outbox.totals.last_seq
        acked = last - (WAITING if not commits else 12)
        if acked > 0:
            _tell(f"a {acked}")
        rows = [NewRow(Kind.DATA, seq, 1, body(seq)) for seq in range(last + 1, last + 1 + ROWS)]
        done = outbox.commit(Batch(rows=rows, acked=[(1, acked)] if acked > 0 else []))
        _tell(f"s {done.rows[0].seq} {done.rows[-1].seq}")
    os._exit(0)


def _tell(line):
    os.write(1, line.encode() + b"\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
