"""A server nobody here wrote, as a process that takes orders line by line."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "tests" / "peers"
CACHE = ROOT / ".peers"
"""Where what the servers need is installed, once."""


class PeerServer:
    """One machine with a server: `with PeerServer(...) as server:` listens in the block.

    The program prints "READY <port>" when it listens and ends when its input closes. The port
    stays the same over every restart.
    """

    def __init__(self, command, *options, environment=None):
        """Prepare it; `--port` and the options follow the command."""
        self._command = command
        self._options = options
        self._environment = environment or {}
        self._process = None
        self.port = 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def url(self):
        """Where it listens."""
        return f"opc.tcp://127.0.0.1:{self.port}"

    def start(self):
        """Start the process and wait until it listens."""
        command = [*self._command, "--port", self.port, *self._options]
        self._process = subprocess.Popen(
            list(map(str, command)), env=os.environ | self._environment, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self.port = int(self._until("READY"))

    def stop(self):
        """Close its input, as a switch that is turned off in order."""
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._process.stdout.close()

    def kill(self):
        """Kill -9, as a power failure."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self.stop()

    async def order(self, line, *, answered="READY"):
        """Type a line; give what follows the word that answers it."""
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return await asyncio.to_thread(self._until, answered)

    def _until(self, word):
        for line in self._process.stdout:
            if line.startswith(f"{word} "):
                return line.split()[1]
        raise AssertionError(f"{self._command[0]} ended with {self._process.wait()}")
