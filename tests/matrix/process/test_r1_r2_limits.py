"""Rows R1 and R2: memory or open files run short; nothing stored is lost, and all recovers."""

from __future__ import annotations

import json
import os
import resource
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest
from system.agent_process import MODULE, AgentProcess
from system.loads import counting
from system.waiting import need, until

from simulators.mqtt.broker import Broker

pytestmark = pytest.mark.timeout(180)

FILES = 32
MANY = 40
STEPS = ["caches", "page", "rows in memory", "collecting"]


@asynccontextmanager
async def agent_of(folder, *, devices=1, prefix=(), memory=None):
    """Give an agent of so many machines, started through a prefix."""
    async with Broker() as broker, AsyncExitStack() as shop:
        many = [
            await shop.enter_async_context(counting(8)) | {"id": f"m{at}"} for at in range(devices)
        ]
        agent = AgentProcess(
            folder, broker_url=broker.url, devices=many, command=(*prefix, *MODULE),
            publish={"no_subscriber": "accept"},
        )  # fmt: skip
        if memory is not None:
            document = json.loads(agent.config.read_text("utf-8")) | {"memory": {"max_mb": memory}}
            agent.config.write_text(json.dumps(document), "utf-8")
        async with agent:
            agent.start()
            yield agent


@contextmanager
def memory_group(limit_bytes):
    """Give the folder of a memory control group with a limit; None where none can be made."""
    base = Path("/sys/fs/cgroup/memory")
    found = base if (base / "memory.limit_in_bytes").exists() else Path("/sys/fs/cgroup")
    group = found / f"chulian-test-{os.getpid()}"
    try:
        group.mkdir()
        name = "memory.limit_in_bytes" if found == base else "memory.max"
        (group / name).write_text(str(limit_bytes))
    except OSError as error:
        print(f"no memory control group ({error}): a configured limit stands in for it")
        with suppress(OSError):
            group.rmdir()
        yield None
        return
    try:
        yield group
    finally:
        with suppress(OSError):
            group.rmdir()


async def resident(folder):
    """Measure what the agent takes without a limit."""
    folder.mkdir()
    async with agent_of(folder) as agent:
        return (await agent.collecting())["process"]["resident_bytes"]


def _all_given_up(status):
    return status["process"]["shed"] == STEPS


async def test_r1_memory_is_saved_in_the_named_order_and_no_row_is_lost(tmp_path):
    """Above 85 % of its group's limit the agent gives up all it can, and goes on delivering."""
    needed = await resident(tmp_path / "measure")
    with memory_group(needed) as group:
        enter = ()
        if group is not None:
            script = f'echo $$ > {group}/cgroup.procs; exec "$@"'
            enter = ("sh", "-c", script, "sh")
        limit_mb = None if group is not None else max(60, int(needed * 0.9e-6))
        async with agent_of(tmp_path, prefix=enter, memory=limit_mb) as agent:
            if group is None and needed < limit_mb * 1e6:
                pytest.skip("no control group here, and the agent fits into the least limit")
            seen = await agent.until(_all_given_up, within_s=60, what="gives up all four")
            assert seen["process"]["limit_bytes"] < needed
            assert "collecting" in seen["process"]["problems"][0]["en"]
            acked = seen["store"]["acked"]["rows"]
            await agent.until(lambda s: s["store"]["acked"]["rows"] > acked + 10, what="delivers")
            assert await agent.stop(within_s=60) == 0
            law = agent.verify()
            assert law["stored"]["rows"] == law["acked"]["rows"] + law["waiting"]["rows"]
            told = [agent.complaints().find(f"from now on: {step}") for step in STEPS]
            assert -1 not in told
            assert told == sorted(told)
            print(f"needs {needed / 1e6:.0f} MB, limit {seen['process']['limit_bytes'] / 1e6:.0f}")


async def test_r2_open_files_run_short_and_are_there_again(tmp_path):
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
