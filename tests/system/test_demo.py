"""The one command a visitor runs: it loses nothing, shows every machine, and computes the rate."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import time
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from system.agent_process import MODULE, ask
from system.waiting import free_port, until

pytestmark = pytest.mark.timeout(120)

SECONDS = 15
WITH_KILL_SECONDS = 12
END_S = 45.0
"""Beyond the demo's own seconds: start, end and delivery on a busy machine."""
MACHINES = {"L1", "L2", "L3", "V1", "V2", "V3", "P1", "L5", "M0"}
"""Every station of the simulated workshop that can be read."""
GATEWAY_DEVICE = {"gateway"}
"""Under which the gateway publishes its own rate."""


class Demo:
    """A running demo."""

    def __init__(self, process, port, folder):
        self.process = process
        self.port = port
        self.folder = folder

    @property
    def agent_pid(self):
        """Process id of the demo's agent; None while there is none."""
        pid = self.process.pid
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                with suppress(OSError):
                    words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
                    if b"agent" in words and b"run" in words:
                        return int(child)
        return None

    async def acknowledged(self):
        """Give how many rows the agent says were acknowledged; 0 while it does not answer."""
        status = await asyncio.to_thread(ask, self.port)
        return status["store"]["acked"]["rows"] if status else 0

    async def end(self):
        """Wait for the end; give exit code, summary and what it wrote on stderr."""
        await until(
            lambda: self.process.poll() is not None, within_s=SECONDS + END_S, what="the demo ends"
        )
        errors = (self.folder / "stderr.txt").read_text("utf-8")
        text = (self.folder / "stdout.txt").read_text("utf-8")
        return self.process.returncode, json.loads(text), errors


@asynccontextmanager
async def demo(folder, *, seconds):
    """Run the demo in a session of its own; nothing of it outlives the block."""
    port, kept = free_port(), folder / "demo"
    command = (*MODULE, "demo", "--seconds", str(seconds), "--json", "--port", str(port))
    with (folder / "stdout.txt").open("wb") as out, (folder / "stderr.txt").open("wb") as errors:
        process = subprocess.Popen(
            [*command, "--folder", kept], stdin=subprocess.DEVNULL, stdout=out, stderr=errors,
            start_new_session=True, cwd=folder,
        )  # fmt: skip
    running = Demo(process, port, folder)
    try:
        yield running
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(process.wait, 20)
            with suppress(ProcessLookupError):
                if (orphan := running.agent_pid) is not None:
                    os.kill(orphan, signal.SIGKILL)
            with suppress(ProcessLookupError):
                process.kill()
            process.wait(10)


def check(summary):
    """Nothing is lost, the platform's own count agrees, every machine and the rate are there."""
    assert summary["ok"] is True
    assert summary["law_holds"] is True
    platform = summary["platform"]
    assert platform["agrees"] is True
    assert (platform["holes"], platform["schema_errors"]) == ([], 0)
    assert platform["rows"] == summary["store"]["acked"]["rows"] > 0
    assert summary["store"]["dropped"]["rows"] == summary["store"]["rejected"]["rows"] == 0
    assert set(platform["devices"]) - GATEWAY_DEVICE == MACHINES
    rate = summary["rate"]
    assert rate["verified"]["mean"] == [3, 8]
    assert rate["declared"]["mean"] == [2, 3]


async def test_the_demo(tmp_path):
    """15 seconds of demo: exit code 0, the law holds, every machine arrives, the rate is right."""
    async with demo(tmp_path, seconds=SECONDS) as running:
        code, summary, errors = await running.end()
    assert code == 0, errors
    check(summary)
    assert summary["agent_restarts"] == 0
    assert "Traceback" not in errors


async def test_the_agent_is_killed_in_the_demo(tmp_path):
    """A visitor kills the agent with -9: it is started again and nothing is lost or doubled."""
    async with demo(tmp_path, seconds=WITH_KILL_SECONDS) as running:
        first = await until(lambda: running.agent_pid, within_s=20, what="the agent starts")
        end_s = time.monotonic() + 20
        while await running.acknowledged() < 5:
            assert time.monotonic() < end_s, "the agent never delivered"
            await asyncio.sleep(0.1)
        os.kill(first, signal.SIGKILL)
        second = await until(
            lambda: running.agent_pid not in {None, first} and running.agent_pid,
            within_s=10, what="the agent is started again",
        )  # fmt: skip
        code, summary, errors = await running.end()
    assert code == 0, errors
    assert second != first
    check(summary)
    assert summary["agent_restarts"] == 1
