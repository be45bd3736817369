"""A line of scripted devices that carries one question at a time, as RS-485 does."""

from __future__ import annotations

import asyncio

from drivers.api import Silent
from drivers.testing.script import Script
from drivers.testing.scripted import PollingSession

READ_S = 0.001
TIMEOUT_S = 0.02


class LineSession(PollingSession):
    """Reads one after the other, in the order asked; a dead unit costs its time-out."""

    def __init__(self, *args):
        super().__init__(*args)
        self._line = asyncio.Lock()
        self.busy_s = 0.0

    async def read(self, plan):
        """Hold the line for as long as the unit takes."""
        async with self._line:
            script = self._scripts[plan.device]
            await asyncio.sleep(TIMEOUT_S if script.dead else READ_S)
            if script.dead:
                script.begin_read(plan.group)
                raise Silent(f"{plan.device} is silent", device=plan.device)
            return await super().read(plan)


class Unit(Script):
    """One unit; `dead` makes it silent."""

    dead = False


def units(count, *, dead=()):
    """Make the scripts of some units by id, some of them dead."""
    made = {f"u{n:02}": Unit({"count": lambda tick: tick}) for n in range(count)}
    for id_ in dead:
        made[id_].dead = True
    return made
