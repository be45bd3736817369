"""A counting machine with a history, an OPC UA server before it, and our collector."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

from unit.agent.collect.machines import Sink
from unit.agent.store.patience import until

from agent.collect.collector import Collector
from agent.config.model import DeviceEntry, Group, Mode, TagEntry
from agent.config.plan import DevicePlan, GroupPlan
from drivers.api import Tag
from drivers.opcua import DRIVER
from simulators.opcua.device import Device
from simulators.opcua.history import Historian
from simulators.opcua.plain import Plain
from simulators.opcua.space import MACHINES_NAMESPACE

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SIZE = 4
BEAT_S = 0.1
"""How often every variable of the machine changes."""


class Plant:
    """The machine and its server; `async with` starts both."""

    def __init__(self, *, depth=10_000, mood="good", portion=50, **settings):
        self.content = Plain(SIZE, types=("UInt32",))
        self.historian = Historian(depth=depth, mood=mood, portion=portion)
        self.device = Device(self.content, historian=self.historian, **settings)
        self._life = None

    async def __aenter__(self):
        await self.device.start()
        await self.content.count(self.device, time_ns=time.time_ns())
        self.start()
        return self

    async def __aexit__(self, *_):
        await self.rest()
        await self.device.stop()

    def start(self):
        """Let the machine work."""
        self._life = asyncio.create_task(self._work())

    async def rest(self):
        """Let the machine stand still."""
        life, self._life = self._life, None
        if life is not None:
            life.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await life

    async def beats(self, count):
        """Wait until the machine has worked on for so many beats."""
        goal = self.content.generation + count
        await until(lambda: self.content.generation >= goal, within_s=30)

    async def _work(self):
        while True:
            await asyncio.sleep(BEAT_S)
            await self.content.count(self.device, time_ns=time.time_ns())

    def kept(self):
        """Give what the machine held: (tag, ms) -> value, since its history began."""
        return {
            (n, (each.SourceTimestamp - EPOCH) // timedelta(milliseconds=1)): each.Value.Value
            for n in range(SIZE)
            for each in self.historian.past(f"V{n}")
        }


class Line:
    """Our collector on one machine; `async with` runs it, what was kept goes into `lessons`."""

    def __init__(self, url, *, lessons=(), history=None, interval_s=0.05, **settings):
        quick = {"timeout_s": 1, "publish_interval_s": 0.1, "keepalive_s": 0.3}
        config = DRIVER.config(driver="opcua", url=url, **(quick | settings))
        names = [f"v{n}" for n in range(SIZE)]
        addresses = [f"nsu={MACHINES_NAMESPACE};s=V{n}" for n in range(SIZE)]
        tags = [Tag(n, a) for n, a in zip(names, addresses, strict=True)]
        entry = DeviceEntry(id="cnc", driver="opcua", history=history or {})
        group = GroupPlan(
            "g",
            Group(interval_s=interval_s, mode=Mode.SUBSCRIBE),
            tuple(TagEntry(name=t.name, address=t.address) for t in tags),
            DRIVER.plan(config, tags, device="cnc", group="g"),
        )
        plan = DevicePlan(entry, DRIVER, config, DRIVER.link(config), (group,))
        self.sink = Sink()
        self.collector = Collector(
            [plan], sink=self.sink, codec=lambda _d, _g: None,
            observer=lambda _d, _g: lambda _frame: None, lessons=lessons,
        )  # fmt: skip
        self._task = None

    async def __aenter__(self):
        self._task = asyncio.create_task(self.collector.run())
        return self

    async def __aexit__(self, *_):
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    @property
    def lessons(self):
        """What the store would hold: the last lesson of each key."""
        last = {(device, group): (text, ms) for device, group, text, ms in self.sink.lessons}
        return [(*key, text, ms) for key, (text, ms) in last.items() if text]

    def told(self, kind):
        """Give the events of a kind."""
        return [event for event in self.sink.events if event["type"] == kind]

    def got(self, *, backfill=None):
        """Count what was stored: (tag, ms, value) -> how often."""
        return Counter(
            (column, time_ns // 1_000_000, value)
            for frame in self.sink.frames
            if backfill in {None, frame.backfill} and frame.qualities is None
            for column, value, time_ns in zip(
                frame.columns or range(SIZE), frame.values, frame.times_ns, strict=True
            )
        )

    @property
    def device(self):
        """The device at run time."""
        return next(iter(self.collector._devices()))


def missing(plant, *lines):
    """Give what the machine held between the first and last stored value, and nobody stored."""
    got = set()
    for line in lines:
        got |= {(tag, ms): value for tag, ms, value in line.got()}.items()
    times = [ms for (_, ms), _ in got]
    return {
        key: value
        for key, value in plant.kept().items()
        if min(times) <= key[1] <= max(times) and (key, value) not in got
    }


def twice(*lines):
    """Give what was filled in though it was stored before or after; a live value may be both.

    The first live value after a gap is the current one, which may be the last one before it.
    """
    total = sum((line.got() for line in lines), Counter())
    past = sum((line.got(backfill=True) for line in lines), Counter())
    return {key: count for key, count in total.items() if count > 1 and past[key]}
