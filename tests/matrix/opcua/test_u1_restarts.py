"""U1: a server that is killed, restarted or frozen, read by the whole agent as a process.

Every value that arrives is what the machine held; the agent delivers again soon after the server is
up; every break in the machine's count lies in a gap the agent told of, and no gap is told wide.
"""

from __future__ import annotations

import random
import time
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from foreign.arrivals import Arrivals, announced
from matrix.opcua.simulated import SimulatedServer
from system.agent_process import AgentProcess
from system.mosquitto import Mosquitto
from system.subscriber import Subscriber
from system.waiting import passed, until

from simulators.opcua.plain import MODULUS, held
from simulators.opcua.space import MACHINES_NAMESPACE

pytestmark = [pytest.mark.foreign, pytest.mark.timeout(120)]

VARIABLES = 6
TYPE = "UInt32"
CHANGE_MS = 250
KEEPALIVE_S = 1.0
BACK_WITHIN_S = 15.0
"""A device must deliver again this soon after its server is up."""
SLACK_MS = 1_000 * KEEPALIVE_S + 2 * CHANGE_MS
"""A gap begins at the last message at the earliest, and ends with the first value at the latest."""


class Watched:
    """The machine, the agent, and what arrived; `faults` notes from when to when it was away."""

    def __init__(self, server, agent, arrivals):
        self.server = server
        self.agent = agent
        self.arrivals = arrivals
        self.faults = []
        """(when it began, when the server was up again, when values were back), ms."""

    async def back(self):
        """Wait until changes from now on have arrived; gives when, in ms."""
        up_ms = now_ms()
        await until(
            lambda: self.arrivals.newest_good_ms("cnc") >= up_ms,
            within_s=5 * BACK_WITHIN_S,
            what=f"values after the server is up: {self.agent.complaints()[-1000:]}",
        )
        return now_ms()

    @asynccontextmanager
    async def fault(self):
        """Let the block be a fault, and wait until it is over."""
        began_ms = now_ms()
        yield
        up_ms = now_ms()
        self.faults.append((began_ms, up_ms, await self.back()))

    @property
    def worst_s(self):
        """Longest time from server-up to values."""
        return max(back_ms - up_ms for _, up_ms, back_ms in self.faults) / 1000

    def counts(self):
        """Give (time in ms, generation) as the machine must have had it, one by one."""
        times = {}
        for n in range(VARIABLES):
            for time_ms, said in self.arrivals.take().values["cnc"][f"v.{n}"].items():
                for value, quality, _ in said:
                    if quality == "g":
                        times.setdefault(time_ms, {})[n] = value
        for time_ms, values in sorted(times.items()):
            n, value = next(iter(values.items()))
            generation = (value - n) % MODULUS
            wrong = {n: v for n, v in values.items() if v != held(n, generation, TYPE)}
            assert not wrong, f"values of two moments under {time_ms}: {values}"
            yield time_ms, generation

    def breaks(self):
        """Give the (time, next time) between which the machine's count did not go on by one."""
        return [
            (earlier[0], later[0])
            for earlier, later in pairwise(self.counts())
            if (later[1] - earlier[1]) % MODULUS != 1
        ]


def now_ms():
    """Give the time of day in ms."""
    return time.time_ns() // 1_000_000


@asynccontextmanager
async def watched(folder):
    """Run a machine, an agent that reads it, and a platform."""
    options = ("--size", VARIABLES, "--interval-ms", CHANGE_MS, "--history", 100)
    tags = [
        {"name": f"v.{n}", "address": f"nsu={MACHINES_NAMESPACE};s=V{n}"} for n in range(VARIABLES)
    ]
    async with SimulatedServer(*options) as server, Mosquitto(folder) as broker:
        device = {
            "id": "cnc", "driver": "opcua", "url": server.url, "security": "none", "timeout_s": 2,
            "publish_interval_s": 0.2, "keepalive_s": KEEPALIVE_S,
            "groups": {"default": {"interval_s": 0.1}}, "tags": tags,
        }  # fmt: skip
        agent = AgentProcess(folder, broker_url=broker.url, devices=[device])
        with Subscriber(broker.url) as subscriber:
            async with agent:
                agent.start()
                made = Watched(server, agent, Arrivals(subscriber))
                await made.back()
                yield made


def judge(made, report):
    """Hold breaks and gaps against each other and against what was done to the server."""
    gaps = announced(made.arrivals, "cnc")
    breaks = made.breaks()
    untold = [
        (a, b) for a, b in breaks if not any(first <= b and a <= last for first, last in gaps)
    ]
    wide = [
        (first, last)
        for first, last in gaps
        if made.faults
        and not any(
            began_ms - SLACK_MS <= first and last <= back_ms + SLACK_MS
            for began_ms, _, back_ms in made.faults
        )
    ]
    report(
        f"{len(made.faults)} faults, worst {made.worst_s:.1f} s from server-up to values;"
        f" breaks {len(breaks)}, untold {len(untold)}, gaps told {len(gaps)}, wide {len(wide)}"
    )
    assert untold == [], gaps
    assert wide == [], made.faults
    assert made.worst_s < BACK_WITHIN_S


async def test_u1_a_restart_and_a_short_freeze(tmp_path, report):
    """U1: after kill -9, after an orderly stop and after a freeze of 2 s values come again."""
    async with watched(tmp_path) as made:
        async with made.fault():
            made.server.kill()
            await made.server.start()
        async with made.fault():
            await made.server.end()
            await made.server.start()
        async with made.fault():
            made.server.freeze()
            await passed(since_s=time.monotonic(), seconds=2)
            made.server.thaw()
        assert await made.agent.stop() == 0
        judge(made, report)


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_u1_many_restarts_and_long_freezes(tmp_path, report):
    """U1: 20 restarts with pauses, and freezes of 10, 30 and 120 s."""
    dice = random.Random(1)
    async with watched(tmp_path) as made:
        for number in range(20):
            async with made.fault():
                if number % 2:
                    made.server.kill()
                else:
                    await made.server.end()
                await passed(since_s=time.monotonic(), seconds=dice.uniform(0, 8))
                await made.server.start()
        for seconds in (10, 30, 120):
            async with made.fault():
                made.server.freeze()
                await passed(since_s=time.monotonic(), seconds=seconds)
                made.server.thaw()
        assert await made.agent.stop() == 0
        judge(made, report)
