"""Sessions that learn from devices out of their mind: only contract errors, no growth."""

from __future__ import annotations

import asyncio
import gc
import os
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.drivers.modbus.map_device import Clock, MapDevice, plan_of, session_with

from drivers.api import Busy, DataType, DriverError, NoReply, Quality, SessionLost, Silent
from drivers.modbus import ModbusSession
from drivers.modbus.wire.exchange import Exchange
from drivers.modbus.wire.framing import ExceptionReply

IDENTITY = {"serial": {"address": "hr:400/4", "type": "string"}}
POINTS = [
    *(f"hr:{at}" for at in range(30)),
    *((f"hr:{at}", DataType.FLOAT32) for at in range(31, 60, 3)),
    *((f"co:{at}", DataType.BOOL) for at in range(0, 90, 2)),
    ("ir:5/10", DataType.STRING),
    "ir:9",
    ("ir:12", DataType.INT64),
]
LOSSES = [Silent("s"), NoReply("n"), SessionLost("l"), Busy("b", wait_s=1)]


class MadLine:
    """Whatever is asked, it answers what a framing lets through, at random."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.replies = 0

    def start(self, requests, terms):
        exchange = Exchange(requests, terms, asyncio.get_running_loop().create_future())
        if not requests:
            exchange.succeed(1)
        while not exchange.done.done():
            self.replies += 1
            kind = self.random.random()
            request = requests[len(exchange.answers)]
            if kind < 0.02:
                exchange.fail(self.random.choice(LOSSES))
            elif kind < 0.3:
                exchange.accept(ExceptionReply(self.random.choice([2, 2, 2, 3, 3, 11])))
            elif kind < 0.35:
                exchange.accept(ExceptionReply(self.random.randrange(256)))
            else:
                size = request.size_bytes - 9 if request.size_bytes else self.random.randrange(40)
                exchange.accept(self.random.randbytes(size))
        return exchange

    def withdraw(self, exchange):
        exchange.forget()


async def survive(seed, replies):
    """Read, identify and restart on a mad line; gives how many errors of the contract came."""
    line, clock, errors = MadLine(seed), Clock(), 0
    session, plan = ModbusSession(line), plan_of(POINTS, clock, identity=IDENTITY)
    while line.replies < replies:
        clock.now_s += line.random.choice([0.01, 1, 15, 90_000])
        try:
            if line.random.random() < 0.05:
                await session.identify(plan)
            else:
                check(await session.read(plan))
        except DriverError:
            errors += 1
        if line.random.random() < 0.02:
            lessons = plan.lessons
            plan = plan_of(POINTS, clock, identity=IDENTITY)
            plan.recall(lessons)
    return errors


def check(frame):
    """Insist on a frame of the contract: no value without quality, no reason without need."""
    assert len(frame.values) == len(POINTS)
    qualities = frame.qualities or bytes([Quality.GOOD]) * len(POINTS)
    bad = {at for at, quality in enumerate(qualities) if quality != Quality.GOOD}
    assert {at for at, value in enumerate(frame.values) if value is None} == bad
    assert set(frame.reasons or ()) == bad
    assert all((frame.reasons or {}).values())


@settings(max_examples=3)
@given(st.integers())
def test_mad_devices_raise_only_what_the_contract_names(seed):
    """A thousand replies at random, with clocks that jump and restarts: only contract errors."""
    assert asyncio.run(survive(seed, 1000)) > 0


@pytest.mark.long
@pytest.mark.timeout(600)
@settings(max_examples=20)
@given(st.integers())
def test_a_hundred_thousand_mad_replies(seed):
    """The same over 1e5 replies."""
    assert asyncio.run(survive(seed, 5000)) > 0


def resident_bytes():
    """Tell the memory this process holds."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_million_error_replies_leave_no_trace():
    """Refusals of every kind, learned and not, for ever: memory grows by 2 MB at most."""
    clock = Clock()
    devices = [MapDevice(everything=code) for code in (1, 2, 3, 4, 10, 11)]
    devices += [MapDevice(holes={("hr", at) for at in range(0, 300, 7)}, hole_code=2)]

    async def replies(count):
        pairs = [
            (
                session_with(device),
                plan_of([f"hr:{at}" for at in range(0, 300, 3)], clock, max_gap=0),
            )
            for device in devices
        ]
        done = 0
        while done < count:
            clock.now_s += 1
            for session, plan in pairs:
                await session.read(plan)
            done += sum(device.refused for device in devices)
            for device in devices:
                device.asked.clear()
        return done

    asyncio.run(replies(50_000))
    before = resident_bytes()
    assert asyncio.run(replies(1_000_000)) >= 1_000_000
    assert resident_bytes() - before <= 2_000_000
