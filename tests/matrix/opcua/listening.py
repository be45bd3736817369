"""A listener on one session: takes every frame, keeps what came last of each point."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import aclosing, asynccontextmanager

from matrix.opcua.hosting import running
from system.waiting import until

from drivers.api import DataType, Tag
from drivers.opcua import DRIVER
from drivers.testing.frames import assert_frame_valid, tag_positions
from simulators.opcua.plain import held
from simulators.opcua.space import MACHINES_NAMESPACE

INTERVAL_S = 0.05


class Listener:
    """What came of a plan's points."""

    def __init__(self, device, names, *, interval_s=INTERVAL_S, deadband=0.0, **settings):
        quick = {"url": device.url, "security": "none", "timeout_s": 5} | settings
        self.interval_s = interval_s
        config = DRIVER.config(driver="opcua", **quick)
        self.names = list(names)
        tags = [
            Tag(name, f"nsu={MACHINES_NAMESPACE};s={name}", DataType.AUTO, deadband=deadband)
            for name in self.names
        ]
        self.plan = DRIVER.plan(config, tags, device="d", group="g")
        self.link = DRIVER.link(config)
        self.last = {}
        """Name -> (value, reason) that came last."""
        self.came = Counter()
        """Name -> how many values came."""
        self.values = {name: [] for name in self.names}
        self.frames = []
        self.overflow = 0
        self.session = None

    @asynccontextmanager
    async def listening(self):
        """Open a session and listen while the block runs; gives the session."""
        async with DRIVER.open(self.link) as self.session:
            stream = self.session.subscribe(self.plan, interval_s=self.interval_s)
            async with running(self._take(stream)):
                yield self.session

    async def all_came(self, expected=None, *, within_s=20):
        """Wait until every point has a value (those of `expected`, where it is given)."""
        await until(
            lambda: (
                len(self.last) == len(self.names)
                and (expected is None or all(self.last[n][0] == v for n, v in expected.items()))
            ),
            within_s=within_s,
            what=f"all points came; {len(self.last)} of {len(self.names)} did",
        )

    def remark(self, code):
        """Give the only remark of a kind; None where there is none."""
        found = [one for one in self.session.remarks(self.plan) if one.code == code]
        assert len(found) <= 1, found
        return found[0] if found else None

    def bad(self):
        """Give the points that are bad now, with the reason."""
        return {name: reason for name, (value, reason) in self.last.items() if value is None}

    async def _take(self, stream):
        async with aclosing(stream) as frames:
            async for frame in frames:
                assert_frame_valid(frame, self.plan)
                self.frames.append(frame)
                self.overflow += frame.overflow
                for position, at in enumerate(tag_positions(frame)):
                    name, value = self.names[at], frame.values[position]
                    self.last[name] = value, (frame.reasons or {}).get(position, "")
                    self.came[name] += 1
                    self.values[name].append(value)


async def count(device, content, *, times=1, pause_s=0.0):
    """Hold the next generations; give what each variable holds afterwards."""
    for _ in range(times):
        await content.count(device, time_ns=time.time_ns())
        await asyncio.sleep(pause_s)  # the pace of the machine
    return {f"V{n}": held(n, content.generation, kind) for n, kind in enumerate(content.types)}
