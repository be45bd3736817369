"""What has to hold again and again: restarts and channel renewals, none of which costs a value."""

from __future__ import annotations

import asyncio
import time

import pytest
from integration.opcua_recovery.plant import Line, Plant, missing, twice
from unit.agent.store.patience import until

from agent.telemetry.status import DeviceState
from drivers.opcua.services import Services

RESTARTS = 50
RENEWALS = 100
BACK_S = 15.0


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_every_restart_is_survived_without_a_hole(monkeypatch):
    """50 of 50: live again within 15 s after the server listens, and every value is there, once."""
    monkeypatch.setattr("agent.collect.backfill.LOOK_S", 0.1)
    took_s = []
    async with Plant(depth=100_000, portion=200) as plant, Line(plant.device.url) as line:
        await until(lambda: line.sink.good("cnc"), within_s=30)
        for _ in range(RESTARTS):
            filled = len(line.told("filled"))
            await plant.device.stop()
            await until(lambda: line.device.state is not DeviceState.ONLINE, within_s=30)
            await plant.device.start()
            began_s = time.monotonic()
            await until(lambda: line.device.state is DeviceState.ONLINE, within_s=2 * BACK_S)
            took_s.append(time.monotonic() - began_s)
            await until(lambda n=filled: len(line.told("filled")) > n, within_s=60)
        await plant.rest()
    assert max(took_s) <= BACK_S
    assert len(line.told("gap")) + sum(e.get("times", 1) - 1 for e in line.told("gap")) >= RESTARTS
    assert all(event["complete"] for event in line.told("filled"))
    assert missing(plant, line) == {}
    assert twice(line) == {}


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_a_hundred_renewals_cost_no_value(monkeypatch):
    """The channel is renewed under load, over and over; every change arrives, once."""
    renewed = []
    renew = Services.renew_channel

    async def counted(self):
        renewed.append(await renew(self))
        return 0.1

    monkeypatch.setattr(Services, "renew_channel", counted)
    async with Plant() as plant, Line(plant.device.url) as line:
        await until(lambda: line.sink.good("cnc"), within_s=30)
        session = line.collector.session("cnc")
        monkeypatch.setattr(Services, "channel_life_s", property(lambda _: 0.1))
        keeper = asyncio.create_task(session.keep(interval_s=0.02))
        await until(lambda: len(renewed) >= RENEWALS, within_s=120)
        keeper.cancel()
        await plant.rest()
        await asyncio.sleep(0.5)
        assert session.alive
    assert line.told("gap") == []
    assert missing(plant, line) == {}
    assert twice(line) == {}
