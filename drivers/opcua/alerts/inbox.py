"""Events that wait between the wire and the host: bounded, oldest first, losses counted.

An event that reaches us twice, by two notifiers or by a refresh, is given once. The same id with
another state is another event: some servers keep one id for a condition.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from drivers.opcua.alerts.reports import Report

if TYPE_CHECKING:
    from typing import TypeAlias

    from drivers.api import DriverError
    from drivers.opcua.alerts.standing import Seen

    Same: TypeAlias = tuple[bytes, int | None, bool | None, bool | None, int, str]
    """What two reports of one event have in common."""

MOST_WAITING: Final = 500
"""Events in memory that the host did not take yet, 6 MB at the very worst."""

REMEMBERED: Final = 2000
"""Ids of events that are known to have come, 1 MB at the worst."""


class Inbox:
    """Events in the order in which they came. One task takes; anything in the loop may put."""

    def __init__(self) -> None:
        self._waiting: deque[Report | Seen] = deque()
        self._seen: dict[Same, None] = {}
        self._lost = 0
        self._stale = False
        self._end: DriverError | None = None
        self._news = asyncio.Event()

    def put(self, report: Report) -> None:
        """Append an event that did not come before; the oldest goes where there is no room."""
        seen = _seen(report)
        if report.event_id and seen in self._seen:
            return
        self._remember(seen)
        self._waiting.append(report)
        if len(self._waiting) > MOST_WAITING:
            gone = self._waiting.popleft()
            if isinstance(gone, Report):
                self._seen.pop(_seen(gone), None)
                self.lose(1)
        self._news.set()

    def put_look(self, seen: Seen) -> None:
        """Append what a whole look showed, behind what came before it."""
        self._waiting.append(seen)
        self._news.set()

    def lose(self, events: int) -> None:
        """Count events that were lost, which also makes what is known to hold stale."""
        self._lost += events
        self.look_again()

    def look_again(self) -> None:
        """Let `get` ask for a new look at what holds."""
        self._stale = True
        self._news.set()

    def end(self, error: DriverError) -> None:
        """Let `get` raise this once the events are taken; the first error stays."""
        self._end = self._end or error
        self._news.set()

    def take_lost(self) -> int:
        """Give how many events were lost since this was last asked."""
        lost, self._lost = self._lost, 0
        return lost

    async def get(self) -> Report | Seen | None:
        """Give the oldest event or look, waiting for one; None where a new look is due.

        Raises:
            DriverError: what `end` was told.
        """
        while True:
            if self._stale and self._end is None:
                self._stale = False
                return None
            if self._waiting:
                return self._waiting.popleft()
            if self._end is not None:
                raise self._end
            self._news.clear()
            await self._news.wait()

    def _remember(self, seen: Same) -> None:
        if not seen[0]:
            return
        self._seen[seen] = None
        if len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]


def _seen(report: Report) -> Same:
    one = report
    return one.event_id, one.time_ns, one.active, one.acked, one.severity, one.source
