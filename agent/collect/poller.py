"""One poll group: reads on an absolute schedule; what is late is counted, never queued.

Every tick of the schedule is read once or counted as missed once. A group that rests, because its
device is silent, is left to the probes of `agent.collect.caretaker`.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from agent.collect.deadline import Overdue
from agent.collect.schedule import first_tick_s, is_tick, next_tick_s, ticks_between
from drivers.api import Busy, NoReply, Silent

if TYPE_CHECKING:
    from agent.collect.bus import Bus
    from agent.collect.device import DeviceRun
    from agent.collect.group import GroupRun

BUSY_MAX_S = 30.0
"""A device that says it is busy is asked again at least this often."""


async def poll(bus: Bus, session: Any, device: DeviceRun, group: GroupRun) -> None:
    """Read the group at once and then at every multiple of its interval, until cancelled.

    Raises:
        DriverError: the session is over.
    """
    loop = asyncio.get_running_loop()
    due_s = _restarted(group, loop.time())
    while True:
        if not group.live.is_set():
            await group.live.wait()
            due_s = _restarted(group, loop.time())
        if due_s > loop.time():
            await group.sleep_until(due_s)
            if not group.live.is_set() or group.due_s != due_s:
                due_s = group.due_s or due_s
                continue
        due_s = await read_due(bus, session, device, group)
        bus.ended_s = bus.deadline.moved_s


async def read_due(
    bus: Bus, session: Any, device: DeviceRun, group: GroupRun, *, probe: bool = False
) -> float:
    """Make the read that is due at `group.due_s`, count what it made late; give the next due time.

    Raises:
        DriverError: the session is over.
    """
    interval_s = group.plan.settings.interval_s
    due_s = _due_s(group)
    try:
        wait_s = await _read(bus, session, device, group)
    except Silent as silent:
        if not probe:
            bus.charge_silence(group)
        await bus.silent(device, group, silent, probe=probe)
        return due_s
    now_s, next_s = asyncio.get_running_loop().time(), next_tick_s(due_s, interval_s)
    if wait_s is None and now_s <= next_s:  # as nearly always: nothing was due meanwhile
        group.due_s = next_s
        return next_s
    free_s = max(now_s + (wait_s or 0.0), due_s)
    missed = ticks_between(due_s, free_s, interval_s)
    if wait_s is not None and is_tick(due_s, interval_s):
        missed += 1
    if missed and group.down_since is None:  # an open gap counts its polls when it closes
        reason = "late" if wait_s is None else "busy"
        _count_missed(group, missed, seconds=free_s - due_s, reason=reason)
    group.due_s = max(next_s, first_tick_s(free_s, interval_s))
    return group.due_s


async def _read(bus: Bus, session: Any, device: DeviceRun, group: GroupRun) -> float | None:
    """Read once; give how long the device, being busy, wants to be left alone; None if read."""
    try:
        frame = await bus.deadline.read(session, group)
    except Busy as busy:
        device.failures += 1
        if bus.awaits(device, group):
            bus.answered(device, group)
        return min(busy.wait_s, BUSY_MAX_S)
    except Overdue as error:
        raise NoReply(
            f"{device.id}: no answer within {bus.deadline.limit_s:.0f} s", device=device.id
        ) from error
    await device.take(group, frame)
    if bus.awaits(device, group):
        bus.answered(device, group)
    return None


def _restarted(group: GroupRun, now_s: float) -> float:
    """Give when the group is due that begins, or begins again: now after a gap."""
    if group.due_s is None or group.down_since is not None:
        group.due_s = now_s
    return group.due_s


def _due_s(group: GroupRun) -> float:
    if group.due_s is None:
        group.due_s = asyncio.get_running_loop().time()
    return group.due_s


def _count_missed(group: GroupRun, polls: int, *, seconds: float, reason: str) -> None:
    now_ms = time.time_ns() // 1_000_000
    group.ledger.miss(
        polls, reason=reason, from_ms=now_ms - max(0, int(seconds * 1000)), to_ms=now_ms
    )
