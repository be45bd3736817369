"""M12 to M14: busy devices, heartbeats, noise on lines, and peers that flood or drip."""

from __future__ import annotations

import asyncio
import gc
import time

import pytest
from matrix.collecting import REGISTERS, Collector, resident_bytes, serving
from matrix.conftest import FAST_READS, LONG_READS

MEBIBYTE = 1 << 20


@pytest.mark.parametrize("code", [5, 6])
@pytest.mark.parametrize("transport", ["tcp", "rtu-tcp", "udp"])
async def test_m12_busy_is_never_a_value(transport, code, report):
    """M12: a device that is busy is left alone; no value stands for its silence."""
    async with (
        serving(transport, moods=[f"busy:{code}@0.1"]) as (bus, found),
        Collector(bus, found | {"timeout_s": 0.5}) as host,
    ):
        tally = await host.run(300)
        busy = bus.temper.acted["busy"]
    report(tally.line)
    assert tally.wrong == []
    assert tally.errors == {"Busy": busy}
    assert tally.good == (300 - busy) * REGISTERS


@pytest.mark.parametrize("transport", ["rtu-tcp", "ascii-tcp", "tcp"])
async def test_m13_heartbeats_are_stripped(transport, report):
    """M13: a DTU's heartbeat before an answer is skipped; not one read is lost to it."""
    async with (
        serving(transport, moods=["heartbeat:hex:fefe01@0.3"]) as (bus, found),
        Collector(bus, found | {"timeout_s": 0.5, "heartbeat": "hex:fefe01"}) as host,
    ):
        tally = await host.run(FAST_READS // 4)
        acted = bus.temper.acted["heartbeat"]
    report(f"{tally.line} heartbeats={acted}")
    assert acted > 100
    assert tally.wrong == []
    assert tally.good == FAST_READS // 4 * REGISTERS


async def test_m13_a_dtu_that_dials_in(report):
    """M13: a DTU is told by its registration and read between heartbeats; it may dial again."""
    async with (
        serving("dtu", moods=["heartbeat:hex:fefe@0.2"]) as (bus, found),
        Collector(bus, found | {"timeout_s": 0.5, "connect_timeout_s": 3}) as host,
    ):
        async with asyncio.timeout(20):
            while not await host.read(host.plans[0]):
                pass
            met = len(bus.conversations)
            tally = await host.run(FAST_READS // 4)
            good = tally.good
            bus.on_reboot(0.05)
            while await host.read(host.plans[0]):
                pass
            while not await host.read(host.plans[0]):
                pass
    report(tally.line)
    assert met == 1
    assert tally.wrong == []
    assert good >= FAST_READS // 4 * REGISTERS


@pytest.mark.parametrize("mood", ["noise", "garbage:7", "short:3", "long:5", "merged"])
async def test_m13_a_line_resynchronises(mood, report):
    """M13: after noise on a serial line the second request at the latest is answered well."""
    async with (
        serving("rtu") as (bus, found),
        Collector(bus, found | {"timeout_s": 0.04, "late_s": 0.2}) as host,
    ):
        worst = 0
        for _ in range(12):
            bus.temper.set(mood)
            await host.read(host.plans[0])
            bus.temper.set()
            asked = bus.asked.total()
            while not await host.read(host.plans[0]):
                pass
            worst = max(worst, bus.asked.total() - asked)
    report(f"{host.tally.line} requests_to_resync={worst}")
    assert host.tally.wrong == []
    assert worst <= 2


FLOODS = ["flood:20", "length:65535", "drip:0.1", "garbage:100000", "long:60000"]


@pytest.mark.parametrize(
    ("transport", "mood"),
    [
        *((transport, mood) for transport in ("tcp", "rtu-tcp", "ascii-tcp") for mood in FLOODS),
        # these lines live on: the flood is endured, not hung up on
        *((transport, mood) for transport in ("rtu", "dtu") for mood in ("flood:4", "drip:0.02")),
    ],
)
async def test_m14_a_flood_costs_no_memory_and_no_time(transport, mood, report):
    """M14: a peer that floods or drips takes no memory, and another device is read on time."""
    async with (
        serving(transport, units=(1,), moods=[mood]) as (bad_bus, bad_found),
        serving("tcp", units=(2,)) as (bus, found),
    ):
        bad = Collector(bad_bus, bad_found | {"timeout_s": 0.05, "late_s": 0.1})
        async with bad, Collector(bus, found | {"timeout_s": 1}) as host:
            await host.run(50)
            await bad.run(1)
            gc.collect()
            before = resident_bytes()
            suffering = asyncio.create_task(bad.run(4))
            longest_s = 0.0
            while not suffering.done():
                begun_s = time.monotonic()
                assert await host.read(host.plans[0])
                longest_s = max(longest_s, time.monotonic() - begun_s)
                await asyncio.sleep(0.002)
            gc.collect()
            grown = resident_bytes() - before
    report(
        f"{bad.tally.line} grown={grown >> 10} KiB other_device_longest_ms={longest_s * 1e3:.1f}"
    )
    assert bad.tally.wrong == host.tally.wrong == []
    assert bad.tally.good == 0
    assert grown <= 5 * MEBIBYTE
    assert longest_s < 0.5


async def errors_only(transport, mood, reads):
    """Read from a peer that refuses everything; gives the tally and the growth in memory."""
    async with (
        serving(transport, moods=[mood], interval_s=0) as (bus, found),
        Collector(bus, found | {"timeout_s": 1}) as host,
    ):
        await host.run(min(2_000, reads // 4))
        gc.collect()
        before = resident_bytes()
        tally = await host.run(reads)
        gc.collect()
        return tally, resident_bytes() - before


@pytest.mark.parametrize("mood", ["exception:2", "exception:4", "exception:11"])
async def test_m11_error_replies_leave_nothing_behind(mood, report):
    """M11: thousands of refusals leave no memory taken."""
    tally, grown = await errors_only("tcp", mood, FAST_READS * 4)
    report(f"{tally.line} grown={grown >> 10} KiB")
    assert tally.good == 0
    assert tally.errors == {}
    assert grown <= 2 * MEBIBYTE


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_m11_a_million_error_replies(report):
    """M11: the same over 1,000,000 refusals."""
    tally, grown = await errors_only("tcp", "exception:11", 10 * LONG_READS)
    report(f"{tally.line} grown={grown >> 10} KiB")
    assert tally.good == 0
    assert grown <= 2 * MEBIBYTE
