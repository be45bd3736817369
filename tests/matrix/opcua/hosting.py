"""A host in small for OPC UA: listens to a simulated device and judges what it hears by its memory.

What the agent does around a session, and no more: opens it again when it is lost, and remembers
from when to when it could not listen. The device's own history is the oracle: every change it made
either arrived as it was, or lies in a span that was told to be incomplete.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from system.waiting import until

from drivers.api import DriverError, Tag
from drivers.opcua import DRIVER
from drivers.testing.frames import assert_frame_valid, tag_positions
from simulators.opcua.device import Device
from simulators.opcua.history import Historian
from simulators.opcua.plain import MODULUS, Plain
from simulators.opcua.space import MACHINES_NAMESPACE

VARIABLES = 4
CHANGE_S = 0.02
PUBLISH_S = 0.05
AWAY_S = 0.05
"""How long the host waits before it opens a session again."""
MARGIN_NS = round(2 * PUBLISH_S * 1e9)
"""A span is told by when messages came; what a change took until its message may lie before it."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)


@asynccontextmanager
async def machine(*, variables=VARIABLES, every_s=CHANGE_S, **settings):
    """Run a device whose variables count, each change in its history."""
    content = Plain(variables, types=("UInt32",))
    async with Device(content, historian=Historian(depth=1_000_000), **settings) as device:

        async def live():
            while True:
                await content.advance(device, every_s, time_ns=time.time_ns())
                await asyncio.sleep(every_s)  # the pace of the machine

        async with running(live()):
            yield device


@asynccontextmanager
async def running(work):
    """Run a coroutine beside the block; its error is the block's."""
    task = asyncio.ensure_future(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if not task.cancelled() and task.exception() is not None:
            raise task.exception()


class Host:
    """Listens to the counting variables of one device."""

    def __init__(self, device, *, variables=VARIABLES, **settings):
        quick = {
            "url": device.url, "security": "none", "timeout_s": 2,
            "publish_interval_s": PUBLISH_S, "keepalive_s": 0.2, "queue_size": 100,
        } | settings  # fmt: skip
        self.names = [f"V{n}" for n in range(variables)]
        self._config = DRIVER.config(driver="opcua", **quick)
        tags = [Tag(name, f"nsu={MACHINES_NAMESPACE};s={name}") for name in self.names]
        self.plan = DRIVER.plan(self._config, tags, device="d", group="g")
        self._device = device
        self.heard = {name: {} for name in self.names}
        """Variable -> source time in ns -> value."""
        self.order = {name: [] for name in self.names}
        """Variable -> every value, in the order it came."""
        self.gaps = []
        """(from_ns, to_ns, reason) of every span told to be incomplete."""
        self.sessions = 0
        self.overflow = 0
        self.clocks = set()
        """Who stamped what came."""
        self._complete_ns = None
        self._lost = False
        self.session = None

    async def listen(self, *, interval_s=CHANGE_S / 2):
        """Listen until cancelled, over any number of sessions."""
        while True:
            try:
                async with AsyncExitStack() as stack:
                    opened = DRIVER.open(DRIVER.link(self._config))
                    self.session = await stack.enter_async_context(opened)
                    self.sessions += 1
                    stream = self.session.subscribe(self.plan, interval_s=interval_s)
                    async for frame in await stack.enter_async_context(aclosing(stream)):
                        assert_frame_valid(frame, self.plan)
                        self._take(frame)
            except DriverError as error:
                self._lost = str(error)
            await asyncio.sleep(AWAY_S)  # as a host that does not press

    async def goes_on(self, *, changes=3, within_s=20):
        """Wait until changes that are made from now on have arrived of every variable."""
        goals = {name: len(self._device.historian.past(name)) + changes for name in self.names}
        await until(
            lambda: all(
                self._arrived(name, index=goal) for name, goal in goals.items()
            ),
            within_s=within_s, what=f"changes arrive; {self.line}",
        )  # fmt: skip

    async def hears(self, *, changes=3, within_s=20):
        """Wait until so many more changes of every variable came, whenever they were made."""
        goals = {name: len(values) + changes for name, values in self.order.items()}
        await until(
            lambda: all(len(self.order[name]) >= goal for name, goal in goals.items()),
            within_s=within_s, what=f"changes arrive; {self.line}",
        )  # fmt: skip

    def _arrived(self, name, *, index):
        past = self._device.historian.past(name)
        return len(past) >= index and any(
            _ns(each.SourceTimestamp) in self.heard[name] for each in past[index - 1 :]
        )

    def _take(self, frame):
        self.overflow += frame.overflow
        if self._lost and frame.values:
            self.gaps.append((self._complete_ns or 0, frame.read_ns, f"session: {self._lost}"))
            self._lost = False
        if frame.gap is not None:
            self.gaps.append((frame.gap.from_ns, frame.gap.to_ns, frame.gap.reason))
        self._complete_ns = frame.read_ns
        self.clocks.add(frame.clock)
        times_ns = frame.times_ns or (frame.read_ns,) * len(frame.values)
        for position, at in enumerate(tag_positions(frame)):
            if frame.values[position] is not None:
                self.order[self.names[at]].append(frame.values[position])
                self.heard[self.names[at]][times_ns[position]] = frame.values[position]

    def judge(self):
        """Compare with the device's memory: changes, and those missing, unannounced, and wrong."""
        changes, missing, unannounced, wrong = 0, [], [], []
        for name in self.names:
            made = {
                _ns(each.SourceTimestamp): each.Value.Value
                for each in self._device.historian.past(name)
            }
            heard = self.heard[name]
            wrong += [(name, at, value) for at, value in heard.items() if made.get(at) != value]
            for at in made:
                if min(heard) <= at <= max(heard):
                    changes += 1
                    if at not in heard:
                        missing.append((name, at))
        for name, at in missing:
            if not any(a - MARGIN_NS <= at <= b + MARGIN_NS for a, b, _ in self.gaps):
                unannounced.append((name, at))
        return Judgement(changes, missing, unannounced, wrong)

    @property
    def steps(self):
        """How far each value is from the one before it; all 1 where none is lost."""
        return [
            (later - earlier) % MODULUS
            for values in self.order.values()
            for earlier, later in pairwise(values)
        ]

    @property
    def line(self):
        """One line for the report."""
        return f"sessions {self.sessions}, gaps told {len(self.gaps)}, overflow {self.overflow}"


class Judgement:
    """How what was heard differs from what was made."""

    def __init__(self, changes, missing, unannounced, wrong):
        self.changes = changes
        self.missing = missing
        self.unannounced = unannounced
        self.wrong = wrong

    @property
    def line(self):
        """One line for the report."""
        return (
            f"changes {self.changes}, missing {len(self.missing)},"
            f" unannounced {len(self.unannounced)}, wrong {len(self.wrong)}"
        )


def _ns(stamp):
    stamp = stamp.replace(tzinfo=stamp.tzinfo or UTC)
    return (stamp - _EPOCH) // _US * 1_000
