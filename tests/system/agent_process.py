"""The agent as a process of its own: started, asked, stopped and killed as on a gateway."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

from system.waiting import free_port, until

MODULE = (sys.executable, "-P", "-m", "agent")
SCRIPT = (str(Path(sys.executable).with_name("chulian")),)
START_S = 20.0
"""More than a start takes while the machine is busy with other tests."""
END_S = 60.0
"""More than an end takes then: the agent waits for a store that is being written, 25 s at most."""
ASK_EVERY_S = 0.05

_OPENER = build_opener(ProxyHandler({}))


class AgentProcess:
    """One agent on one configuration, started as often as needed; leaving the block ends it."""

    def __init__(
        self,
        folder,
        *,
        broker_url,
        devices,
        store=None,
        publish=None,
        clock=None,
        http=None,
        environment=None,
        command=MODULE,
    ):
        """Write the configuration; `store`, `publish`, `http` hold what differs from it.

        Whatever the machine, its clock counts as set, unless `clock` says otherwise.
        """
        self.folder = folder
        self.port = free_port()
        self.config = folder / "agent.yaml"
        self.store = folder / "chulian.db"
        self.errors = folder / "stderr.txt"
        self._command = command
        self._environment = os.environ | {"CHULIAN_LANG": "en"} | (environment or {})
        self._process = None
        document = {
            "gateway": {"id": "gw-test"},
            "enterprise": {"id": "ent-test"},
            "store": {"path": "chulian.db", "commit_interval_s": 0.1} | (store or {}),
            "publish": [{"url": broker_url, "reconnect_max_s": 1} | (publish or {})],
            "clock": clock or {"synchronised_file": "agent.yaml"},
            "http": {"port": self.port} | (http or {}),
            "devices": devices,
        }
        self.config.write_text(json.dumps(document, ensure_ascii=False), "utf-8")  # JSON is YAML

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.kill()

    @property
    def pid(self):
        """Process id of the last start."""
        return self._process.pid

    @property
    def returncode(self):
        """Exit code; None while the process lives."""
        return self._process.poll()

    def start(self):
        """Start the process; does not wait for anything."""
        with self.errors.open("ab") as errors:
            self._process = subprocess.Popen(
                [*self._command, "run", "-c", self.config],
                cwd=self.folder, env=self._environment, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
            )  # fmt: skip

    async def kill(self):
        """Kill -9 and collect the body; without a process, nothing."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await asyncio.to_thread(self._process.wait, 10)

    def signal(self, number):
        """Send a signal."""
        self._process.send_signal(number)

    async def ended(self, *, within_s=END_S):
        """Wait for the end; give the exit code."""
        what = f"the end of the agent; it wrote: {self.complaints()}"
        await until(lambda: self.returncode is not None, within_s=within_s, what=what)
        return self.returncode

    async def stop(self, *, within_s=END_S):
        """Ask for a clean stop as systemd does; give the exit code."""
        self.signal(signal.SIGTERM)
        return await self.ended(within_s=within_s)

    async def status(self):
        """Ask /api/status; None while nobody answers."""
        return await asyncio.to_thread(ask, self.port)

    async def until(self, condition, *, within_s=START_S, what):
        """Ask until the status meets a condition, and give it."""
        end_s = time.monotonic() + within_s
        while True:
            seen = await self.status()
            if seen is not None and condition(seen):
                return seen
            assert self.returncode is None, f"the agent ended: {self.complaints()}"
            late = time.monotonic() > end_s
            assert not late, f"never {what}; last: {_short(seen)}; {self.complaints()}"
            await asyncio.sleep(ASK_EVERY_S)

    async def up(self):
        """Wait until the agent answers; give its status."""
        return await self.until(lambda _: True, what="answers on its page")

    async def collecting(self):
        """Wait until every device has delivered; give the status."""
        return await self.until(
            lambda s: s["devices"] and all(d["values"] for d in s["devices"]), what="collects"
        )

    async def drained(self, *, within_s=START_S):
        """Wait until the destination is there and nothing older than a moment waits."""
        return await self.until(
            lambda s: s["destinations"][0]["connected"] and s["store"]["waiting"]["rows"] <= 8,
            within_s=within_s, what="drains its store",
        )  # fmt: skip

    def complaints(self):
        """Give what the process wrote on stdout and stderr in all its lives."""
        return self.errors.read_text("utf-8") if self.errors.exists() else ""

    def verify(self):
        """Have the command line count the closed store, row by row; give what it found."""
        done = subprocess.run(
            [*MODULE, "store", "verify", "--json", "-c", self.config],
            capture_output=True, text=True, check=False, timeout=60, env=self._environment,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)


def ask(port):
    """Ask the page on a port for /api/status; None while nobody answers."""
    try:
        with _OPENER.open(f"http://127.0.0.1:{port}/api/status", timeout=2) as answer:
            return json.load(answer)
    except (OSError, ValueError):
        return None


def _short(status):
    if status is None:
        return "no answer"
    devices = {d["id"]: (d["state"], d["problem"]) for d in status["devices"]}
    return {"devices": devices, "store": status["store"], "to": status["destinations"]}
