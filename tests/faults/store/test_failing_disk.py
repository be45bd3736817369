"""System calls that fail: what was not synced is never called stored, and nothing comes twice."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from agent.config.model import Store
from agent.store.inspect import report
from agent.store.sqlite import Outbox

pytestmark = pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace injects the errors; fallback: test_full_disk"
)
COMMITS = 40
CHILD = """
import json, sqlite3, sys
from pathlib import Path
from agent.config.model import Store
from agent.store.outbox import Batch, Kind, NewRow
from agent.store.sqlite import Outbox

outbox = Outbox.open(Store(path=Path(sys.argv[1])))
accepted, refused, number = [], 0, 0
for number in range(1, 41):
    batch = Batch(rows=[NewRow(Kind.DATA, 1, 1, b'"t0":%d,' % number + b"x" * 500)])
    for attempt in range(3):
        try:
            done = outbox.commit(batch)
        except sqlite3.OperationalError:
            refused += 1
            continue
        accepted += [[row.seq, number] for row in done.rows]
        break
print(json.dumps({"accepted": accepted, "refused": refused}), flush=True)
import os
os._exit(0)
"""


def run_with(path, *faults):
    """Let a child commit while system calls fail; give what it was told is stored."""
    injected = [word for fault in faults for word in ("-e", f"inject={fault}")]
    done = subprocess.run(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,pwrite64,fsync",
         *injected, sys.executable, "-c", CHILD, str(path)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "fault",
    [
        "fdatasync:error=EIO:when=30",
        "fdatasync:error=EIO:when=30+5",
        "fdatasync:error=EIO:when=45+",
        "pwrite64:error=EIO:when=200",
        "pwrite64:error=EIO:when=180+7",
        "pwrite64:error=ENOSPC:when=200+3",
        "pwrite64:error=ENOSPC:when=250+",
    ],
)
def test_what_is_accepted_is_there_once_and_what_is_refused_is_not(tmp_path, fault):
    """Every accepted row is there under its number with its content; no content is there twice."""
    path = tmp_path / "s.db"
    told = run_with(path, fault)
    assert told["refused"] > 0, "the fault did not strike"
    outbox = Outbox.open(Store(path=path))
    there = {row.seq: int(row.body[5 : row.body.index(b",")]) for row in rows_of(outbox)}
    accepted = dict(told["accepted"])
    assert {seq: there.get(seq) for seq in accepted} == accepted
    assert len(set(accepted.values())) == len(accepted)
    last = max(accepted, default=0)
    extra = {seq: number for seq, number in there.items() if seq not in accepted}
    assert all(seq > last for seq in extra), "only the last attempt may be there unreported"
    assert len(extra) <= 1
    outbox.close(clean=True)
    assert report(path).sound


def rows_of(outbox):
    """Read every data row."""
    return [r for r in outbox.read(1, 10**9, max_bytes=10**9) if r.kind == 0]
