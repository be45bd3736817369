"""One poll group: reads on an absolute schedule; what is late is counted, never queued.

Every tick of the schedule is read once or counted as missed once.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from agent.collect.schedule import first_tick_s, is_tick, next_tick_s, ticks_between
from drivers.api import Busy, NoReply

if TYPE_CHECKING:
    from agent.collect.device import DeviceRun, GroupRun

READ_DEADLINE_S = 60.0
"""A read takes no longer, whatever the driver does; drivers have shorter time-outs of their own."""
BUSY_MAX_S = 30.0
"""A device that says it is busy is asked again at least this often."""


async def poll(session: Any, device: DeviceRun, group: GroupRun) -> None:
    """Read the group at once and then at every multiple of its interval, until cancelled.

    Raises:
        DriverError: the session is over.
    """
    loop = asyncio.get_running_loop()
    interval_s = group.plan.settings.interval_s
    if group.due_s is None or group.down_since is not None:
        group.due_s = loop.time()
    while True:
        due_s = group.due_s
        wait_s = await _read(session, device, group)
        free_s = max(loop.time() + (wait_s or 0.0), due_s)
        missed = ticks_between(due_s, free_s, interval_s)
        if wait_s is not None and is_tick(due_s, interval_s):
            missed += 1
        if missed:
            reason = "late" if wait_s is None else "busy"
            _count_missed(group, missed, seconds=free_s - due_s, reason=reason)
        group.due_s = max(next_tick_s(due_s, interval_s), first_tick_s(free_s, interval_s))
        await asyncio.sleep(group.due_s - loop.time())


async def _read(session: Any, device: DeviceRun, group: GroupRun) -> float | None:
    """Read once; give how long the device, being busy, wants to be left alone; None if read."""
    plan = group.plan.plan
    try:
        async with asyncio.timeout(READ_DEADLINE_S):
            frame = await session.read(plan)
    except Busy as busy:
        device.failures += 1
        return min(busy.wait_s, BUSY_MAX_S)
    except TimeoutError as error:
        raise NoReply(
            f"{device.id}: no answer within {READ_DEADLINE_S:.0f} s", device=device.id
        ) from error
    await device.take(group, frame)
    return None


def _count_missed(group: GroupRun, polls: int, *, seconds: float, reason: str) -> None:
    now_ms = time.time_ns() // 1_000_000
    group.ledger.miss(
        polls, reason=reason, from_ms=now_ms - max(0, int(seconds * 1000)), to_ms=now_ms
    )
