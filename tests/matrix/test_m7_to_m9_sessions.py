"""M7 to M9: devices that start slowly, bear one client, hang up, or reboot; polls resume."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from matrix.collecting import Collector, serving

POLLS = 60


async def polls(host, times, *, every_s=0.0):
    """Poll so often; gives which of the polls were whole."""
    whole = []
    for _ in range(times):
        whole.append(await host.read(host.plans[0]))
        if every_s:
            await asyncio.sleep(every_s)
    return whole


async def test_m7_a_device_that_starts_slowly(report):
    """M7: with a rest after the connection none of its first requests is wasted."""
    async with serving("tcp", units=(1,), moods=["slow-start:0.05"]) as (bus, found):
        patient = found | {"timeout_s": 0.04, "pause_after_connect_s": 0.06}
        async with Collector(bus, patient) as host:
            assert all(await polls(host, POLLS))
    report(host.tally.line)
    assert host.tally.wrong == []


@pytest.mark.parametrize("transport", ["tcp", "rtu-tcp"])
async def test_m8_one_client_only(transport, report):
    """M8: a device held by another master is refused us; it is read as soon as that one leaves."""
    async with serving(transport, units=(1,), moods=["one-client"]) as (bus, found):
        settings = found | {"timeout_s": 0.2}
        async with Collector(bus, settings) as other, Collector(bus, settings) as host:
            assert await other.read(other.plans[0])
            assert await polls(host, 5) == [False] * 5
            await other._stack.aclose()
            assert (await polls(host, 2))[-1]
    report(host.tally.line)
    assert host.tally.wrong == other.tally.wrong == []


async def test_m8_two_masters_share_a_device_that_bears_one(report):
    """M8: with close_after_poll two masters in turn get everything from a device that bears one."""
    async with serving("tcp", units=(1,), moods=["one-client"]) as (bus, found):
        settings = found | {"timeout_s": 0.5, "close_after_poll": True}
        async with Collector(bus, settings) as one, Collector(bus, settings) as other:
            whole = 0
            for _ in range(POLLS):
                for host in (one, other):
                    whole += await host.read(host.plans[0])
                    for seen in tuple(bus.conversations):
                        await seen.lost  # until the device has seen our leaving
    report(f"{one.tally.line} | {other.tally.line}")
    assert whole == 2 * POLLS


@pytest.mark.parametrize("transport", ["tcp", "rtu-tcp", "ascii-tcp"])
async def test_m9_a_device_that_closes_idle_connections(transport, report):
    """M9: each idle close costs one poll at most, and none with close_after_poll."""
    async with serving(transport, units=(1,), moods=["idle-close:0.02"]) as (bus, found):
        async with Collector(bus, found | {"timeout_s": 0.5}) as host:
            whole = await polls(host, 10, every_s=0.04)
        assert all(any(pair) for pair in pairwise(whole))
        async with Collector(bus, found | {"timeout_s": 0.5, "close_after_poll": True}) as leaving:
            assert all(await polls(leaving, 10, every_s=0.04))
    report(host.tally.line)
    assert host.tally.wrong == []


async def test_m9_a_device_that_closes_after_each_answer(report):
    """M9: a device that hangs up after each answer costs every other poll at most."""
    async with (
        serving("tcp", units=(1,), moods=["close-each"]) as (bus, found),
        Collector(bus, found | {"timeout_s": 0.5}) as host,
    ):
        whole = await polls(host, POLLS)
    report(host.tally.line)
    assert all(any(pair) for pair in pairwise(whole))
    assert host.tally.wrong == []


@pytest.mark.parametrize("transport", ["tcp", "rtu-tcp"])
async def test_m9_a_reboot(transport, report):
    """M9: after a reboot the first or the second poll is good again, however often it happens."""
    async with (
        serving(transport, units=(1,)) as (bus, found),
        Collector(bus, found | {"timeout_s": 0.2}) as host,
    ):
        for _ in range(5):
            assert (await polls(host, 2))[-1]
            bus.on_reboot(0.05)
            while await host.read(host.plans[0]):
                pass
            before = host.tally.errors.copy()
            while not await host.read(host.plans[0]):
                pass
            lost = host.tally.errors - before
            # it is away: ConnectError; the connection it dropped was told once already
            assert lost["SessionLost"] + lost["NoReply"] <= 1
    report(host.tally.line)
    assert host.tally.wrong == []
