"""A simulated shop whose machines have alarms, and the driver on it."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager

from unit.agent.store.patience import until

from drivers.api import Tag
from drivers.opcua import DRIVER
from simulators.opcua.alarms import SEVERITY
from simulators.opcua.companion import Companion
from simulators.opcua.device import Device

SHOP = "nsu=urn:chulian:simulator:workshop;s="


class Shop:
    """A lathe L1 and a mill V1 behind one server, in a thread of its own."""

    def __init__(self, *, machines=2):
        self.content = Companion.cnc_shop(seed=1, count=machines, conditions=True)
        self.device = Device(self.content)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="opcua-shop")

    def __enter__(self):
        self._thread.start()
        self.run(self.device.start())
        return self

    def __exit__(self, *exc):
        self.run(self.device.stop())
        self.run(self._end_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, call):
        """Run a coroutine where the server lives."""
        return asyncio.run_coroutine_threadsafe(call, self._loop).result(60)

    def alarm(self, machine, code, *, active=True):
        """Let an alarm of a machine begin or end."""
        self.run(self.content.conditions.change(self.device, machine, code, active=active))

    def drop(self):
        """Cut every connection; the server lives on."""
        self.run(self._drop())

    async def _drop(self):
        self.device.drop_connections()

    def calm(self):
        """End every alarm and fault."""
        for machine, code in self.content.conditions.active:
            self.alarm(machine, code, active=False)
        self.content.conditions.severity = SEVERITY
        self.device.faults.recover()

    async def _end_tasks(self):
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def config(self, *, alerts=None, **settings):
        quick = {"timeout_s": 4, "keepalive_s": 1}
        wanted = {} if alerts is None else {"alerts": alerts}
        return DRIVER.config(driver="opcua", url=self.device.url, **(quick | wanted | settings))

    def plan(self, config):
        return DRIVER.plan(config, [Tag("x", f"{SHOP}L1.x")], device="cnc", group="fast")


class Ear:
    """Listens to the alarms of a device in a task of its own."""

    def __init__(self, session, config, plan=None):
        self.heard = []
        plan = plan or DRIVER.plan_alerts(config, device="cnc")
        self._alerts = session.alerts(plan)
        self._task = asyncio.ensure_future(self._listen())

    async def _listen(self):
        async for alert in self._alerts:
            self.heard.append(alert)

    async def until(self, condition, *, within_s=30):
        """Wait until what was heard satisfies a condition; raises what ended the listening."""
        await until(lambda: condition() or self._task.done(), within_s=within_s)
        if self._task.done():
            self._task.result()

    @property
    def told(self):
        """What was heard but for marks, as (source, message, active)."""
        return [(a.source, a.message, a.active) for a in self.heard if a.message]

    async def close(self):
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._alerts.aclose()


@asynccontextmanager
async def listening(session, config, plan=None):
    """Listen inside the block, from the mark on; a plan kept over sessions knows what held."""
    ear = Ear(session, config, plan)
    try:
        await ear.until(lambda: ear.heard)
        yield ear
    finally:
        await ear.close()
