"""Whether a subscription tells every change: some of its points are read and compared.

A server may keep a subscription alive and yet not notice changes. So from time to time a few points
are read, in turns. One whose value is not the last one told is given the time in which a change
would have come; told nothing by then, and still another, it proves that changes are lost. Points
with a deadband are left out: the server owes no small change.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from drivers.api import Frame, Gap, Quality, Remark
from drivers.opcua.subscribing.told import now_ns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence

    from drivers.opcua.plan import OpcuaPlan
    from drivers.opcua.subscribing.told import Told

MOST_POINTS: Final = 100
"""Points of one comparison: one request, whatever the plan's size."""
LONGEST_S: Final = 3600.0
"""A server that goes on losing changes is proven wrong, and subscribed anew, this seldom."""
UNNOTICED: Final = "changes_unnoticed"
"""Reason of the gap."""
MARGIN_S: Final = 1.0
"""How long a notification may be on its way."""


class Proof:
    """The comparisons of one plan's stream."""

    def __init__(self, plan: OpcuaPlan, told: Told) -> None:
        self._plan = plan
        self._told = told
        self._at = 0
        self._proven_ns: dict[int, int] = {}
        self._began_ns = now_ns()
        self._pause_s = plan.check_interval_s
        self._due_s: float | None = None
        self.failures = 0
        """How often changes were found to be lost."""

    def due(self, now_s: float) -> bool:
        """Tell whether it is time to compare again; never where that is switched off."""
        if not self._plan.check_interval_s:
            return False
        if self._due_s is None:
            self._due_s = now_s + self._pause_s
        if now_s < self._due_s:
            return False
        self._due_s = now_s + self._pause_s
        return True

    def remarks(self) -> list[Remark]:
        """Tell that the server lost changes, if it did in this session."""
        if not self.failures:
            return []
        return [
            Remark(
                UNNOTICED,
                f"the server kept changes to itself {self.failures} times; each time everything "
                "was subscribed to anew. Ask the maker of the server for an update.",
                f"服务器有 {self.failures} 次没有上报变化，程序已重新订阅；请联系服务器厂家升级。",
                degraded=True,
            )
        ]

    async def compare(
        self,
        read: Callable[[Sequence[int]], Awaitable[Frame]],
        *,
        leave_out: Collection[int],
        patience_s: float,
    ) -> Gap | None:
        """Compare some points; give the span in which changes were lost, None where all is well.

        `patience_s` is the longest time from a change to its notification.

        Raises:
            NoReply, SessionLost: the session is over.
        """
        tags = self._next(leave_out)
        if not tags:
            return None
        began_ns = now_ns()
        self._told.expect(tags)
        suspects = self._other(await read(tags))
        if suspects:
            await asyncio.sleep(patience_s + MARGIN_S)
            unheard = sorted(self._told.unheard.intersection(suspects))
            if unheard and self._other(await read(unheard)):
                self.failures += 1
                self._pause_s = min(self._pause_s * 2, LONGEST_S)
                return Gap(self._known_ns(unheard), now_ns(), UNNOTICED)
        self._told.expect(())
        for tag in tags:
            self._proven_ns[tag] = began_ns
        return None

    def _next(self, leave_out: Collection[int]) -> list[int]:
        """Give the next points in turn."""
        damped = self._plan.deadbands
        left = [
            tag
            for tag in range(len(self._plan.tags))
            if tag not in leave_out and not (damped and damped[tag])
        ]
        if self._at >= len(left):
            self._at = 0
        tags = left[self._at : self._at + MOST_POINTS]
        self._at += MOST_POINTS
        return tags

    def _other(self, frame: Frame) -> list[int]:
        """Give the tags whose good value is another than the last one told."""
        tags = frame.columns or range(len(frame.values))
        return [
            tag
            for at, tag in enumerate(tags)
            if (frame.qualities is None or frame.qualities[at] == Quality.GOOD)
            and self._told.differs(tag, frame.values[at])
        ]

    def _known_ns(self, tags: Sequence[int]) -> int:
        """Give until when changes of these points are known to have come."""
        return min(self._proven_ns.get(tag, self._began_ns) for tag in tags)
