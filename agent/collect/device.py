"""One device at run time: its groups, its state, its counts."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from agent.backoff import Backoff
from agent.collect.schedule import is_tick, ticks_between
from agent.store.events import event_body
from agent.telemetry import logs
from agent.telemetry.status import DeviceState
from drivers.api import Quality

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.collect.ledger import LossLedger
    from agent.config.plan import DevicePlan, GroupPlan
    from agent.normalize.pipeline import Pipeline
    from agent.store.intake import Encodes
    from agent.store.outbox import LessonRow
    from agent.telemetry.status import Message
    from drivers.api import Frame, Identity

SILENT_MAX_S = 60.0
"""A unit that keeps silent on a shared line is asked this seldom: others keep their time."""
ALONE_MAX_S = 10.0
"""A device alone on its link is asked at least this often: it disturbs nobody."""

_log = logging.getLogger("chulian.collect")


class Sink(Protocol):
    """Where collected frames and events go; `agent.store.writer.Writer` is one."""

    async def put_frame(self, codec: Encodes, frame: Frame) -> None:
        """Hand in a frame; waits while there is no room."""

    def put_event(self, t_ms: int, body: bytes) -> None:
        """Hand in an event row."""

    def put_lessons(self, lessons: Sequence[LessonRow]) -> None:
        """Hand in what was learned of devices; an empty text forgets."""


@dataclass(slots=True, eq=False)
class GroupRun:
    """One group at run time."""

    plan: GroupPlan
    pipeline: Pipeline
    codec: Encodes
    ledger: LossLedger
    down_since: tuple[float, int] | None = None
    """Monotonic seconds and wall-clock ms of the first poll that gave nothing."""
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


class DeviceRun:
    """A device's state machine; driven by its link's supervisor, read by the status page."""

    def __init__(
        self, plan: DevicePlan, groups: Sequence[GroupRun], sink: Sink, *, shared: bool
    ) -> None:
        self.plan = plan
        self.groups = tuple(groups)
        self.sink = sink
        """Where its frames, events and lessons go."""
        self.state = DeviceState.IDLE
        self.since_ms = _now_ms()
        self.problem: Message | None = None
        self.last_data_ms: int | None = None
        self.reads = 0
        self.failures = 0
        self.values = 0
        self.retry_s = 0.0
        """Monotonic time before which the device is left alone."""
        self.silent = False
        """Whether it kept silent last: its groups rest, and one probe at a time asks for it."""
        self.first_good: Callable[[], None] | None = None
        """Called at the next good value, once."""
        self.identity: Identity | None = None
        """Who it says it is; None while it was never asked, or could not say."""
        self.identify_s = 0.0
        """Monotonic time before which it is not asked who it is."""
        self._backoff = Backoff(longest_s=SILENT_MAX_S if shared else ALONE_MAX_S)

    @property
    def id(self) -> str:
        """Id of the device."""
        return self.plan.id

    @property
    def missed(self) -> int:
        """Polls that were due and not made, those of a gap that lasts included."""
        now_s = time.monotonic()
        return sum(g.ledger.missed + _gap_polls(g, now_s) for g in self.groups)

    @property
    def lost_changes(self) -> int:
        """Changes reported as lost."""
        return sum(g.ledger.lost_changes for g in self.groups)

    async def take(self, group: GroupRun, frame: Frame) -> None:
        """Take a frame from the driver through the pipeline into the sink."""
        if frame.overflow:
            group.ledger.lose(frame.overflow)
        group.ledger.tell_if_due()
        if not frame.values:
            return
        self.reads += 1
        self.values += len(frame.values)
        if frame.qualities is None or Quality.GOOD in frame.qualities:
            self.last_data_ms = frame.read_ns // 1_000_000
            if self.first_good is not None:
                tell, self.first_good = self.first_good, None
                tell()
        self._answered(group)
        stored = group.pipeline.process(frame)
        if stored is not None:
            await self.sink.put_frame(group.codec, stored)

    def _answered(self, group: GroupRun) -> None:
        if group.down_since is not None:
            self._close_gap(group, time.monotonic() if group.due_s is None else group.due_s)
        self.become(DeviceState.ONLINE, None)
        if self._backoff.failures:
            self._backoff.reset()

    async def fail(
        self, problem: Message, state: DeviceState, *, reason: str, pause_s: float | None = None
    ) -> None:
        """The device cannot be read now: mark its groups, count it, leave it alone for a while.

        Without a pause given it is the device's own growing one.
        """
        self.failures += 1
        self.retry_s = time.monotonic() + (self._backoff.next_s() if pause_s is None else pause_s)
        self.become(state, problem, reason=reason)
        await self.silence(self.groups)

    async def silence(self, groups: Sequence[GroupRun]) -> None:
        """Store one BAD frame per group that could be read until now, and start its gap."""
        now_s, now_ns = time.monotonic(), time.time_ns()
        for group in groups:
            if group.down_since is None:
                since_s = now_s if group.due_s is None else min(group.due_s, now_s)
                group.down_since = (since_s, now_ns // 1_000_000 - int((now_s - since_s) * 1000))
            frame = group.pipeline.silence(now_ns)
            if frame is not None:
                await self.sink.put_frame(group.codec, frame)

    def become(self, state: DeviceState, problem: Message | None, *, reason: str = "") -> None:
        """Change the state; a change between reading and not reading is published."""
        self.problem = problem
        if state is self.state:
            return
        told = _told(self.state) != _told(state) and _told(state)
        if state is DeviceState.ONLINE and _told(self.state):
            with logs.about(self.id):
                _log.info("device answers again: %s", self.plan.link)
        self.state = state
        self.since_ms = _now_ms()
        if told:
            fields = {"d": self.id, "state": told} | ({"reason": reason} if reason else {})
            self.sink.put_event(self.since_ms, event_body("device", t_ms=self.since_ms, **fields))

    def close_books(self) -> None:
        """Tell every loss that was counted and not told yet (before the end)."""
        for group in self.groups:
            if group.down_since is not None:
                self._close_gap(group, time.monotonic())
            elif group.due_s is not None:
                self._count_unread(group, group.due_s)
            group.ledger.flush()

    def _count_unread(self, group: GroupRun, due_s: float) -> None:
        """Count the ticks that were due and wait for a read that is not made any more."""
        now_s, now_ms = time.monotonic(), _now_ms()
        polls = _polls_due(group, due_s, now_s)
        from_ms = now_ms - int((now_s - due_s) * 1000)
        group.ledger.miss(polls, reason="late", from_ms=from_ms, to_ms=now_ms)

    def _close_gap(self, group: GroupRun, end_s: float) -> None:
        """Count the ticks from the first poll that gave nothing up to, without it, `end_s`."""
        if group.down_since is None:
            return
        polls, (_, since_ms) = _gap_polls(group, end_s), group.down_since
        group.down_since = None
        group.ledger.miss(polls, reason="device_down", from_ms=since_ms, to_ms=_now_ms())
        group.ledger.flush()


def _gap_polls(group: GroupRun, end_s: float) -> int:
    """Count the polls an open gap has cost up to, without it, a time."""
    return 0 if group.down_since is None else _polls_due(group, group.down_since[0], end_s)


def _polls_due(group: GroupRun, from_s: float, end_s: float) -> int:
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


def _told(state: DeviceState) -> str:
    """What the platform is told of a state; nothing for those on the way."""
    return {
        DeviceState.ONLINE: "online",
        DeviceState.BACKOFF: "offline",
        DeviceState.FAULTED: "faulted",
    }.get(state, "")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
