"""One group of a device at run time: its plan, its books, and its place in the schedule."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.backoff import Backoff
from agent.collect.schedule import first_tick_s, is_tick, ticks_between
from agent.losses.open import OpenLoss, silence

if TYPE_CHECKING:
    from agent.collect.continuity import Continuity
    from agent.collect.ledger import LossLedger
    from agent.config.plan import GroupPlan
    from agent.normalize.pipeline import Pipeline
    from agent.store.intake import Encodes

SILENT_MAX_S = 60.0
"""A unit that keeps silent on a shared line is asked this seldom: others keep their time."""


@dataclass(slots=True, eq=False)
class GroupRun:
    """One group at run time."""

    plan: GroupPlan
    pipeline: Pipeline
    codec: Encodes
    ledger: LossLedger
    past: Encodes
    """Encodes what comes of the device's own history, apart from live rows."""
    continuity: Continuity
    subscribed: bool = False
    """Whether it is subscribed to in this session: it has no polls that could be missed."""
    down_since: tuple[float, int] | None = None
    """Monotonic seconds and wall-clock ms of the first poll that gave nothing."""
    down_reason: str = ""
    """Why, in a word; of the first failure."""
    marked: bool = False
    """Whether it was kept in this life until when the group is complete."""
    due_s: float | None = None
    """Monotonic time at which the next poll is due; outlives the session."""
    live: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while the group is polled on its schedule; else it is asked by probes only."""
    mute: bool = False
    """Whether its last read was met by silence."""
    alone: bool = False
    """Whether it rests alone: its device answers its other groups."""
    backoff: Backoff = field(default_factory=lambda: Backoff(longest_s=SILENT_MAX_S))
    """Pauses while the group alone is silent and its device answers others."""
    reader: asyncio.Task[None] | None = None
    """The task that reads it now; None between reads."""
    reading_s: float = 0.0
    """Monotonic time at which it was last asked."""
    overdue: bool = False
    """Whether the read under way was given up."""
    _sleep: asyncio.Future[None] | None = None

    def let(self, *, polled: bool) -> None:
        """Let the group be polled on its schedule, or rest at once."""
        if polled:
            self.live.set()
            return
        self.live.clear()
        if self._sleep is not None:
            _wake(self._sleep)

    async def sleep_until(self, at_s: float) -> None:
        """Sleep until a time of the loop's clock, or until the group is to rest."""
        loop = asyncio.get_running_loop()
        self._sleep = loop.create_future()
        timer = loop.call_at(at_s, _wake, self._sleep)
        try:
            await self._sleep
        finally:
            timer.cancel()
            self._sleep = None


def mark_key(group: str) -> str:
    """Name the lesson that says until when a group is complete; no group has such a name."""
    return f"history:{group}"


def gap_polls(group: GroupRun, end_s: float) -> int:
    """Count the polls an open gap has cost up to, without it, a time; none where none are made."""
    if group.down_since is None or group.subscribed:
        return 0
    return polls_due(group, group.down_since[0], end_s)


def uncounted(group: GroupRun) -> OpenLoss | None:
    """Give the polls that an open gap costs, from its first on; None where none are made."""
    if group.down_since is None or group.subscribed:
        return None
    interval_s, (since_s, since_ms) = group.plan.settings.interval_s, group.down_since
    late_ms = round((first_tick_s(since_s, interval_s) - since_s) * 1000)
    return silence(from_ms=since_ms + late_ms, interval_s=interval_s)


def polls_due(group: GroupRun, from_s: float, end_s: float) -> int:
    """Count the ticks of a span without its end; none where a span ends before it begins.

    The read that was under way when its device fell silent may answer after all: no span.
    """
    interval_s = group.plan.settings.interval_s
    if end_s <= from_s:
        return 0
    return ticks_between(from_s, end_s, interval_s) + is_tick(from_s, interval_s)


def _wake(sleep: asyncio.Future[None]) -> None:
    if not sleep.done():
        sleep.set_result(None)
