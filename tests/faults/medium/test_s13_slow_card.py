"""S13: every sync of the card takes its time; machines are polled on time all the same."""

from __future__ import annotations

import shutil
import sys
import time
from itertools import pairwise

import pytest
from faults.delivered import settle
from faults.scale import is_full, rounds
from system.agent_process import AgentProcess
from system.loads import INTERVAL_S, counting
from system.modbus_tap import ModbusTap
from system.mosquitto import Mosquitto
from system.subscriber import Subscriber
from system.waiting import passed

pytestmark = [
    pytest.mark.foreign,
    pytest.mark.timeout(700),
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace delays the syncs"),
]

LATE_MS = 200.0
CLOSE_MS = 500
"""Closing takes several syncs; where one takes longer than this the end does not wait for them."""
CODES = ((0,), (0, 2))
"""Exit codes of a clean stop, and of one that left a card behind that does not answer in time."""


@pytest.mark.parametrize(
    "sync_ms",
    [50, pytest.param(500, marks=pytest.mark.long), pytest.param(5000, marks=pytest.mark.long)],
)
async def test_machines_are_polled_on_time(tmp_path, figure, sync_ms):
    """Commits grow larger, polls stay on time, and everything arrives."""
    delay = f"inject=fdatasync,fsync:delay_enter={sync_ms * 1000}"
    # -D: the agent is our child, not strace, and is told to stop
    command = ("strace", "-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null",
               "-e", "trace=fdatasync,fsync", "-e", delay,
               sys.executable, "-P", "-m", "agent")  # fmt: skip
    async with (
        Mosquitto(tmp_path) as broker,
        counting(20) as machine,
        ModbusTap(machine["port"]) as tap,
    ):
        with Subscriber(broker.url) as subscriber:
            async with AgentProcess(
                tmp_path, broker_url=broker.url, devices=[machine | {"port": tap.port}],
                command=command,
            ) as agent:  # fmt: skip
                agent.start()
                await agent.until(
                    lambda s: s["store"]["acked"]["rows"] > 3, within_s=300, what="delivers"
                )
                tap.exchanges.clear()
                await passed(since_s=time.monotonic(), seconds=rounds(short=3, full=60))
                asked_ms = [e.asked_ms for e in tap.exchanges if e.count == 20]
                await settle(agent, subscriber, within_s=300, codes=CODES[sync_ms > CLOSE_MS])
    gaps_ms = sorted(b - a for a, b in pairwise(asked_ms))
    late_ms = gaps_ms[int(len(gaps_ms) * 0.99)] - INTERVAL_S * 1000
    figure("late by, 99 %, ms", round(late_ms, 1))
    assert len(gaps_ms) >= 10
    if (
        is_full() and sync_ms <= 500
    ):  # a short look at a busy machine says nothing of one in a hundred
        assert late_ms <= LATE_MS
