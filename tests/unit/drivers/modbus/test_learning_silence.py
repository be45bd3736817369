"""What a session learns from silence, and when silence is just silence."""

from __future__ import annotations

import json

import pytest
from unit.drivers.modbus.map_device import (
    SILENCE,
    Clock,
    MapDevice,
    addresses,
    plan_of,
    right,
    session_with,
)

from drivers.api import Silent
from drivers.modbus.points.address import Table

HR = Table.HOLDING_REGISTERS


@pytest.fixture
def clock():
    """Give a clock that stands still until it is moved."""
    return Clock()


async def test_silence_to_long_requests_is_a_limit(clock):
    """A device silent to long requests and quick to short ones is read after two silences."""
    device = MapDevice(longest=40, length_code=SILENCE)
    plan, session = plan_of(addresses(range(125)), clock), session_with(device)
    silences, good = 0, 0
    while good < 8:
        try:
            assert right(plan, await session.read(plan)) == set(range(125))
            good += 1
            clock.now_s += 11
        except Silent:
            silences += 1
            assert good == 0
            assert silences < 10
    assert silences == 3  # 125 twice, 62 once more
    assert json.loads(plan.lessons)["registers"]["count"] == 40
    device.asked.clear()
    await session.read(plan)
    assert device.refused == 0
    assert plan.requests == 4


async def test_a_device_that_is_off_teaches_no_limit(clock):
    """Silence to everything, however long, changes no plan."""
    device = MapDevice(everything=SILENCE)
    plan, session = plan_of(addresses(range(125)), clock), session_with(device)
    for _ in range(20):
        with pytest.raises(Silent):
            await session.read(plan)
        clock.now_s += 5
    device.everything = None
    assert right(plan, await session.read(plan)) == set(range(125))
    assert (plan.requests, plan.lessons) == (1, "")


async def test_a_device_that_was_read_before_teaches_no_limit_by_silence(clock):
    """A length that worked is not doubted when the device goes away."""
    device, plan = MapDevice(), plan_of(addresses(range(125)), clock)
    session = session_with(device)
    await session.read(plan)
    device.everything = SILENCE
    for _ in range(4):
        with pytest.raises(Silent):
            await session.read(plan)
    assert {count for _, _, count, _ in device.asked} == {125}


async def test_silence_in_the_search_costs_no_read(clock):
    """When a device answers the question after a refusal by silence, the frame still comes."""
    device = MapDevice(holes={("hr", 100)}, longest=20, length_code=2)
    plan = plan_of(addresses(range(10), range(95, 105)), clock, max_gap=0)
    session = session_with(device)
    honest = device.answer
    device.answer = lambda function, start, count: (
        honest(function, start, count) if count == 10 else SILENCE
    )
    frame = await session.read(plan)
    assert right(plan, frame) == set(range(10))
    assert set(frame.reasons.values()) == {"BadConfigurationError"}
    device.asked.clear()
    await session.read(plan)
    assert len(device.asked) == 2
    device.answer = honest
    clock.now_s += 61
    assert right(plan, await session.read(plan)) == set(range(20)) - {15}
