"""One device at run time: its groups, its state, its counts."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Protocol

from agent.backoff import Backoff
from agent.collect.alarm_book import open_book
from agent.collect.group import SILENT_MAX_S, gap_polls, mark_key, polls_due, uncounted
from agent.collect.ledger import TELL_EVERY_S
from agent.store.events import event_body
from agent.telemetry import logs
from agent.telemetry.status import DeviceState
from drivers.api import Quality

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.collect.group import GroupRun
    from agent.config.plan import DevicePlan
    from agent.losses.spans import LossSpan
    from agent.store.intake import Encodes
    from agent.store.outbox import LessonRow, Telling
    from agent.telemetry.status import Message
    from drivers.api import Frame, Gap, Identity

ALONE_MAX_S = 10.0
"""A device alone on its link is asked at least this often: it disturbs nobody."""
ON_ITS_WAY_MS = 1_000
"""A change so much older than the last message, and a sampling interval, may not be in it."""

OVERFLOW = "overflow"
"""Reason of gaps that may come with every message: one of them is filled at a time."""
AWAY = "agent_away"
"""Reason of a gap in which the program itself did not run."""

_log = logging.getLogger("chulian.collect")


class Sink(Protocol):
    """Where collected frames and events go; `agent.store.writer.Writer` is one."""

    async def put_frame(self, codec: Encodes, frame: Frame) -> None:
        """Hand in a frame; waits while there is no room."""

    def put_event(self, t_ms: int, body: bytes) -> None:
        """Hand in an event row."""

    def put_lessons(self, lessons: Sequence[LessonRow]) -> None:
        """Hand in what was learned of devices; an empty text forgets."""

    def put_losses(self, losses: Sequence[LossSpan]) -> None:
        """Hand in what is missing."""

    def put_told(self, told: Telling) -> None:
        """Hand in losses and the events that tell of them."""


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
        self.past_values = 0
        """Values taken from its own history."""
        self._begun_s = time.monotonic()
        self.retry_s = 0.0
        """Monotonic time before which the device is left alone."""
        self.silent = False
        """Whether it kept silent last: its groups rest, and one probe at a time asks for it."""
        self.first_good: Callable[[], None] | None = None
        """Called at the next good value, once."""
        self.identity: Identity | None = None
        """Who it says it is; None while it was never asked, or could not say."""
        self.alarms = open_book(plan, sink)
        """The device's own alarms; None where it is not to be asked for them."""
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
        return sum(g.ledger.missed + gap_polls(g, now_s) for g in self.groups)

    @property
    def gaps(self) -> int:
        """Spans in which changes of a subscribed group may have been missed."""
        return sum(g.ledger.gaps for g in self.groups)

    @property
    def lost_changes(self) -> int:
        """Changes reported as lost."""
        return sum(g.ledger.lost_changes for g in self.groups)

    async def take(self, group: GroupRun, frame: Frame) -> None:
        """Take a frame from the driver through the pipeline into the sink."""
        if frame.backfill:
            await self.take_past(group, frame)
            return
        if frame.overflow:
            group.ledger.lose(frame.overflow)
        if frame.gap is not None and group.down_since is None:
            self._note_gap(group, frame.gap)
        group.ledger.tell_if_due()
        if not frame.values:
            if group.down_since is None:
                group.continuity.heard(frame.read_ns)
                group.pipeline.heard(frame)
            return
        self.reads += 1
        self.values += len(frame.values)
        if frame.qualities is None or Quality.GOOD in frame.qualities:
            self.last_data_ms = frame.read_ns // 1_000_000
            if self.first_good is not None:
                tell, self.first_good = self.first_good, None
                tell()
        self._answered(group)
        group.continuity.heard(frame.read_ns, frame)
        stored = group.pipeline.process(frame)
        if stored is not None:
            await self.sink.put_frame(group.codec, stored)
        if group.continuity.proven or not group.marked:
            group.marked = True  # a life that ends early leaves a mark, too
            self.keep_mark(group)

    async def take_past(self, group: GroupRun, frame: Frame) -> None:
        """Take values of the device's own history; they say nothing of its present."""
        self.past_values += len(frame.values)
        await self.sink.put_frame(group.past, group.pipeline.backfill(frame))

    def keep_mark(self, group: GroupRun) -> None:
        """Keep, in the transaction of the frame, until when the group is complete."""
        text = group.continuity.lessons
        if text:
            self.sink.put_lessons([(self.id, mark_key(group.plan.name), text, _now_ms())])

    def _note_gap(self, group: GroupRun, gap: Gap) -> None:
        from_ms, to_ms = gap.from_ns // 1_000_000, gap.to_ns // 1_000_000
        if from_ms > to_ms:  # the clock was put back meanwhile
            from_ms = min(group.continuity.complete_ms, to_ms)
        group.ledger.gap(reason=gap.reason, from_ms=from_ms, to_ms=to_ms)
        if gap.reason != OVERFLOW or not group.continuity.waits:
            group.continuity.broke(from_ms=from_ms, to_ms=to_ms)

    def _answered(self, group: GroupRun) -> None:
        away = group.continuity.returned(_now_ms())
        if away is not None and group.subscribed:
            group.ledger.gap(reason=AWAY, from_ms=away.from_ms, to_ms=away.to_ms)
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
        await self.silence(self.groups, reason=reason)

    async def silence(self, groups: Sequence[GroupRun], *, reason: str = "no_reply") -> None:
        """Store one BAD frame per group that could be read until now, and start its gap."""
        now_s, now_ns = time.monotonic(), time.time_ns()
        for group in groups:
            if group.down_since is not None:
                self._count_down(group, now_s, now_ns // 1_000_000)
            else:
                since_s = self._begun_s if group.due_s is None else min(group.due_s, now_s)
                group.down_since = (since_s, now_ns // 1_000_000 - int((now_s - since_s) * 1000))
                group.down_reason = reason
            group.ledger.silence = uncounted(group)
            group.ledger.keep()
            frame = group.pipeline.silence(now_ns)
            if frame is not None:
                await self.sink.put_frame(group.codec, frame)

    def _count_down(self, group: GroupRun, now_s: float, now_ms: int) -> None:
        """Count what a silence that lasts has cost so far: a crash must not forget days of it."""
        assert group.down_since is not None  # noqa: S101 - asked of groups that are down only
        since_s, since_ms = group.down_since
        if now_s - since_s >= TELL_EVERY_S and not group.subscribed:
            polls = gap_polls(group, now_s)
            group.down_since = (now_s, now_ms)
            group.ledger.silence = uncounted(group)
            group.ledger.miss(polls, reason="device_down", from_ms=since_ms, to_ms=now_ms)

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

    @property
    def coalesced(self) -> int:
        """Values read and not stored since they lie on the line of a compressed trend."""
        return sum(g.pipeline.coalesced for g in self.groups)

    async def put_held(self) -> None:
        """Store what compression holds back (before the end); taken in even if cancelled."""
        for group in self.groups:
            held = group.pipeline.finish()
            if held is not None:
                await self.sink.put_frame(group.codec, held)

    def close_books(self) -> None:
        """Tell every loss that was counted and not told yet (before the end)."""
        for group in self.groups:
            if group.down_since is not None:
                self._close_gap(group, time.monotonic(), closing=True)
            elif group.due_s is not None:
                self._count_unread(group, group.due_s)
            group.ledger.flush()
        if self.alarms is not None:
            self.alarms.close()

    def _count_unread(self, group: GroupRun, due_s: float) -> None:
        """Count the ticks that were due and wait for a read that is not made any more."""
        now_s, now_ms = time.monotonic(), _now_ms()
        polls = polls_due(group, due_s, now_s)
        from_ms = now_ms - int((now_s - due_s) * 1000)
        group.ledger.miss(polls, reason="late", from_ms=from_ms, to_ms=now_ms)

    def _close_gap(self, group: GroupRun, end_s: float, *, closing: bool = False) -> None:
        """Count the ticks from the first poll that gave nothing up to, without it, `end_s`.

        A gap that is `closing` only with the program goes on: a later life fills it.
        """
        if group.down_since is None:
            return
        polls, (_, since_ms), now_ms = gap_polls(group, end_s), group.down_since, _now_ms()
        group.down_since = group.ledger.silence = None
        known_ms = min(group.continuity.complete_ms, now_ms)
        if group.subscribed:
            known_ms = max(0, known_ms - ON_ITS_WAY_MS - int(group.plan.settings.interval_s * 1000))
        if not group.subscribed:
            group.ledger.miss(polls, reason="device_down", from_ms=since_ms, to_ms=now_ms)
        elif known_ms:
            group.ledger.gap(reason=group.down_reason, from_ms=known_ms, to_ms=now_ms)
        if known_ms and not closing:
            group.continuity.broke(from_ms=known_ms, to_ms=now_ms)
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
