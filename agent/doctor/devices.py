"""Every device: what the running agent says of it, or one read of each group by ourselves.

Reads once and writes nothing. Devices of one line are asked one after another, lines side by side.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from agent.collect.problems import problem_of
from agent.doctor.finding import NOTHING, Finding, Level
from agent.telemetry.status import DeviceState, Message
from drivers.api import DriverError, Polls, Quality

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from agent.config.plan import DevicePlan
    from drivers.api import Frame

OPEN_S: Final = 10.0
"""Opening a line takes no longer."""
READ_S: Final = 5.0
"""One read takes no longer."""
CLOSE_S: Final = 2.0
"""Closing a line takes no longer."""
_NETWORK: Final = Message(
    "Check power, cable, address and unit number of the device.",
    "请检查设备电源、网线、地址和站号。",
)
_POINTS: Final = Message(
    "The status page shows which points and why; compare them with the maker's list.",
    "状态页列出了具体点位和原因；请与厂家点位表核对。",
)
_UP: Final = frozenset({DeviceState.ONLINE, DeviceState.DEGRADED})


def of_agent(device: dict[str, Any]) -> Finding:
    """Look at what the running agent says of a device."""
    where = f"{device['id']} {device['name']}".strip()
    problem = device["problem"]
    bad = sum(tag["quality"] != Quality.GOOD for tag in device["tags"])
    if device["state"] not in _UP:
        if problem is None:
            seen = Message("no data yet", "暂无数据")
            return Finding("device", Level.AWAY, where, seen, _NETWORK)
        return Finding("device", Level.AWAY, where, Message(**problem))
    return _points(where, len(device["tags"]), bad)


async def ask_all(plans: Sequence[DevicePlan], report: Callable[[Finding], None]) -> None:
    """Read every device once; each finding is reported as soon as it is there."""
    lines: dict[tuple[str, Hashable], list[DevicePlan]] = defaultdict(list)
    for plan in plans:
        lines[plan.entry.driver, plan.link].append(plan)
    async with asyncio.TaskGroup() as tasks:
        for line in lines.values():
            tasks.create_task(_line(line, report))


async def _line(plans: Sequence[DevicePlan], report: Callable[[Finding], None]) -> None:
    told: set[str] = set()
    reads = sum(len(plan.groups) for plan in plans)
    try:
        async with asyncio.timeout(OPEN_S + CLOSE_S + READ_S * reads):
            await _session(plans, report, told)
    except (DriverError, OSError, TimeoutError) as error:
        for plan in plans:
            if plan.id not in told:
                report(Finding("device", Level.AWAY, _where(plan), *_seen(error, plan)))


async def _session(
    plans: Sequence[DevicePlan], report: Callable[[Finding], None], told: set[str]
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        async with asyncio.timeout(OPEN_S):
            session = await stack.enter_async_context(plans[0].driver.open(plans[0].link))
        for plan in plans:
            report(await _read(session, plan))
            told.add(plan.id)


async def _read(session: Any, plan: DevicePlan) -> Finding:
    """Read each group once and count what is not good."""
    points = bad = 0
    if not isinstance(session, Polls):
        return Finding("device", Level.OK, _where(plan), Message("connected", "已连接"))
    for group in plan.groups:
        try:
            async with asyncio.timeout(READ_S):
                frame = await session.read(group.plan)
        except (DriverError, TimeoutError) as error:
            return Finding("device", Level.AWAY, _where(plan), *_seen(error, plan))
        points += len(frame.values)
        bad += _not_good(frame)
    return _points(_where(plan), points, bad)


def _not_good(frame: Frame) -> int:
    qualities = frame.qualities
    return 0 if qualities is None else len(qualities) - qualities.count(Quality.GOOD)


def _points(where: str, points: int, bad: int) -> Finding:
    seen = Message(f"answers; {points - bad} of {points} points good",
                   f"有应答；{points} 个点位中 {points - bad} 个正常")  # fmt: skip
    if bad:
        return Finding("device_points", Level.WARN, where, seen, _POINTS)
    return Finding("device", Level.OK, where, seen)


def _seen(error: Exception, plan: DevicePlan) -> tuple[Message, Message]:
    """Say what happened and what to do; what a driver raises says both in one."""
    if isinstance(error, DriverError):
        return problem_of(error, str(plan.link)), NOTHING
    text = str(error)
    seen = Message(
        f"{plan.link}: {text or 'no answer in time'}", f"{plan.link}：{text or '超时无应答'}"
    )
    return seen, _NETWORK


def _where(plan: DevicePlan) -> str:
    return f"{plan.id} {plan.entry.name}".strip()
