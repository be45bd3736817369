"""A host in small: reads plans through the real driver and judges every value against the pattern.

What the agent does around a session, and no more: opens it again when it is lost, waits when the
device is busy. Every value is compared with what its address held between question and answer.
"""

from __future__ import annotations

import asyncio
import random
import resource
import socket
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from drivers.api import Busy, ConnectError, DataType, DriverError, Quality, SessionLost, Tag
from drivers.modbus import DRIVER, ModbusConfig
from simulators.modbus.bus import Bus
from simulators.modbus.datagrams import DatagramServer
from simulators.modbus.images import PatternImage
from simulators.modbus.moods import Temper
from simulators.modbus.serial_line import SerialLine
from simulators.modbus.streams import Dialler, Heartbeat, StreamServer
from simulators.modbus.units import Unit

REGISTERS = 8
"""Registers a plan reads, in one block."""
GENERATION_S = 0.05
"""How long a value lives; an older one is stale, and counts as wrong."""
REGISTRATION, HEARTBEAT = b"DTU-0815", b"\xfe\xfe"
"""What the simulated DTU says of itself, first and now and then."""
MAX_WAIT_S = 0.01
"""Longest pause of the host after Busy; a driver must refuse earlier questions by itself."""


@dataclass
class Tally:
    """What became of the reads of one case."""

    reads: int = 0
    good: int = 0
    wrong: list = field(default_factory=list)
    errors: Counter = field(default_factory=Counter)
    reasons: Counter = field(default_factory=Counter)

    @property
    def line(self):
        """One line for the report."""
        errors = " ".join(f"{name}={n}" for name, n in sorted(self.errors.items()))
        reasons = " ".join(f"{name}={n}" for name, n in sorted(self.reasons.items()))
        return (
            f"reads={self.reads} good_values={self.good} wrong={len(self.wrong)} {errors} {reasons}"
        ).rstrip()


@asynccontextmanager
async def serving(transport, *, units=(1, 2), moods=(), image=PatternImage, **settings):
    """Serve units on a transport; gives the bus and the driver's settings for it."""
    framing = {"rtu-tcp": "rtu", "rtu": "rtu", "dtu": "rtu", "ascii-tcp": "ascii"}.get(
        transport, "tcp"
    )
    made = {n: Unit(image(n), **{"interval_s": GENERATION_S} | settings) for n in units}
    bus = Bus(made, framing=framing, temper=Temper(moods))
    async with AsyncExitStack() as stack:
        if transport == "rtu":
            line = await stack.enter_async_context(SerialLine(bus))
            yield bus, {"serial": line.port, "baud": 115_200}
        elif transport == "dtu":
            port = free_port()
            beat = Heartbeat(HEARTBEAT, every_s=0.003)
            dtu = Dialler(
                bus, "127.0.0.1", port, registration=REGISTRATION, heartbeat=beat, redial_s=0.02
            )
            await stack.enter_async_context(dtu)
            yield (
                bus,
                {
                    "listen": f"127.0.0.1:{port}",
                    "registration": f"hex:{REGISTRATION.hex()}",
                    "heartbeat": f"hex:{HEARTBEAT.hex()}",
                },
            )
        else:
            kind = DatagramServer if transport == "udp" else StreamServer
            server = await stack.enter_async_context(kind(bus))
            found = {"host": "127.0.0.1", "port": server.port, "framing": framing}
            yield bus, found | ({"network": "udp"} if transport == "udp" else {})


def free_port():
    """Give a port nobody listens at now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Collector:
    """Reads plans of one link, one after the other, and keeps a tally."""

    def __init__(self, bus, settings, *, starts=(0, 100, 200, 300), lengths=(REGISTERS,), seed=1):
        self.bus = bus
        self.tally = Tally()
        self._dice = random.Random(seed)
        self._settings = {"driver": "modbus", "learn": False, "max_gap": 0} | settings
        self.plans = [
            self._plan(unit, start, length)
            for unit in bus.units
            for start in starts
            for length in lengths
        ]
        # as in the agent, the link outlives the sessions: it remembers what was not answered
        self._link = DRIVER.link(self.plans[0].config)
        self._session = None
        self._stack = AsyncExitStack()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self._stack.aclose()

    async def run(self, reads):
        """Read random plans so many times."""
        for _ in range(reads):
            await self.read(self._dice.choice(self.plans))
        return self.tally

    async def read(self, plan):
        """Read a plan once; tells whether every value came, and right."""
        tally = self.tally
        tally.reads += 1
        try:
            session = await self._opened()
            begun = self._generation(plan)
            frame = await session.read(plan)
        except DriverError as error:
            await self._deal_with(error)
            return False
        if frame.qualities is not None:
            tally.reasons.update(frame.reasons.values())
            assert all(
                (value is None) == (quality == Quality.BAD)
                for value, quality in zip(frame.values, frame.qualities, strict=True)
            )
        return self._judge(plan, frame, range(begun, self._generation(plan) + 1))

    def _judge(self, plan, frame, generations):
        """Compare every value that came with what its address held."""
        image, start = self.bus.units[plan.unit].image, plan.points[0].start
        cells = getattr(image, "judged", image.cells)
        held = [cells("hr", start, len(plan.tags), each) for each in generations]
        came = [(at, value) for at, value in enumerate(frame.values) if value is not None]
        whole = any(all(one[at] == value for at, value in came) for one in held)
        if whole:
            self.tally.good += len(came)
        else:
            self.tally.wrong.append((plan.unit, start, frame.values, held))
        return whole and len(came) == len(plan.tags)

    async def _deal_with(self, error):
        self.tally.errors[type(error).__name__] += 1
        if isinstance(error, Busy):
            await asyncio.sleep(min(error.wait_s, MAX_WAIT_S))
        elif isinstance(error, ConnectError):
            await asyncio.sleep(MAX_WAIT_S)
        elif isinstance(error, SessionLost):
            self._session = None
            await self._stack.aclose()

    async def _opened(self):
        if self._session is None:
            self._session = await self._stack.enter_async_context(DRIVER.open(self._link))
        return self._session

    def _generation(self, plan):
        interval_s = self.bus.units[plan.unit].interval_s
        return int(self.bus.age_s / interval_s) if interval_s else 0

    def _plan(self, unit, start, length):
        tags = [Tag(f"t{at}", f"hr:{start + at}", DataType.UINT16) for at in range(length)]
        config = ModbusConfig(**self._settings | {"unit": unit})
        return DRIVER.plan(config, tags, device=f"d{unit}", group=f"g{start}-{length}")


def resident_bytes():
    """Memory of this process that is in RAM now."""
    pages = Path("/proc/self/statm").read_text("ascii").split()[1]
    return int(pages) * resource.getpagesize()
