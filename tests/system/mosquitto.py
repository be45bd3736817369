"""Debian's mosquitto as a process, on a free port, with everything it queues kept on disk."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from contextlib import suppress

from system.waiting import free_port, listening, need, until


class Mosquitto:
    """`async with Mosquitto(folder) as broker:` listens until the block is left.

    With `certificates` (a folder of make-certs) it speaks TLS; not `persistent` it forgets all
    when it ends; `options` are further lines of its configuration.
    """

    def __init__(self, folder, *, certificates=None, persistent=True, options=()):
        self.port = free_port()
        self._program = need("mosquitto")
        self._process = None
        self._log = folder / "mosquitto.log"
        self._scheme = "mqtts" if certificates else "mqtt"
        data = folder / "mosquitto"
        data.mkdir()
        lines = [
            f"listener {self.port} 127.0.0.1",
            "allow_anonymous true",
            *(
                [
                    "persistence true",
                    f"persistence_location {data}/",
                    "autosave_on_changes true",
                    "autosave_interval 1000",
                ]
                if persistent
                else ["persistence false"]
            ),
            "max_queued_messages 0",
            "max_inflight_messages 100",
            "set_tcp_nodelay true",
            *options,
        ]
        if os.geteuid() == 0:
            lines.append("user root")  # else it becomes one that cannot read the test's folder
        if certificates:
            lines += [
                f"certfile {certificates}/server.crt",
                f"keyfile {certificates}/server.key",
                "tls_version tlsv1.2",
            ]
        self._conf = folder / "mosquitto.conf"
        self._conf.write_text("\n".join(lines) + "\n", "utf-8")

    @property
    def url(self):
        """Where it listens."""
        return f"{self._scheme}://127.0.0.1:{self.port}"

    async def __aenter__(self):
        await self.start()
        return self

    async def __aexit__(self, *_):
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await asyncio.to_thread(self._process.wait, 10)

    async def start(self):
        """Start it and wait until it listens."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "-c", self._conf], start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        await until(
            lambda: listening(self.port) or self._process.poll() is not None,
            within_s=10, what="mosquitto listens",
        )  # fmt: skip
        assert self._process.poll() is None, self._log.read_text("utf-8")

    async def kill(self):
        """Kill it: whatever it has not written is gone."""
        self._process.kill()
        await asyncio.to_thread(self._process.wait, 10)

    def signal(self, number):
        """Send it a signal."""
        self._process.send_signal(number)

    async def stop(self):
        """Stop it in order: it saves its sessions and closes every connection."""
        self._process.terminate()
        await asyncio.to_thread(self._process.wait, 10)
