"""The live rate under a clock that nobody vouches for: no evidence, and no figure of no day."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace

import pytest

from agent.kpi.live import LiveRate
from drivers.api import ClockSource, Frame

NAMES = ("program.name", "spindle.speed")


class Bench:
    """A rate over one device whose gateway's clock is trusted when `dated` says so."""

    def __init__(self, make_config):
        config = make_config({"turn": {"L1": "CNC"}}, devices={"L1": "cnc"}, emit_every_s=1)
        group = SimpleNamespace(
            name="g", tags=[SimpleNamespace(name=name, address=name) for name in NAMES], derived=()
        )
        device = SimpleNamespace(
            id="cnc", groups=[group], entry=SimpleNamespace(driver="x"), link="l", config=None
        )
        self.dated = False
        self.rate = LiveRate(config, [device], [], dated=lambda: self.dated)
        self.watch = self.rate.watch("cnc", group)
        self.evidence = []
        self.published = asyncio.Event()

    def put_evidence(self, days):
        self.evidence += days

    async def put_frame(self, codec, frame):
        self.published.set()

    def observed(self):
        self.rate.save(self)
        found, self.evidence = self.evidence, []
        return sum(good for _, _, good, *_ in found)


@pytest.fixture
def bench(make_config):
    return Bench(make_config)


def frame(**fields):
    return Frame("cnc", "g", time.time_ns(), ("O1", 3000.0), **fields)


def test_what_an_unset_clock_stamped_is_of_no_day(bench):
    """The same values count as soon as somebody vouches for the clock."""
    bench.watch(frame())
    assert bench.observed() == 0
    bench.dated = True
    bench.watch(frame())
    assert bench.observed() == len(NAMES)


def test_a_devices_own_time_needs_no_clock_of_ours(bench):
    """Values that bear the device's stamp count on its day, whatever our clock."""
    now_ns = time.time_ns()
    bench.watch(frame(times_ns=(now_ns, now_ns), clock=ClockSource.DEVICE))
    assert bench.observed() == len(NAMES)


async def test_no_figure_is_published_for_an_unknown_day(bench):
    """The rate as of a wrong day would be a wrong figure; it comes once the day is known."""
    running = asyncio.create_task(bench.rate.run(bench, None))
    try:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.5):
                await bench.published.wait()
        bench.dated = True
        async with asyncio.timeout(20):
            await bench.published.wait()
    finally:
        running.cancel()
