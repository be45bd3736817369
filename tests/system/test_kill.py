"""kill -9 of the agent, again and again, at any moment: what was stored arrives, once."""

from __future__ import annotations

import asyncio
import random
import time
from typing import NamedTuple

import pytest
from system.agent_process import ASK_EVERY_S, AgentProcess
from system.loads import INTERVAL_S, counting, generations
from system.mosquitto import Mosquitto
from system.subscriber import Subscriber, values_of
from system.waiting import until

from simulators.platform import Platform
from simulators.workshop import Workshop

pytestmark = [pytest.mark.foreign, pytest.mark.timeout(180)]

KILLS = 20
LOADED = 5
"""Least number of kills in the middle of reading; the others may hit the start."""
LIVES_S = (0.2, 2.1)
"""Shortest and longest life: some end before the first value is read, some under full load."""
REGISTERS = 125
"""As many as one request may ask for: a scan is then of one moment, however late it is answered."""
UNSTORED_MS = 1000
"""What a kill may cost of the latest samples: the commit interval, and a busy machine."""


class Seen(NamedTuple):
    """What a life of the agent said of itself, at last, before it was killed."""

    stored_rows: int
    """Rows stored in all lives."""
    read_ms: int
    """When the counting machine was last read."""
    first_read_ms: int
    """When it was first seen to have been read in that life."""


async def test_twenty_kills_lose_and_double_nothing(tmp_path):
    """After 20 kills at random moments every row arrived once, as stored, and the law holds."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    lives = []
    async with (
        Mosquitto(tmp_path) as broker,
        Platform(broker.url) as platform,
        counting(REGISTERS) as counter,
        Workshop(speed=20) as shop,
    ):
        workshop = shop.describe(language="en")
        devices = [counter, *workshop["devices"]]
        with Subscriber(broker.url) as subscriber:
            async with AgentProcess(tmp_path, broker_url=broker.url, devices=devices) as agent:
                while len(lives) < KILLS or sum(map(bool, lives)) < LOADED:
                    longer_s = max(0, len(lives) - KILLS) / 5  # where starting takes its time
                    agent.start()
                    lives.append(await _live(agent, chance.uniform(*LIVES_S) + longer_s))
                    await agent.kill()
                agent.start()
                await agent.collecting()
                await agent.drained()
                assert await agent.stop() == 0
                law = agent.verify()
                acked = law["acked"]["rows"]
                await until(lambda: len(subscriber.books().rows) >= acked, within_s=20,
                            what=f"{acked} rows arrive")  # fmt: skip
                assert "Traceback" not in agent.complaints()
            books = subscriber.books()
        summary = platform.summary()
    loaded = [seen for seen in lives if seen]
    print(f"rows {len(books.rows)}, repeats {books.duplicates}, killed under load {len(loaded)}")
    assert (books.holes, books.altered) == ([], 0)
    assert len(books.rows) >= max(seen.stored_rows for seen in loaded), (
        "rows that were stored are gone"
    )
    assert (summary["holes"], summary["schema_errors"], summary["altered_duplicates"]) == ([], 0, 0)
    assert summary["rows"] == len(books.rows)
    assert law["stored"]["rows"] == len(books.rows) + law["waiting"]["rows"]
    assert law["dropped"]["rows"] == law["rejected"]["rows"] == 0
    scanned_ms = _true_scans(books)
    # a life may end before its first commit: then all it was seen to read is the cost
    costs_ms = [
        seen.read_ms - max(seen.first_read_ms, *(t for t in scanned_ms if t <= seen.read_ms))
        for seen in loaded
    ]
    print(f"samples read and not stored, worst of {len(costs_ms)}: {max(costs_ms)} ms")
    assert max(costs_ms) <= UNSTORED_MS
    starts = books.events("start")
    assert len(loaded) <= len(starts) <= len(lives) + 1
    # the first life may have ended before it stored that it began
    assert starts[0]["clean"] or len(starts) <= len(lives)
    assert not any(start["clean"] for start in starts[1:])


async def _live(agent, seconds):
    """Let the agent live so long; give what it last said, None if it never got to reading."""
    end_s, seen = time.monotonic() + seconds, None
    while (left_s := end_s - time.monotonic()) > 0:
        status = await agent.status()
        if status is None:
            read_ms = None
        else:
            (read_ms,) = [d["last_data_ms"] for d in status["devices"] if d["id"] == "counter"]
        if read_ms is not None:
            first_ms = read_ms if seen is None else seen.first_read_ms
            seen = Seen(status["store"]["stored"]["rows"], read_ms, first_ms)
        await asyncio.sleep(max(0.0, min(ASK_EVERY_S, left_s)))
    return seen


def _true_scans(books):
    """Give the times of all scans; each is of one moment, and none carries another's time."""
    offsets, scans = set(), {}
    for row in books.rows.values():
        if row.get("d") != "counter" or "t0" not in row:
            continue
        for value in values_of(row):
            if value.quality == "g":
                scans.setdefault(value.time_ms, []).append(value)
    for time_ms, values in scans.items():
        seen = generations(values)
        assert len(seen) == 1, f"one scan holds the generations {seen}"
        offsets.add(round(time_ms / 1000 / INTERVAL_S) - seen.pop())
    assert len(scans) > KILLS
    assert max(offsets) - min(offsets) <= 2, f"values and their times drift apart: {offsets}"
    return scans.keys()
