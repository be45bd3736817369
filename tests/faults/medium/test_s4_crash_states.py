"""S4: every state a crash may leave on the medium opens, and holds what was stored by then.

A run is traced; then each moment of it, and each way its unsynced writes may have got to the medium
or not, is laid down as files and opened. Needs no root: the fallback of S3.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from faults.medium import storing
from faults.medium.crash_states import CALLS, Medium, read_trace
from faults.scale import is_full, rounds

from agent.store.sqlite import Outbox

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
]

PROGRAM = Path(storing.__file__)
SHM = Path("/dev/shm")
"""Thousands of states need not reach a medium."""
SAMPLE = 0.05
"""Share of the states that the short form opens."""
NOT_OF_THE_STORE = (".lock", ".ballast", ".probe")


@pytest.mark.parametrize("life", storing.LIVES)
def test_whatever_a_crash_leaves_is_a_store_with_every_stored_row(tmp_path, dice, figure, life):
    """No state lacks a row that was called stored before it, or holds one that was not written."""
    commits = rounds(short=2, full=110)
    calls = _traced(tmp_path / "run", life, commits)
    place = (SHM if SHM.is_dir() else tmp_path) / f"chulian-{tmp_path.parent.name}-{tmp_path.name}"
    medium, stored, acked, states, lost = Medium(), 0, 0, 0, 0
    for call in calls:
        if call.name == "said":
            word, *numbers = call.data.decode().split()
            stored = int(numbers[-1]) if word == "s" else stored
            acked = int(numbers[-1]) if word == "a" else acked
            continue
        if call.path.endswith(NOT_OF_THE_STORE) or call.name == "other":
            continue
        medium.do(call)
        for state in medium.states(dice):
            if not is_full() and dice.random() > SAMPLE:
                continue
            states += 1
            lost += _missing(place, state, life, stored=stored, acked=acked)
    shutil.rmtree(place, ignore_errors=True)
    figure("crash states", states)
    figure("stored rows lost", lost)
    assert lost == 0
    assert stored == commits * storing.ROWS
    assert states > 20 * rounds(short=0, full=commits)


def _traced(folder, life, commits):
    """Run the program and give its calls."""
    folder.mkdir()
    trace = folder / "trace"
    done = subprocess.run(
        ["strace", "-f", "-qq", "-y", "-xx", "-s", "1000000", "-e", f"trace={CALLS}", "-o", trace,
         sys.executable, PROGRAM, folder / "chulian.db", life, str(commits)],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return list(read_trace(trace.read_text("ascii"), folder))


def _missing(folder, state, life, *, stored, acked):
    """Lay a state down and open it; give how many stored rows it lacks."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for path, content in state.items():
        (folder / Path(path).name).write_bytes(content)
    (folder / "chulian.db.ballast").touch()
    outbox = Outbox.open(storing.settings(folder / "chulian.db", life))
    assert outbox.notice is None or not stored, outbox.notice.en
    rows = {row.seq: row.body for row in outbox.read(1, 10**9, max_bytes=10**9)}
    assert not outbox.has_findings
    assert rows == {seq: storing.body(seq) for seq in rows}
    assert max(rows, default=0) <= stored + storing.ROWS, "a row nobody stored"
    outbox.close(clean=False)
    return len(set(range(acked + 1, stored + 1)) - rows.keys())
