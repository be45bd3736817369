"""Rows R1 and R2: memory or open files run short; nothing stored is lost, and all recovers."""

from __future__ import annotations

import json
import resource
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from matrix.opcua.simulated import SimulatedServer
from system.agent_process import MODULE, AgentProcess
from system.loads import counting
from system.waiting import need, until

from agent.config.memory import LEAST_MB
from simulators.mqtt.broker import Broker
from simulators.points import NAMESPACE

pytestmark = pytest.mark.timeout(180)

POINTS = 1500
"""With so many over OPC UA an agent needs more than the least ceiling."""
FILES = 32
MANY = 40
STEPS = ["caches", "page", "rows in memory", "collecting"]


@asynccontextmanager
async def agent_of(folder, *, devices=1, more=(), prefix=(), memory=None):
    """Give an agent of so many machines, and more, started through a prefix."""
    async with Broker() as broker, AsyncExitStack() as shop:
        many = [
            await shop.enter_async_context(counting(8)) | {"id": f"m{at}"} for at in range(devices)
        ]
        agent = AgentProcess(
            folder, broker_url=broker.url, devices=[*many, *more], command=(*prefix, *MODULE),
            publish={"no_subscriber": "accept"},
        )  # fmt: skip
        if memory is not None:
            document = json.loads(agent.config.read_text("utf-8")) | {"memory": {"max_mb": memory}}
            agent.config.write_text(json.dumps(document), "utf-8")
        async with agent:
            agent.start()
            yield agent


def _all_given_up(status):
    return status["process"]["shed"] == STEPS


async def test_r1_memory_is_saved_in_the_named_order_and_no_row_is_lost(tmp_path, figure):
    """Above its ceiling the agent gives up all it can, and goes on delivering."""
    async with SimulatedServer("--size", POINTS, "--interval-ms", 500) as server:
        async with agent_of(tmp_path, more=[_opcua(server)], memory=LEAST_MB) as agent:
            seen = await agent.until(_all_given_up, within_s=120, what="gives up all four")
            assert seen["process"]["limit_bytes"] == LEAST_MB * 1_000_000
            assert "collecting" in seen["process"]["problems"][0]["en"]
            acked = seen["store"]["acked"]["rows"]
            await agent.until(
                lambda s: s["store"]["acked"]["rows"] > acked + 10, within_s=120, what="delivers"
            )
            assert await agent.stop() == 0
        law = agent.verify()
    lost = law["stored"]["rows"] - law["acked"]["rows"] - law["waiting"]["rows"]
    figure("stored rows lost", lost)
    figure("memory needed, MB", round(seen["process"]["resident_bytes"] / 1e6))
    figure("memory allowed, MB", LEAST_MB)
    assert lost == 0
    told = [agent.complaints().find(f"from now on: {step}") for step in STEPS]
    assert -1 not in told
    assert told == sorted(told)


def _opcua(server):
    tags = [{"name": f"v{at}", "address": f"nsu={NAMESPACE};s=COUNTER.V{at}"}
            for at in range(POINTS)]  # fmt: skip
    return {"id": "opcua", "driver": "opcua", "url": server.url, "security": "none", "tags": tags}


async def test_r2_open_files_run_short_and_are_there_again(tmp_path, figure):
    """With 32 open files for 40 machines the agent lives, says so, and recovers with more."""
    prefix = (need("prlimit"), f"--nofile={FILES}:4096")
    async with agent_of(tmp_path, devices=MANY, prefix=prefix) as agent:
        await until(lambda: "files and connections are open" in agent.complaints(), within_s=60,
                    what=f"says that files run short: {agent.complaints()}")  # fmt: skip
        assert agent.returncode is None
        resource.prlimit(agent.pid, resource.RLIMIT_NOFILE, (256, 4096))
        seen = await agent.until(
            lambda s: sum(d["state"] == "online" for d in s["devices"]) == MANY,
            within_s=90, what="reads every machine",
        )  # fmt: skip
        assert seen["process"]["problems"] == []
        assert await agent.stop(within_s=60) == 0
        agent.verify()
        assert "Traceback" not in agent.complaints()
    figure("machines read again", MANY)
