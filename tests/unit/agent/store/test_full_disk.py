"""A disk that is really full, for a process of its own: refused by the kernel, not by a pragma."""

from __future__ import annotations

import json
import subprocess
import sys

from agent.store.inspect import report

CHILD = """
import asyncio, json, resource, sys
from pathlib import Path
from agent.config.model import Store
from agent.publish.payload import GroupCodec
from agent.store import patience
from agent.store.sqlite import Outbox
from agent.store.writer import Writer
from drivers.api import Frame

patience.RETRY_S = (0.02,)
OFF = resource.RLIM_INFINITY


def let_files_grow_to(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, OFF))


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


async def main():
    told = []
    outbox = Outbox.open(Store(path=Path(sys.argv[1])))
    writer = Writer(
        outbox, commit_interval_s=0.02,
        on_commit=lambda done: told.extend(row.seq for row in done.rows), on_failure=told.append,
    )
    codec = GroupCodec("d", "g", ["x"], max_row_bytes=50_000)
    writer.start()
    let_files_grow_to(900_000)
    given = 0
    while writer.status().problem is None:
        given += 1
        await writer.put_frame(codec, Frame("d", "g", given, ("y" * 20_000,)))
        await asyncio.sleep(0.005)
    full = writer.status()
    for _ in range(5):
        given += 1
        await writer.put_frame(codec, Frame("d", "g", given, ("z",)))
    rows = await writer.read((1, 3), max_bytes=10**6)
    let_files_grow_to(OFF)
    await writer.flush()
    after = writer.status()
    await writer.close()
    print(json.dumps({
        "given": given, "problem": full.problem.en, "stored_when_full": full.stored.rows,
        "balanced": full.balanced and after.balanced, "read_when_full": len(rows),
        "stored": after.stored.values, "healthy": after.problem is None,
        "told": told,
    }))


asyncio.run(main())
"""


def test_a_disk_that_fills_up_loses_nothing(store):
    """While the kernel refuses, that is shown and rows can be read; then everything is stored."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(store.path)],
        capture_output=True, text=True, timeout=40, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert "The disk does not accept data" in found["problem"]
    assert 0 < found["stored_when_full"] < found["given"]
    assert found["read_when_full"] == 3
    assert found["stored"] == found["given"]
    assert found["balanced"]
    assert found["healthy"]
    last = report(store.path)
    assert last.sound
    assert last.found.values == found["given"]
    assert found["told"] == list(range(1, last.totals.last_seq + 1))
