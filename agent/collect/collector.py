"""All links of the agent: built from the plan, run side by side, shown as one list of devices."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from agent.collect.continuity import Continuity
from agent.collect.device import DeviceRun
from agent.collect.group import GroupRun, mark_key
from agent.collect.identity import kept_identity
from agent.collect.ledger import LossLedger
from agent.collect.lessons import LessonBook
from agent.collect.remarks import service_remarks
from agent.collect.supervisor import LinkSupervisor
from agent.config.derived import STATE_METRIC
from agent.config.lines import expected_s
from agent.config.model import MachineState
from agent.normalize.pipeline import Pipeline
from agent.telemetry.latest import NEVER, LatestGroup
from agent.telemetry.status import DeviceState, DeviceStatus
from agent.telemetry.taglist import TagList, not_good
from drivers.api import Quality

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from agent.collect.device import Sink
    from agent.config.plan import DevicePlan, GroupPlan
    from agent.normalize.pipeline import Follows
    from agent.store.intake import Encodes
    from agent.store.outbox import LessonRow
    from agent.telemetry.status import TagStatus
    from drivers.api import Frame, Learns

END_S = 10.0
"""Within this a line that is to begin anew has ended."""


class Collector:
    """Runs every link in a task of its own."""

    def __init__(
        self,
        plans: Sequence[DevicePlan],
        *,
        sink: Sink,
        codec: Callable[[str, GroupPlan], Encodes],
        observer: Callable[[str, GroupPlan], Callable[[Frame], None]],
        follower: Callable[[str, GroupPlan], Follows | None] = lambda _device, _group: None,
        lessons: Sequence[LessonRow] = (),
    ) -> None:
        self._sink = sink
        self._follower = follower
        self._codec = codec
        self._observer = observer
        self._latest: dict[tuple[str, str], LatestGroup] = {}
        self._states: dict[str, int | None] = {}
        self._plans = tuple(plans)
        self._lines = {key: self._line(shared) for key, shared in _by_line(plans).items()}
        self._tasks: dict[Hashable, asyncio.Task[None]] = {}
        self._lessons = LessonBook(
            plans, lessons, keep=sink.put_lessons, more=_marks(self._devices())
        )
        told = {device: text for device, group, text, _ in lessons if not group}
        for run in self._devices():
            run.identity = kept_identity(told[run.id]) if run.id in told else None

    async def run(self) -> None:
        """Serve every link until cancelled."""
        async with asyncio.TaskGroup() as self._serving:
            self._serving.create_task(self._lessons.run(), name="lessons")
            for key in self._lines:
                self._start(key)
            await asyncio.Event().wait()  # links may come and go meanwhile

    async def replace(
        self,
        plans: Sequence[DevicePlan],
        *,
        gone: AbstractSet[str] = frozenset(),
        between: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Go on by plans that are new or others than before, and without the devices of `gone`.

        Only the lines such a device is on, or comes to, begin anew; while they are down `between`
        is awaited. Called while `run` runs.

        Raises:
            TimeoutError: a driver does not let go of its line, which is then not served any more,
                or `between` took too long. The other lines go on by the plans there were.
        """
        fresh = {plan.id: plan for plan in plans}
        touched = fresh.keys() | gone
        was = [_line_of(plan) for plan in self._plans if plan.id in touched]
        keys = dict.fromkeys((*was, *map(_line_of, plans)))
        down = {key: self._tasks[key] for key in keys if key in self._tasks}
        try:
            await self._end(list(down.values()))
            self._lessons.keep()
            if between is not None:
                await between()
        except TimeoutError:
            self._go_on([key for key, task in down.items() if task.done()])
            raise
        known = {plan.id for plan in self._plans}
        stay = (fresh.get(plan.id, plan) for plan in self._plans if plan.id not in gone)
        self._plans = (*stay, *(plan for plan in plans if plan.id not in known))
        lines = _by_line(self._plans)
        for key in keys:
            self._lines.pop(key, None)
            self._tasks.pop(key, None)
            if key in lines:
                self._begin(key, lines[key], fresh=fresh.keys())

    def _go_on(self, keys: Iterable[Hashable]) -> None:
        """Serve lines that have ended again, as they were."""
        lines = _by_line(self._plans)
        for key in keys:
            self._begin(key, lines[key], fresh=frozenset())

    def _begin(
        self, key: Hashable, shared: Sequence[DevicePlan], *, fresh: AbstractSet[str]
    ) -> None:
        line = self._lines[key] = self._line(shared)
        learned = {(p.id, g.name): g.plan for p in shared if p.id in fresh for g in p.groups}
        for lesson, learns in (learned | _marks(line.devices)).items():
            self._lessons.renew(lesson, learns)
        self._start(key)

    def _start(self, key: Hashable) -> None:
        line = self._lines[key]
        self._tasks[key] = self._serving.create_task(line.run(), name=f"link:{line.name}")

    async def _end(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        if tasks and (await asyncio.wait(tasks, timeout=END_S))[1]:
            raise TimeoutError

    @property
    def links(self) -> Sequence[LinkSupervisor]:
        """Every link, for who watches that they move."""
        return tuple(self._lines.values())

    @property
    def tried(self) -> bool:
        """Whether every device has answered or failed at least once."""
        waiting = {DeviceState.IDLE, DeviceState.CONNECTING}
        return not any(device.state in waiting for device in self._devices())

    def status(self) -> tuple[DeviceStatus, ...]:
        """Give a snapshot of every device, in the order of the links."""
        return tuple(
            self._status(device, supervisor)
            for supervisor in self._lines.values()
            for device in supervisor.devices
        )

    def session(self, device: str) -> Any | None:
        """Give the live session of a device that answers; None when there is none."""
        for supervisor in self._lines.values():
            for run in supervisor.devices:
                if run.id == device and run.state is DeviceState.ONLINE:
                    return supervisor.session
        return None

    def _devices(self) -> Iterator[DeviceRun]:
        for supervisor in self._lines.values():
            yield from supervisor.devices

    def _line(self, shared: Sequence[DevicePlan]) -> LinkSupervisor:
        return LinkSupervisor(
            [self._device(p, shared=len(shared) > 1) for p in shared],
            cycle_s=sum(expected_s(g.plan) or 0.0 for p in shared for g in p.groups),
        )

    def _device(self, plan: DevicePlan, *, shared: bool) -> DeviceRun:
        groups = [self._group(plan.id, group) for group in plan.groups]
        self._states[plan.id] = _state_tag(plan)
        return DeviceRun(plan, groups, self._sink, shared=shared)

    def _group(self, device: str, group: GroupPlan) -> GroupRun:
        latest = self._latest[device, group.name] = LatestGroup(len(group.tags))
        pipeline = Pipeline(
            device,
            group,
            latest=latest,
            observe=self._observer(device, group),
            monotonic=time.monotonic,
            follow=self._follower(device, group),
        )
        sink = self._sink
        ledger = LossLedger(device, group.name, tell=sink.put_told)
        read = len(group.tags) - len(group.derived)
        continuity = Continuity(read, times_ns=pipeline.times_ns)
        codec, past = self._codec(device, group), self._codec(device, group)
        return GroupRun(group, pipeline, codec, ledger, past, continuity)

    def _status(self, device: DeviceRun, line: LinkSupervisor) -> DeviceStatus:
        entry = device.plan.entry
        tags = TagList(
            [(g.plan.tags, self._latest[device.id, g.plan.name].snapshot()) for g in device.groups]
        )
        return DeviceStatus(
            entry.id,
            entry.name,
            entry.driver,
            line.name,
            entry.workshop,
            entry.line,
            _shown_state(device.state, tags),
            device.since_ms,
            device.last_data_ms,
            _machine_state(tags, self._states[device.id]),
            device.reads,
            device.failures,
            device.missed,
            device.lost_changes,
            device.values,
            device.problem,
            tags,
            device.identity,
            len(line.devices),
            service_remarks(line.session, device),
            alarms=None if device.alarms is None else device.alarms.status(),
            gaps=device.gaps,
            past_values=device.past_values,
            coalesced=device.coalesced,
        )


def _line_of(plan: DevicePlan) -> Hashable:
    return plan.entry.driver, plan.link


def _by_line(plans: Sequence[DevicePlan]) -> dict[Hashable, list[DevicePlan]]:
    lines: dict[Hashable, list[DevicePlan]] = {}
    for plan in plans:
        if plan.groups:
            lines.setdefault(_line_of(plan), []).append(plan)
    return lines


def _marks(devices: Iterable[DeviceRun]) -> dict[tuple[str, str], Learns]:
    """Give what each group keeps of its own history, by the key of its lesson."""
    return {
        (run.id, mark_key(group.plan.name)): group.continuity
        for run in devices
        for group in run.groups
    }


def _shown_state(state: DeviceState, tags: Sequence[TagStatus]) -> DeviceState:
    """Show a device that answers as degraded while a point of it, asked for before, is BAD."""
    if state is not DeviceState.ONLINE:
        return state
    bad = any(t.quality == Quality.BAD and t.reason != NEVER.reason for t in not_good(tags))
    return DeviceState.DEGRADED if bad else state


def _machine_state(tags: TagList, at: int | None) -> str:
    if at is None:
        return ""
    tag = tags[at]
    return str(tag.value) if tag.quality == Quality.GOOD else MachineState.UNKNOWN.value


def _state_tag(plan: DevicePlan) -> int | None:
    """Find a device's machine state among its tags; None where it has none."""
    names = (tag.name for group in plan.groups for tag in group.tags)
    return next((at for at, name in enumerate(names) if name == STATE_METRIC), None)
