"""One subscribed group: the driver's frames are taken as they come."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.collect.bus import Bus
    from agent.collect.device import DeviceRun
    from agent.collect.group import GroupRun


async def follow(bus: Bus, session: Any, device: DeviceRun, group: GroupRun) -> None:
    """Take frames until the subscription ends or this task is cancelled.

    While the store has no room this waits, and the driver's bounded buffer counts what it loses.
    """
    frames = session.subscribe(group.plan.plan, interval_s=group.plan.settings.interval_s)
    async with aclosing(frames) as stream:
        async for frame in stream:
            await device.take(group, frame)
            if bus.awaits(device, group):
                bus.answered(device, group)
