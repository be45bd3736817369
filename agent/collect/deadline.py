"""A deadline for every read of a link, kept by a look now and then instead of a timer per read.

Guarantees: a read that a driver never ends is given up; one that only waits its turn on a slow line
is not, because the line's other reads go on ending meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from agent.looks import pause_s

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.collect.group import GroupRun
    from drivers.api import Frame

READ_DEADLINE_S = 60.0
"""A line on which no read ends for so long hangs; drivers have shorter time-outs of their own."""
CYCLES = 3.0
"""A line may need so many times its expected cycle, if that is longer."""
PATIENCE = 10.0
"""A read is given up after so many deadlines even if others of its line go on ending."""
LOOK_EVERY_S = 5.0
"""So late, at most, a read is given up; each look is a wake-up of its own."""


class Overdue(Exception):  # noqa: N818 - says what is the case
    """A read was given up."""


class Deadline:
    """Gives up reads of some groups that share a line."""

    def __init__(self, groups: Sequence[GroupRun], *, cycle_s: float) -> None:
        self._groups = tuple(groups)
        self._cycle_s = cycle_s
        self._timer: asyncio.TimerHandle | None = None
        self.moved_s = 0.0
        """Monotonic time at which a read of the line last ended."""

    @property
    def limit_s(self) -> float:
        """How long the line may stand still while something is read."""
        return max(READ_DEADLINE_S, CYCLES * self._cycle_s)

    def start(self) -> None:
        """Begin to look after the reads."""
        self.moved_s = time.monotonic()
        self._look()

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def read(self, session: Any, group: GroupRun) -> Frame:
        """Read a group once.

        Raises:
            Overdue: it was given up.
            DriverError: as the driver says.
        """
        task = asyncio.current_task()
        group.reader = task
        group.reading_s = time.monotonic()
        try:
            frame: Frame = await session.read(group.plan.plan)
        except asyncio.CancelledError as error:
            # cancelled by us alone; a cancellation from outside goes on
            if group.overdue and task is not None and task.cancelling() == 1:
                raise Overdue from error
            raise
        finally:
            group.reader = None
            self.moved_s = time.monotonic()
            if group.overdue:
                group.overdue = False
                if task is not None:
                    task.uncancel()
        return frame

    def _look(self) -> None:
        now_s, limit_s = time.monotonic(), self.limit_s
        for group in self._groups:
            if group.reader is None or group.overdue:
                continue
            still_s = now_s - max(group.reading_s, self.moved_s)
            if still_s > limit_s or now_s - group.reading_s > PATIENCE * limit_s:
                group.overdue = True
                group.reader.cancel()
        every_s = min(LOOK_EVERY_S, limit_s / 4)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(pause_s(every_s, now_s=loop.time()), self._look)
