"""Values that a database or JSON cannot carry: only they are set aside, all others are stored."""

from __future__ import annotations

import math

import orjson
import pytest
from unit.agent.store.outboxes import settings

from agent.publish.payload import GroupCodec
from agent.store.inspect import report
from agent.store.sqlite import Outbox
from agent.store.writer import Writer
from agent.telemetry.status import Count
from drivers.api import Frame

POISON = {
    "unsigned 64 bit": 2**64 - 1,
    "far beyond": 10**40,
    "lone surrogate": "a\ud800b",
    "not a number": math.nan,
    "infinite": math.inf,
    "a megabyte": "x" * 1_000_000,
    "bytes": b"\xff\x00\xfe",
    "zero byte": "a\0b",
}


@pytest.mark.parametrize("name", POISON)
@pytest.mark.parametrize("t_ns", [1, 253_402_300_799 * 10**9, -1])
async def test_one_value_spoils_no_other(tmp_path, name, t_ns):
    """Every value beside the poisonous one is stored as it is, at any time from 1970 to 9999."""
    outbox = Outbox.open(settings(tmp_path))
    done = []
    writer = Writer(outbox, commit_interval_s=0.02, on_commit=done.append, on_failure=done.append)
    codec = GroupCodec("d", "g", ["a", "b", "c"], max_row_bytes=60_000)
    writer.start()
    for number in range(3):
        await writer.put_frame(codec, Frame("d", "g", max(t_ns, 0), (number, POISON[name], 7)))
    await writer.flush()
    rows = outbox.read(1, 99, max_bytes=2**40)
    found = {"a": [], "c": []}
    for row in rows:
        block = orjson.loads(b"{" + row.body)
        columns = block.get("s") or {m: values for m, (_, values) in block["p"].items()}
        for metric in found:
            found[metric] += columns.get(metric, [])
    assert found == {"a": [0, 1, 2], "c": [7, 7, 7]}
    await writer.close()
    held = report(tmp_path / "store.db")
    assert held.sound
    assert held.found == Count(len(rows), 9)
