"""All links of the agent: built from the plan, run side by side, shown as one list of devices."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from agent.collect.device import DeviceRun, GroupRun
from agent.collect.identity import kept_identity
from agent.collect.ledger import LossLedger
from agent.collect.lessons import LessonBook
from agent.collect.supervisor import LinkSupervisor
from agent.config.lines import expected_s
from agent.config.model import MachineState
from agent.normalize.pipeline import Pipeline
from agent.telemetry.latest import NEVER, LatestGroup
from agent.telemetry.status import DeviceState, DeviceStatus, TagStatus
from drivers.api import Quality

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    from agent.collect.device import Sink
    from agent.config.plan import DevicePlan, GroupPlan
    from agent.store.intake import Encodes
    from agent.store.outbox import LessonRow
    from drivers.api import Frame

STATE_METRIC = "machine.state"
"""The canonical metric that holds a machine's state."""


class Collector:
    """Runs every link in a task of its own."""

    def __init__(
        self,
        plans: Sequence[DevicePlan],
        *,
        sink: Sink,
        codec: Callable[[str, GroupPlan], Encodes],
        observer: Callable[[str, GroupPlan], Callable[[Frame], None]],
        lessons: Sequence[LessonRow] = (),
    ) -> None:
        self._sink = sink
        self._codec = codec
        self._observer = observer
        self._latest: dict[tuple[str, str], LatestGroup] = {}
        links: dict[Hashable, list[DevicePlan]] = {}
        for plan in plans:
            if plan.groups:
                links.setdefault((plan.entry.driver, plan.link), []).append(plan)
        self._lessons = LessonBook(plans, lessons, keep=sink.put_lessons)
        self._supervisors = [
            LinkSupervisor(
                [self._device(p, shared=len(shared) > 1) for p in shared],
                cycle_s=sum(expected_s(g.plan) or 0.0 for p in shared for g in p.groups),
            )
            for shared in links.values()
        ]
        told = {device: text for device, group, text, _ in lessons if not group}
        for run in self._devices():
            run.identity = kept_identity(told[run.id]) if run.id in told else None

    async def run(self) -> None:
        """Serve every link until cancelled."""
        async with asyncio.TaskGroup() as links:
            links.create_task(self._lessons.run(), name="lessons")
            for supervisor in self._supervisors:
                links.create_task(supervisor.run(), name=f"link:{supervisor.name}")

    @property
    def tried(self) -> bool:
        """Whether every device has answered or failed at least once."""
        waiting = {DeviceState.IDLE, DeviceState.CONNECTING}
        return not any(device.state in waiting for device in self._devices())

    def status(self) -> tuple[DeviceStatus, ...]:
        """Give a snapshot of every device, in the order of the links."""
        return tuple(
            self._status(device, supervisor)
            for supervisor in self._supervisors
            for device in supervisor.devices
        )

    def session(self, device: str) -> Any | None:
        """Give the live session of a device that answers; None when there is none."""
        for supervisor in self._supervisors:
            for run in supervisor.devices:
                if run.id == device and run.state is DeviceState.ONLINE:
                    return supervisor.session
        return None

    def _devices(self) -> Iterator[DeviceRun]:
        for supervisor in self._supervisors:
            yield from supervisor.devices

    def _device(self, plan: DevicePlan, *, shared: bool) -> DeviceRun:
        groups = [self._group(plan.id, group) for group in plan.groups]
        return DeviceRun(plan, groups, self._sink, shared=shared)

    def _group(self, device: str, group: GroupPlan) -> GroupRun:
        latest = self._latest[device, group.name] = LatestGroup(len(group.tags))
        pipeline = Pipeline(
            device,
            group,
            latest=latest,
            observe=self._observer(device, group),
            monotonic=time.monotonic,
        )
        ledger = LossLedger(device, group.name, tell=self._sink.put_event)
        return GroupRun(group, pipeline, self._codec(device, group), ledger)

    def _status(self, device: DeviceRun, line: LinkSupervisor) -> DeviceStatus:
        entry = device.plan.entry
        tags = tuple(self._tags(device))
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
            _machine_state(tags),
            device.reads,
            device.failures,
            device.missed,
            device.lost_changes,
            device.values,
            device.problem,
            tags,
            device.identity,
            len(line.devices),
        )

    def _tags(self, device: DeviceRun) -> Iterator[TagStatus]:
        for group in device.groups:
            last = self._latest[device.id, group.plan.name].all()
            for tag, (value, quality, reason, time_ns) in zip(group.plan.tags, last, strict=True):
                time_ms = None if time_ns is None else time_ns // 1_000_000
                yield TagStatus(
                    tag.name,
                    tag.description,
                    tag.unit,
                    value,
                    quality,
                    reason,
                    time_ms,
                    tag.address,
                )


def _shown_state(state: DeviceState, tags: Sequence[TagStatus]) -> DeviceState:
    """Show a device that answers as degraded while a point of it, asked for before, is BAD."""
    bad = any(tag.quality == Quality.BAD and tag.reason != NEVER.reason for tag in tags)
    return DeviceState.DEGRADED if bad and state is DeviceState.ONLINE else state


def _machine_state(tags: Sequence[TagStatus]) -> str:
    for tag in tags:
        if tag.name == STATE_METRIC:
            good = tag.quality == Quality.GOOD
            return str(tag.value) if good else MachineState.UNKNOWN.value
    return ""
