"""One device at run time: its groups, its state, its counts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from agent.backoff import Backoff
from agent.collect.schedule import is_tick, ticks_between
from agent.store.events import event_body
from agent.telemetry.status import DeviceState
from drivers.api import Quality

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.collect.ledger import LossLedger
    from agent.config.plan import DevicePlan, GroupPlan
    from agent.normalize.pipeline import Pipeline
    from agent.store.intake import Encodes
    from agent.telemetry.status import Message
    from drivers.api import Frame

SILENT_MAX_S = 60.0
"""A unit that keeps silent on a shared line is asked this seldom: others keep their time."""
ALONE_MAX_S = 10.0
"""A device alone on its link is asked at least this often: it disturbs nobody."""


class Sink(Protocol):
    """Where collected frames and events go; `agent.store.writer.Writer` is one."""

    async def put_frame(self, codec: Encodes, frame: Frame) -> None:
        """Hand in a frame; waits while there is no room."""

    def put_event(self, t_ms: int, body: bytes) -> None:
        """Hand in an event row."""


@dataclass(slots=True)
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


class DeviceRun:
    """A device's state machine; driven by its link's supervisor, read by the status page."""

    def __init__(
        self, plan: DevicePlan, groups: Sequence[GroupRun], sink: Sink, *, shared: bool
    ) -> None:
        self.plan = plan
        self.groups = tuple(groups)
        self._sink = sink
        self.state = DeviceState.IDLE
        self.since_ms = _now_ms()
        self.problem: Message | None = None
        self.last_data_ms: int | None = None
        self.reads = 0
        self.failures = 0
        self.values = 0
        self.retry_s = 0.0
        """Monotonic time before which the device is left alone."""
        self._backoff = Backoff(longest_s=SILENT_MAX_S if shared else ALONE_MAX_S)

    @property
    def id(self) -> str:
        """Id of the device."""
        return self.plan.id

    @property
    def missed(self) -> int:
        """Polls that were due and not made."""
        return sum(g.ledger.missed for g in self.groups)

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
        self._answered(group)
        stored = group.pipeline.process(frame)
        if stored is not None:
            await self._sink.put_frame(group.codec, stored)

    def _answered(self, group: GroupRun) -> None:
        if group.down_since is not None:
            self._close_gap(group, time.monotonic() if group.due_s is None else group.due_s)
        self.become(DeviceState.ONLINE, None)
        if self._backoff.failures:
            self._backoff.reset()

    async def fail(self, problem: Message, state: DeviceState, *, reason: str) -> None:
        """The device cannot be read now: mark its groups, count it, leave it alone for a while."""
        self.failures += 1
        self.retry_s = time.monotonic() + self._backoff.next_s()
        self.become(state, problem, reason=reason)
        await self.silence()

    async def silence(self) -> None:
        """Store one BAD frame per group that could be read until now, and start the gap."""
        now_s, now_ns = time.monotonic(), time.time_ns()
        for group in self.groups:
            if group.down_since is None:
                since_s = now_s if group.due_s is None else min(group.due_s, now_s)
                group.down_since = (since_s, now_ns // 1_000_000 - int((now_s - since_s) * 1000))
            frame = group.pipeline.silence(now_ns)
            if frame is not None:
                await self._sink.put_frame(group.codec, frame)

    def become(self, state: DeviceState, problem: Message | None, *, reason: str = "") -> None:
        """Change the state; a change between reading and not reading is published."""
        self.problem = problem
        if state is self.state:
            return
        told = _told(self.state) != _told(state) and _told(state)
        self.state = state
        self.since_ms = _now_ms()
        if told:
            fields = {"d": self.id, "state": told} | ({"reason": reason} if reason else {})
            self._sink.put_event(self.since_ms, event_body("device", t_ms=self.since_ms, **fields))

    def close_books(self) -> None:
        """Tell every loss that was counted and not told yet (before the end)."""
        for group in self.groups:
            if group.down_since is not None:
                self._close_gap(group, time.monotonic())
            group.ledger.flush()

    def _close_gap(self, group: GroupRun, end_s: float) -> None:
        """Count the ticks from the first poll that gave nothing up to, without it, `end_s`."""
        if group.down_since is None:
            return
        since_s, since_ms = group.down_since
        group.down_since = None
        interval_s = group.plan.settings.interval_s
        polls = ticks_between(since_s, end_s, interval_s) + is_tick(since_s, interval_s)
        group.ledger.miss(polls, reason="device_down", from_ms=since_ms, to_ms=_now_ms())
        group.ledger.flush()


def _told(state: DeviceState) -> str:
    """What the platform is told of a state; nothing for those on the way."""
    return {
        DeviceState.ONLINE: "online",
        DeviceState.BACKOFF: "offline",
        DeviceState.FAULTED: "faulted",
    }.get(state, "")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
