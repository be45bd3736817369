"""The demo's agent: a process of its own, started again when it is killed, asked over its page."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from typing import TYPE_CHECKING, Any, Self

from agent.cli.output import Exit
from agent.cli.running import ask
from agent.config.model import Http

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

RESTART_S = 1.0
"""As a supervisor would: start again after a moment."""
STOP_S = 15.0
"""An agent stops within this; then it is killed."""


class AgentProcess:
    """`async with AgentProcess(config, port) as agent:` keeps one agent running."""

    def __init__(self, config: Path, port: int) -> None:
        self._config = config
        self._http = Http(port=port)
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self.url = f"http://127.0.0.1:{port}"
        self.refused = ""
        """What the agent said when it would not start at all; empty while it does."""
        self._started_ms = 0
        self.restarts = 0
        """How often the agent was started again."""
        self.peak_rss_mb = 0.0
        """Largest memory seen of the agent's process."""

    @property
    def pid(self) -> int | None:
        """Process id of the agent now."""
        return None if self._process is None else self._process.pid

    async def __aenter__(self) -> Self:
        await self._start()
        self._keeper = asyncio.create_task(self._keep(), name="demo: keep the agent")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def status(self) -> dict[str, Any] | None:
        """Ask the agent how it is; None while it does not answer."""
        self._measure()
        status = await asyncio.to_thread(ask, self._http, "/api/status")
        ours = status is not None and status["started_ms"] >= self._started_ms
        return status if ours else None  # another agent may hold the port

    async def _start(self) -> None:
        command = ("-m", "agent", "run", "-c", str(self._config))
        self._started_ms = time.time_ns() // 1_000_000
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", *command,
            env=os.environ | {"CHULIAN_LOG": os.environ.get("CHULIAN_LOG", "error")},
            start_new_session=True, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

    async def _keep(self) -> None:
        while True:
            if self._process is not None:
                _, said = await self._process.communicate()
                if self._process.returncode == Exit.USAGE:
                    self.refused = said.decode(errors="replace").strip()
                    return
                sys.stderr.write(said.decode(errors="replace"))
            await asyncio.sleep(RESTART_S)
            self.restarts += 1
            await self._start()

    def _measure(self) -> None:
        with contextlib.suppress(OSError), open(f"/proc/{self.pid}/statm") as file:  # noqa: PTH123 - a pseudo file
            pages = int(file.read().split()[1])
            rss_mb = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
            self.peak_rss_mb = round(max(self.peak_rss_mb, rss_mb), 1)
