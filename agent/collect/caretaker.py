"""What is asked on a line beside its polls: probes of silent devices, and who a device is.

One task per session, one errand at a time, as seldom as `agent.collect.probing` says.
"""

from __future__ import annotations

import asyncio
import time
from math import inf
from typing import TYPE_CHECKING, Any

from agent.collect.bus import Lane
from agent.collect.identity import identify
from agent.collect.poller import read_due

if TYPE_CHECKING:
    from agent.collect.bus import Bus, Errand


async def tend(bus: Bus, session: Any) -> None:
    """Run the errands of a link, each in its turn, until cancelled.

    Raises:
        DriverError: the session is over.
        SessionSpent: it is over, and no device is to blame.
    """
    while True:
        errand = bus.errands.begin(time.monotonic(), shared=bus.shared)
        if errand is not None:
            await _run(bus, session, errand)
            continue
        bus.changed.clear()
        wait_s = bus.errands.next_s(shared=bus.shared) - time.monotonic()
        await _changed_within(bus.changed, wait_s)


async def _run(bus: Bus, session: Any, errand: Errand) -> None:
    began_s = time.monotonic()
    bus.cut_short = errand
    try:
        if errand.lane is Lane.IDENTIFY:
            await identify(bus, session, errand.device)
        else:
            await _probe(bus, session, errand)
        bus.cut_short = None
    finally:
        now_s = time.monotonic()
        # while others' polls end the line is not ours: its cost begins with the last of them
        bus.errands.end(now_s, cost_s=now_s - max(began_s, bus.ended_s))
        bus.probe_again(errand)


async def _probe(bus: Bus, session: Any, errand: Errand) -> None:
    """Read one group of a silent device, as if it were due now."""
    group = errand.group or bus.probed_group(errand.device)
    if group is not None:
        group.due_s = asyncio.get_running_loop().time()
        await read_due(bus, session, errand.device, group, probe=True)


async def _changed_within(changed: asyncio.Event, wait_s: float) -> None:
    try:
        async with asyncio.timeout(None if wait_s == inf else wait_s):
            await changed.wait()
    except TimeoutError:
        return
