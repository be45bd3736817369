"""How the agent's own process is: its stages, its memory, its open files, its last reload.

Guarantees: asking costs no more than a look into /proc; what is wrong is said with what to do.
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource
from functools import partial
from typing import TYPE_CHECKING

from agent.looks import next_look
from agent.process.memory import MemoryGuard, Step, ceiling, give_back, resident_bytes
from agent.process.progress import Progress
from agent.process.reload import Reloader
from agent.process.stages import (
    collect_pulse,
    intake_pulse,
    page_pulse,
    publish_pulse,
    store_pulse,
)
from agent.telemetry.notify import feed_watchdog
from agent.telemetry.status import Message, ProcessStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from agent.collect.collector import Collector
    from agent.config.destination import Destination
    from agent.config.plan import Loaded
    from agent.process.progress import Pulse
    from agent.process.reload import Changes
    from agent.publish.destinations import Destinations
    from agent.store.writer import Writer
    from agent.telemetry.notify import Notifier
    from agent.web.server import Server

FILES_SHARE = 0.9
"""Above this share of the limit on open files somebody should know."""
FILES_EVERY_S = 5.0
"""How often open files are counted."""
FEW_CONNECTIONS, MANY_CONNECTIONS = 4, 1000
"""Page connections while memory is short, and no limit beside the page's own."""
THRIFT = 25
"""While memory is short, so much less than usual may wait in memory."""

_log = logging.getLogger("chulian.process")


class Vitals:
    """The watch over one agent; `run` is its life."""

    def __init__(
        self,
        loaded: Loaded,
        *,
        writer: Writer,
        collector: Collector,
        destinations: Destinations,
        notifier: Notifier,
        tell: Callable[..., None],
        apply: Callable[[Changes], Coroutine[None, None, None]],
    ) -> None:
        self.server: Server | None = None
        """The page, once it is served."""
        self._notifier = notifier
        self._progress = Progress(
            {
                "collect": lambda: collect_pulse(collector.links, room=lambda: writer.healthy),
                "intake": lambda: intake_pulse(
                    writer, commit_interval_s=loaded.config.store.commit_interval_s
                ),
                "store": lambda: store_pulse(writer),
                "page": lambda: page_pulse(self.server),
            },
            more=lambda: _sending(destinations, writer),
        )
        self.stalled = self._progress.stalled
        """Names the stages that stand still."""
        self._memory = MemoryGuard(
            ceiling(loaded.config.memory.max_mb),
            self._steps(writer, destinations),
            tell=lambda state, step: tell("memory", state=state, reason=step),
        )
        self._reloader = Reloader(loaded, notifier=notifier, apply=apply)
        self.reload = self._reloader.ask
        """Has the configuration read again."""
        self.renew = self._reloader.renew
        """The same, waiting for it; gives what of the file is not in force and why."""
        self._files_short = False

    async def run(self) -> None:
        """Watch, and tell systemd that all is well while it is, until cancelled."""
        async with asyncio.TaskGroup() as watches:
            watches.create_task(self._progress.run(), name="progress")
            watches.create_task(self._memory.run(), name="memory")
            watches.create_task(self._count_files(), name="files")
            watches.create_task(self._reloader.run(), name="reload")
            watches.create_task(feed_watchdog(self._notifier, self.stalled), name="watchdog")

    def status(self) -> ProcessStatus:
        """Give a snapshot."""
        files, limit = open_files()
        problems = (self._memory.problem, files_problem(files, limit), *self._reloader.remarks)
        return ProcessStatus(
            resident_bytes(),
            self._memory.ceiling_bytes,
            self._memory.shed,
            files,
            limit,
            tuple(self.stalled()),
            tuple(one for one in problems if one is not None),
        )

    def _steps(self, writer: Writer, destinations: Destinations) -> tuple[Step, ...]:
        """Give what can be done without, the cheapest first; the last lets collectors wait."""

        def page(most: int) -> None:
            if self.server is not None:
                self.server.narrow(most)

        def sending(thrift: int) -> None:
            destinations.save_memory(thrift)
            give_back()

        def collecting(thrift: int) -> None:
            writer.save_memory(thrift)
            give_back()

        return (
            Step("caches", give_back, lambda: None),
            Step("page", lambda: page(FEW_CONNECTIONS), lambda: page(MANY_CONNECTIONS)),
            Step("rows in memory", lambda: sending(THRIFT), lambda: sending(1)),
            Step("collecting", lambda: collecting(THRIFT), lambda: collecting(1)),
        )

    async def _count_files(self) -> None:
        """Log, once an episode, that files run short."""
        while True:
            problem = files_problem(*open_files())
            if problem is not None and not self._files_short:
                _log.warning("%s", problem.en)
            self._files_short = problem is not None
            await next_look(FILES_EVERY_S)


def open_files() -> tuple[int, int]:
    """Count the open files of this process; give how many there may be, too."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    try:
        return len(os.listdir("/proc/self/fd")) - 1, limit  # noqa: PTH208 - no Path per file
    except OSError:  # not one more can be opened, this folder included
        return limit, limit


def files_problem(files: int, limit: int) -> Message | None:
    """Say that connections cannot be opened any more, or soon; None when all is well."""
    if files < limit * FILES_SHARE:
        return None
    return Message(
        f"{files} of {limit} files and connections are open: more cannot be opened. Collecting "
        "goes on where it can. Raise the limit on open files (LimitNOFILE).",
        f"已打开的文件和连接数为 {files}，上限 {limit}，无法再建立新连接。已有采集照常进行。"
        "请调大打开文件数上限（LimitNOFILE）。",
    )


def _sending(destinations: Destinations, writer: Writer) -> dict[str, Callable[[], Pulse]]:
    """Give a stage per destination; with several, each has its own rows and its name."""
    settings = destinations.settings
    alone = len(settings) == 1
    return {
        "publish" if alone else f"publish {one.name}": partial(
            _destination_pulse, at, destinations=destinations, writer=writer, one=one
        )
        for at, one in enumerate(settings)
    }


def _destination_pulse(
    at: int, *, destinations: Destinations, writer: Writer, one: Destination
) -> Pulse:
    status = destinations.status()[at]
    rows = status.rows or writer.status()
    return publish_pulse(
        status,
        holds=destinations.publishers[at].holds,
        waiting_rows=rows.waiting.rows,
        max_delay_s=one.max_delay_s,
    )
