"""M10: a dead unit on a shared line costs the others next to nothing, seen through the agent."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
from collections import defaultdict
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from matrix.collecting import serving

from agent.collect.collector import Collector
from agent.config.load import load
from simulators.modbus.bus import Bus
from simulators.modbus.images import PatternImage
from simulators.modbus.moods import Temper
from simulators.modbus.serial_line import SerialLine
from simulators.modbus.timing import LineTiming
from simulators.modbus.units import Unit

ENTERPRISE = """
gateway: {id: gw-01}
enterprise: {id: hb-demo-0001}
publish:
  - url: mqtt://127.0.0.1:1883
devices:
"""
POINTS = 16


class Store:
    """What the agent would store: the moments at which each device's good frames came."""

    def __init__(self):
        self.good_s = defaultdict(list)
        self.wrong = []
        self.units = {}

    async def put_frame(self, codec, frame):
        """Take a frame, and judge its values where there are any."""
        if frame.qualities is not None:
            return
        self.good_s[frame.device].append(asyncio.get_running_loop().time())
        unit = self.units[frame.device]
        if list(frame.values) != unit.image.cells("hr", 0, POINTS, 0):
            self.wrong.append((frame.device, frame.values))

    def put_event(self, t_ms, body):
        """Take an event."""

    def put_losses(self, losses):
        """Take spans of loss, as the store does."""

    def put_told(self, told):
        """Take losses and their events, as the store does."""

    def put_lessons(self, lessons):
        """Take lessons."""


def configured(folder, units, *, interval_s, **settings):
    """Write and load an agent's configuration for units on one line."""
    line = "".join(f"    {key}: {value}\n" for key, value in settings.items())
    tags = "".join(
        f"      - {{name: v{at}, address: 'hr:{at}', type: uint16}}\n" for at in range(POINTS)
    )
    devices = "".join(
        f"  - id: unit-{unit}\n    driver: modbus\n    unit: {unit}\n{line}"
        f"    groups: {{default: {{interval_s: {interval_s}}}}}\n    tags:\n{tags}"
        for unit in units
    )
    path = folder / "agent.yaml"
    path.write_text(ENTERPRISE + devices, "utf-8")
    return load(path).devices


@asynccontextmanager
async def collected(plans, bus):
    """Let the agent's collector read the plans."""
    store = Store()
    store.units = {f"unit-{number}": unit for number, unit in bus.units.items()}
    collector = Collector(
        plans, sink=store, codec=lambda _d, _g: None, observer=lambda _d, _g: lambda _f: None
    )
    task = asyncio.create_task(collector.run())
    try:
        yield store
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def rates(folder, transport, *, dead, span_s, interval_s=0.2, units=32):
    """Collect from units of which some are dead; gives polls per live unit, and what was wrong."""
    moods = [f"dead#{unit}" for unit in dead]
    async with serving(
        transport, units=range(1, units + 1), moods=moods, interval_s=0
    ) as (bus, found):  # fmt: skip
        plans = configured(folder, bus.units, interval_s=interval_s, timeout_s=0.15, **found)
        async with collected(plans, bus) as store:
            await asyncio.sleep(span_s)  # the span of the measurement
    live = {f"unit-{unit}" for unit in bus.units if unit not in dead}
    return {device: len(store.good_s[device]) for device in live}, store.wrong, bus


@pytest.mark.parametrize("transport", ["tcp", "rtu-tcp"])
async def test_m10_a_dead_unit_among_thirty_two(transport, tmp_path, report):
    """M10: the 31 others keep at least 95 % of their rate from the first second on."""
    span_s, interval_s = 2.5, 0.125
    polls, wrong, bus = await rates(
        tmp_path, transport, dead=(7,), span_s=span_s, interval_s=interval_s
    )
    due = span_s / interval_s
    report(
        f"polls per live unit {min(polls.values())} to {max(polls.values())}, {due:.0f} due; "
        f"dead unit asked {bus.asked[7]} times"
    )
    assert wrong == []
    assert len(polls) == 31
    assert min(polls.values()) >= 0.95 * due - 1  # one may be under way at the end


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("transport", ["tcp", "rtu-tcp", "rtu"])
async def test_m10_three_dead_units_for_a_minute(transport, tmp_path, report):
    """M10: over a minute three dead units of 32 leave the others at least 95 % of their rate."""
    span_s, interval_s = 60.0, 1.0
    polls, wrong, bus = await rates(
        tmp_path, transport, dead=(3, 7, 30), span_s=span_s, interval_s=interval_s
    )
    due = span_s / interval_s
    asked = [bus.asked[unit] for unit in (3, 7, 30)]
    report(
        f"polls per live unit {min(polls.values())} to {max(polls.values())}, {due:.0f} due; "
        f"dead units asked {asked} times"
    )
    assert wrong == []
    assert min(polls.values()) >= 0.95 * due - 1


BAUD = 9_600
TURNAROUND_S = 0.005
LIVE, DEAD = 27, 3
BUS_TIMEOUT_S = 0.3


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_m10_thirty_units_on_one_line(tmp_path, report):
    """M10: 30 units of 16 points at 9,600 baud, 3 dead: a cycle is 1.1 times arithmetic at most.

    Arithmetic is the least time on the line of the live ones, and one probe of a dead one. The line
    is asked for more than it can bear; how old a value gets is reported.
    """
    dead = (4, 15, 26)
    timing = LineTiming(BAUD)
    least_s = LIVE * timing.exchange_s(8, 5 + 2 * POINTS, TURNAROUND_S) + BUS_TIMEOUT_S
    units = {n: Unit(PatternImage(n), turnaround_s=TURNAROUND_S) for n in range(1, LIVE + DEAD + 1)}
    bus = Bus(units, framing="rtu", timing=timing, temper=Temper([f"dead#{unit}" for unit in dead]))
    async with SerialLine(bus) as line:
        plans = configured(
            tmp_path, units, interval_s=1, timeout_s=BUS_TIMEOUT_S, serial=line.port, baud=BAUD
        )
        async with collected(plans, bus) as store:
            await asyncio.sleep(60)  # the span of the measurement
    begin_s = min(times[0] for times in store.good_s.values()) + 10  # after the dead are known
    gaps = [
        later - earlier
        for times in store.good_s.values()
        for earlier, later in pairwise(times)
        if earlier > begin_s
    ]
    cycle_s = statistics.mean(gaps)
    asked = [bus.asked[unit] for unit in dead]
    report(
        f"cycle {cycle_s:.2f} s, arithmetic minimum with one probe {least_s:.2f} s "
        f"({cycle_s / least_s:.2f}); worst staleness {max(gaps):.2f} s; dead units asked {asked} "
        f"times; hasty {line.hasty}, collisions {line.collisions}"
    )
    assert store.wrong == []
    assert len(store.good_s) == LIVE
    assert (line.hasty, line.collisions) == (0, 0)
    assert cycle_s <= 1.1 * least_s
