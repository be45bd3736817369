"""A simulated OPC UA machine as a process of its own: it can be killed, stopped and frozen."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress

from system.waiting import free_port


class SimulatedServer:
    """`chulian simulate opcua` on one port for its life, however often it is started."""

    def __init__(self, *options):
        """Prepare it; the options are those of the command."""
        self.port = free_port()
        self._options = options
        self._process = None

    async def __aenter__(self):
        await self.start()
        return self

    async def __aexit__(self, *_):
        self.kill()

    @property
    def url(self):
        """Where it listens."""
        return f"opc.tcp://127.0.0.1:{self.port}/chulian/simulator"

    async def start(self):
        """Start it and wait until it listens."""
        command = [sys.executable, "-P", "-m", "simulators", "opcua", "--json",
                   "--port", self.port, *self._options]  # fmt: skip
        self._process = subprocess.Popen(
            list(map(str, command)), start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        said = await asyncio.to_thread(self._process.stdout.readline)
        assert json.loads(said or "{}").get("opcua_url"), "the simulator did not start"

    def kill(self):
        """Kill -9, as a power failure."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        self._process.stdin.close()
        self._process.stdout.close()

    async def end(self):
        """Stop it in order: it closes every connection."""
        self._process.terminate()
        await asyncio.to_thread(self._process.wait, 10)
        self.kill()

    def freeze(self):
        """Let it do nothing at all; its connections stay."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self):
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)
