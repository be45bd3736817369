"""Points that a server does not monitor, read in rounds: what it would tell is told all the same.

Gives what a monitored item gives: the first value, then each change of value or status. A round
that is due while the one before is still under way is not made up for; it is counted.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from drivers.api import Busy, DriverError, Quality
from drivers.opcua.beside import beside
from drivers.opcua.calls import UNKNOWN_NODE
from drivers.opcua.frames import make_frame, picked
from drivers.opcua.poll import read_nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from asyncua import ua

    from drivers.api import Frame, Value
    from drivers.opcua.services import Services
    from drivers.opcua.subscribing.served import Served


_NOTHING: Final = (None, -1, "")


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told what the rounds bring."""

    put: Callable[[Frame], None]
    restamped: Callable[[int], None]
    """Told how many values bear the time of receipt for want of a better."""
    lost: Callable[[DriverError], None]
    """Told once, when the session ends under the rounds."""


class Rounds:
    """Reads some tags of a plan at its interval, for as long as there are any."""

    def __init__(self, services: Services, served: Served, listener: Listener) -> None:
        self._services = services
        self._served = served
        self._listener = listener
        self._nodes: dict[int, ua.NodeId] = {}
        self._last: dict[int, tuple[Value, int, str]] = {}
        self._task: asyncio.Task[None] | None = None
        self.pause = asyncio.Lock()
        """Held during a round; hold it where a point moves between reading and monitoring."""

    def read(self, nodes: Mapping[int, ua.NodeId]) -> None:
        """Read these from now on, tag -> node, and no others."""
        self._nodes = dict(nodes)
        self._last = {tag: last for tag, last in self._last.items() if tag in self._nodes}
        if self._nodes and self._task is None:
            name = f"opcua-rounds:{self._name}"
            self._task = beside(self._run(), name=name, on_bug=self._listener.lost)

    async def close(self) -> None:
        """Read no more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    @property
    def _name(self) -> str:
        return f"{self._served.plan.device}/{self._served.plan.group}"

    async def _run(self) -> None:
        """Make one round after the other, on a grid of the group's interval."""
        loop = asyncio.get_running_loop()
        interval_s, due_s = self._served.sampling_s, loop.time()
        try:
            while True:
                try:
                    await self._round()
                except Busy:  # the server was asked, and gave nothing
                    self._served.missed_rounds += 1
                late = int((loop.time() - due_s) / interval_s)
                self._served.missed_rounds += late if self._nodes else 0
                due_s += (late + 1) * interval_s
                await asyncio.sleep(max(0.0, due_s - loop.time()))
        except DriverError as error:
            self._listener.lost(error)

    async def _round(self) -> None:
        async with self.pause:
            nodes = self._nodes
            if not nodes:
                return
            plan = self._served.plan
            columns = await read_nodes(
                self._services,
                list(nodes.values()),
                most=plan.max_items_per_call,
                unknown=UNKNOWN_NODE,
            )
            frame, restamped = make_frame(
                plan,
                columns,
                read_ns=time.time_ns(),
                tags=tuple(nodes),
                layouts=self._services.layouts,
            )
        changed = self._changed(tuple(nodes), frame)
        if changed:
            self._listener.restamped(restamped)
            self._listener.put(picked(frame, changed))

    def _changed(self, tags: tuple[int, ...], frame: Frame) -> list[int]:
        """Give the positions of what is not as in the last round, and remember it."""
        found = []
        qualities = frame.qualities or bytes([Quality.GOOD]) * len(tags)
        for at, tag in enumerate(tags):
            now = frame.values[at], qualities[at], (frame.reasons or {}).get(at, "")
            if self._last.get(tag, _NOTHING) != now or type(now[0]) is not type(self._last[tag][0]):
                self._last[tag] = now
                found.append(at)
        return found
