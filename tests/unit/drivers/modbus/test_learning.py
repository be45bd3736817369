"""What a session learns from refusals: holes, borders, limits; and from whom it learns nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.drivers.modbus.map_device import (
    Clock,
    MapDevice,
    addresses,
    plan_of,
    right,
    session_with,
)

from drivers.api import DataType
from drivers.modbus.learning.search import MAX_REQUESTS
from drivers.modbus.points.address import Table

HR = Table.HOLDING_REGISTERS


@pytest.fixture
def clock():
    """Give a clock that stands still until it is moved."""
    return Clock()


async def test_one_hole_costs_one_value_from_the_first_read_on(clock):
    """The read that meets a hole gives every other value; the next one is not refused at all."""
    device, plan = MapDevice(holes={("hr", 77)}), plan_of(addresses(range(125)), clock)
    session = session_with(device)
    frame = await session.read(plan)
    assert right(plan, frame) == set(range(125)) - {77}
    assert frame.reasons == {77: "BadConfigurationError"}
    assert len(device.asked) <= 12
    device.asked.clear()
    assert right(plan, await session.read(plan)) == set(range(125)) - {77}
    assert device.asked == [("hr", 0, 77, True), ("hr", 78, 47, True)]


async def test_exception_3_is_the_reason_of_its_hole(clock):
    """A hole refused as an illegal value says so, in every read."""
    device = MapDevice(holes={("hr", 5)}, hole_code=3)
    plan, session = plan_of(addresses(range(10)), clock), session_with(device)
    for _ in range(2):
        assert (await session.read(plan)).reasons == {5: "BadOutOfRange"}


@pytest.mark.parametrize("limit", [1, 2, 25, 40, 64, 100, 124])
async def test_a_limit_is_learned_and_obeyed(clock, limit):
    """After a few reads no request is longer than the device allows, and every value is read."""
    device, plan = MapDevice(longest=limit), plan_of(addresses(range(250)), clock)
    session = session_with(device)
    for _ in range(2):
        right(plan, await session.read(plan))
    device.asked.clear()
    assert right(plan, await session.read(plan)) == set(range(250))
    assert device.refused == 0
    assert max(count for _, _, count, _ in device.asked) == limit
    assert json.loads(plan.lessons)["registers"]["count"] == limit


async def test_a_border_parts_requests_from_then_on(clock):
    """Registers the device does not give together are asked for apart, and nothing else changes."""
    device, plan = MapDevice(borders={20}), plan_of(addresses(range(50)), clock)
    session = session_with(device)
    assert right(plan, await session.read(plan)) == set(range(50))
    device.asked.clear()
    assert right(plan, await session.read(plan)) == set(range(50))
    assert device.asked == [("hr", 0, 20, True), ("hr", 20, 30, True)]
    device.borders.clear()
    clock.now_s += 61
    await session.read(plan)
    assert plan.requests == 1


async def test_a_limit_of_bits_is_learned(clock):
    """Coils have a limit of their own."""
    device = MapDevice(longest_bits=500)
    plan = plan_of([(f"co:{at}", DataType.BOOL) for at in range(1700)], clock)
    session = session_with(device)
    await session.read(plan)
    assert len(right(plan, await session.read(plan))) == 1700
    assert json.loads(plan.lessons)["bits"]["count"] == 500


@pytest.mark.parametrize("code", [1, 4, 7, 8, 9, 10, 11])
async def test_what_is_not_learned_from(clock, code):
    """Any other exception voids its own values and changes nothing in the plan."""
    device = MapDevice(holes={("hr", 5)}, hole_code=code)
    plan, session = plan_of(addresses(range(4), range(5, 8)), clock, max_gap=0), None
    session = session_with(device)
    for _ in range(3):
        assert right(plan, await session.read(plan)) == {0, 1, 2, 3}
    assert len(device.asked) == 6
    assert plan.lessons == ""


async def test_learn_false_changes_nothing(clock):
    """With learn: false a refused request voids its values, and nothing more is asked."""
    device = MapDevice(holes={("hr", 2)})
    plan, session = plan_of(addresses(range(4), [100]), clock, learn=False), session_with(device)
    for _ in range(3):
        assert right(plan, await session.read(plan)) == {4}
    assert len(device.asked) == 6
    plan.recall('{"version":1,"holes":[]}')
    assert plan.lessons == ""


async def test_a_starting_device_teaches_nothing(clock):
    """A device that refuses everything for half a minute is read whole as soon as it is up."""
    device = MapDevice(everything=2)
    plan, session = plan_of(addresses(range(50), range(200, 220)), clock), session_with(device)
    for _ in range(19):
        assert right(plan, await session.read(plan)) == set()
        clock.now_s += 1
    assert plan.lessons == ""
    device.everything = None
    assert right(plan, await session.read(plan)) == set(range(70))


async def test_a_device_that_refuses_everything_is_learned_after_three_times(clock):
    """Three refusals of everything, ten seconds apart, count; few requests are spent on it."""
    device = MapDevice(everything=2)
    plan, session = plan_of(addresses([1], [100], [200]), clock), session_with(device)
    for _ in range(3):
        assert plan.requests == 3
        await session.read(plan)
        clock.now_s += 10
    assert plan.requests == 0
    device.asked.clear()
    frame = await session.read(plan)
    assert right(plan, frame) == set()
    assert len(device.asked) == 1
    device.everything = None
    await session.read(plan)
    assert right(plan, await session.read(plan)) == {0, 1, 2}


async def test_a_dead_map_does_not_hold_the_bus(clock):
    """However much is refused, a read asks a bounded number of requests more."""
    device = MapDevice(holes={("hr", at) for at in range(0, 240, 2)})
    plan, session = plan_of(addresses(range(240)), clock), session_with(device)
    reads = 0
    while len(right(plan, await session.read(plan))) < 120:
        planned = plan.requests
        device.asked.clear()
        await session.read(plan)
        assert len(device.asked) <= planned + MAX_REQUESTS
        reads += 2
    assert reads < 60


@st.composite
def maps(draw):
    """Draw points of several widths, a device with holes, borders and a limit."""
    kinds = [DataType.UINT16, DataType.INT32, DataType.FLOAT64, DataType.BIT]
    points = []
    for at in draw(st.lists(st.integers(0, 199), min_size=1, max_size=60, unique=True)):
        kind = draw(st.sampled_from(kinds))
        suffix = f".{at % 16}" if kind is DataType.BIT else ""
        points.append((f"hr:{at}{suffix}", kind))
    holes = draw(st.sets(st.integers(0, 203), max_size=10))
    device = MapDevice(
        holes={("hr", at) for at in holes},
        borders=draw(st.sets(st.integers(0, 203), max_size=2)),
        longest=draw(st.integers(4, 125)),
        hole_code=draw(st.sampled_from([2, 3])),
        length_code=draw(st.sampled_from([2, 3])),
    )
    return points, device, draw(st.sampled_from([0, 2, 16, None]))


@settings(max_examples=60)
@given(maps())
async def test_every_legal_point_is_read_in_the_end(drawn):
    """Whatever the map, after some reads every legal point is good, no illegal one ever is."""
    await read_to_the_end(*drawn)


@pytest.mark.long
@pytest.mark.timeout(300)
@settings(max_examples=1500)
@given(maps())
async def test_every_legal_point_of_many_maps(drawn):
    """The same over thousands of maps."""
    await read_to_the_end(*drawn)


async def read_to_the_end(points, device, max_gap):
    """Read until all is learned, then restart with the lessons; check every value on the way."""
    clock = Clock()
    plan, session = plan_of(points, clock, max_gap=max_gap), session_with(device)
    holes = {at for _, at in device.holes}
    legal = {
        column
        for column, point in enumerate(plan.points)
        if not holes & set(range(point.start, point.end))
        and not device.borders & set(range(point.start + 1, point.end))
    }
    for _ in range(30):
        good = right(plan, await session.read(plan))
        assert good <= legal
        clock.now_s += 10
    assert good == legal
    reborn = plan_of(points, clock, max_gap=max_gap)
    reborn.recall(plan.lessons)
    device.asked.clear()
    assert right(reborn, await session_with(device).read(reborn)) == legal
