"""One stage stands still, or the process is told to stop where it cannot: nothing hangs."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from pathlib import Path

import pytest
from system.agent_process import AgentProcess
from system.loads import counting
from system.supervisor import Supervisor
from system.waiting import until

from simulators.mqtt.broker import Broker

pytestmark = pytest.mark.timeout(120)

HOOKED = Path(__file__).with_name("hooked_agent.py")
WATCHDOG_S = 2.0
STOP_S = 10.0
STAGES = ("collect", "intake", "store", "publish", "page")


@contextlib.asynccontextmanager
async def hooked(folder, hook, *, environment=None):
    """Give an agent with a debug hook, not started yet."""
    command = (sys.executable, "-P", str(HOOKED), hook)
    async with (
        Broker() as broker,
        counting(4) as counter,
        AgentProcess(
            folder, broker_url=broker.url, devices=[counter], environment=environment,
            publish={"no_subscriber": "accept"}, command=command,
        ) as agent,
    ):  # fmt: skip
        yield agent


@contextlib.asynccontextmanager
async def watched(folder, hook):
    """Give an agent under a supervisor that asks for pings, and the supervisor."""
    with contextlib.closing(Supervisor()) as systemd:
        environment = {
            "NOTIFY_SOCKET": f"@{systemd.name}", "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6)),
        }  # fmt: skip
        async with hooked(folder, hook, environment=environment) as agent:
            agent.start()
            await until(lambda: len(systemd.times("WATCHDOG=1")) >= 3, within_s=60, what="pings")
            yield agent, systemd


@pytest.mark.parametrize("stage", STAGES)
async def test_a_stage_that_stands_still_starves_the_watchdog(tmp_path, stage, figure):
    """Each stage, when it is blocked, is named, and no ping follows for a whole period."""
    async with watched(tmp_path, stage) as (agent, systemd):
        await agent.collecting()
        (tmp_path / "block").touch()
        began_s = time.monotonic()
        asking = asyncio.create_task(agent.status())  # the page owes an answer
        await until(lambda: "watchdog not fed" in agent.complaints(), within_s=60,
                    what=f"says that {stage} stands still; {agent.complaints()}")  # fmt: skip
        figure("slowest notice, s", round(time.monotonic() - began_s, 1))
        systemd.times("")  # takes what was sent until now
        said_s = time.monotonic()
        assert f"watchdog not fed: {stage}" in agent.complaints().replace("intake, store", "store")
        await until(lambda: time.monotonic() > said_s + WATCHDOG_S, within_s=60, what="a period")
        assert [at for at in systemd.times("WATCHDOG=1") if at > said_s] == []
        await asking


async def test_a_loop_that_is_held_starves_the_watchdog(tmp_path):
    """A callback that holds the event loop ends the pings at once."""
    async with watched(tmp_path, "loop") as (_, systemd):
        (tmp_path / "block").touch()
        await until(lambda: time.monotonic() - systemd.times("WATCHDOG=1")[-1] > 2 * WATCHDOG_S,
                    within_s=60, what="no ping for two periods")  # fmt: skip


async def test_stop_while_the_disk_hangs(tmp_path, figure):
    """With a commit that never returns the agent ends within 10 s, says so, and keeps all rows."""
    async with hooked(tmp_path, "store") as agent:
        agent.start()
        await agent.collecting()
        (tmp_path / "block").touch()
        await agent.until(lambda s: s["store"]["intake_frames"] > 20, what="cannot store")
        safe = (await agent.status())["store"]["stored"]["rows"]
        began_s = time.monotonic()
        assert await agent.stop(within_s=60) == 2
        took_s = time.monotonic() - began_s
        figure("slowest stop, s", round(took_s, 1))
        assert "the disk does not answer" in agent.complaints()
        (tmp_path / "block").unlink()
        assert agent.verify()["stored"]["rows"] >= safe
        assert took_s < STOP_S + 5  # all waits together are 9 s; the rest is a busy machine


PHASES = ("agent.cli.run", "agent.app", "agent.config.apart", "drivers.modbus", "uvloop")


@pytest.mark.parametrize("module", PHASES)
async def test_stop_in_the_midst_of_the_start(tmp_path, module):
    """Told to stop while it still imports, the process ends at once with exit code 0."""
    async with hooked(tmp_path, f"term:{module}") as agent:
        agent.start()
        assert await agent.ended(within_s=60) == 0
        assert agent.complaints() == ""
        assert not agent.store.exists()


async def test_stop_again_after_the_end_has_begun(tmp_path):
    """A storm of SIGTERMs from the first moment on gives one exit code: 0."""
    async with hooked(tmp_path, "publish") as agent:
        agent.start()
        await agent.up()
        while agent.returncode is None:
            agent.signal(signal.SIGTERM)
            await asyncio.sleep(0.001)
        assert agent.returncode == 0
        assert "Traceback" not in agent.complaints()
