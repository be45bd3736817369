"""How long lessons hold: tried again, kept across restarts, dropped when they are odd."""

from __future__ import annotations

import asyncio
import json
import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.drivers.modbus.map_device import (
    Clock,
    MapDevice,
    MapLine,
    addresses,
    plan_of,
    right,
    session_with,
)

from drivers.api import DataType, Explains, Learns, NoReply, SessionLost
from drivers.modbus.blocks import Hole
from drivers.modbus.points.address import Table
from drivers.modbus.session import ModbusSession
from drivers.modbus.wire.exchange import Exchange

HR = Table.HOLDING_REGISTERS


def kept(**lessons):
    """Write lessons down that are about the device of `plan_of`, unless told otherwise."""
    return json.dumps({"version": 1, "place": "modbus://192.0.2.1:502 1"} | lessons)


@pytest.fixture
def clock():
    """Give a clock that stands still until it is moved."""
    return Clock()


@pytest.fixture
def wall(clock, monkeypatch):
    """Let the stamps of frames move with the clock too, so that reads may pass unexamined."""
    monkeypatch.setattr("time.time_ns", clock.wall_ns)
    return clock


async def test_a_hole_that_answers_is_read_again(clock):
    """A hole is asked for again beside the reads, after a minute at first, and given back."""
    device, plan = MapDevice(holes={("hr", 3)}), plan_of(addresses(range(10)), clock)
    session = session_with(device)
    await session.read(plan)
    device.holes.clear()
    for _ in range(5):
        clock.now_s += 11
        assert right(plan, await session.read(plan)) == set(range(10)) - {3}
    clock.now_s += 11
    await session.read(plan)
    assert right(plan, await session.read(plan)) == set(range(10))
    assert plan.requests == 1
    assert "holes" not in plan.lessons


@pytest.mark.parametrize("jump_s", [0, -5e8, 5e8])
async def test_reads_that_pass_unexamined_delay_nothing(wall, jump_s):
    """Between two looks a good read costs nothing; a hole is tried again all the same."""
    device, plan = MapDevice(holes={("hr", 3)}), plan_of(addresses(range(10)), wall)
    session = session_with(device)
    for _ in range(3):
        await session.read(plan)
    looked_until_ns = plan.learner.calm_until_ns
    for _ in range(9):
        wall.now_s += 1
        await session.read(plan)
    assert plan.learner.calm_until_ns == looked_until_ns > 0
    wall.set_by_s += jump_s
    device.holes.clear()
    for _ in range(80):
        wall.now_s += 1
        await session.read(plan)
    assert plan.requests == 1


async def test_a_hole_that_stays_is_asked_ever_more_rarely(clock):
    """Over ten days a hole costs few requests, and at least one a day; no value is lost by it."""
    device, plan = MapDevice(holes={("hr", 3)}), plan_of(addresses(range(10)), clock)
    session = session_with(device)
    await session.read(plan)
    device.asked.clear()
    for _ in range(10 * 24 * 4):
        clock.now_s += 900
        assert right(plan, await session.read(plan)) == set(range(10)) - {3}
    assert 10 <= device.refused <= 20


async def test_a_limit_is_tried_again_more_and_more_seldom(clock):
    """A limit is doubted after a minute, then after twice the time each, at last once a day."""
    device, plan = MapDevice(longest=40), plan_of(addresses(range(125)), clock)
    session = session_with(device)
    await session.read(plan)
    await session.read(plan)
    device.asked.clear()
    tried = []
    for minute in range(8 * 60):
        clock.now_s += 60
        refused = device.refused
        assert right(plan, await session.read(plan)) == set(range(125))
        tried += [minute] * (device.refused - refused)
    assert 5 <= len(tried) <= 10
    assert all(later >= 2 * sooner for sooner, later in pairwise(tried))
    device.longest = 125
    clock.now_s += 86_400
    await session.read(plan)
    assert plan.requests == 1
    assert right(plan, await session.read(plan)) == set(range(125))


async def test_a_limit_that_a_disturbed_line_taught_is_soon_forgotten(clock):
    """What only noise made look too long is read again after a minute, wide values too."""
    points = [*addresses(range(8)), ("hr:20", DataType.FLOAT64)]
    device, plan = MapDevice(), plan_of(points, clock)
    session = session_with(device)
    plan.learner.memory.set_limit(1, holds_bits=False)
    plan.recompile(plan.learner.memory.knowledge)
    assert right(plan, await session.read(plan)) == set(range(8))
    clock.now_s += 61
    await session.read(plan)
    assert right(plan, await session.read(plan)) == set(range(9))
    assert plan.lessons == ""


async def test_a_restart_with_lessons_is_not_refused_once(clock):
    """What was learned is in the first plan of the next life."""
    device = MapDevice(holes={("hr", 7), ("hr", 90)}, longest=30)
    points = addresses(range(120))
    plan, session = plan_of(points, clock), session_with(device)
    for _ in range(3):
        await session.read(plan)
    lessons = plan.lessons
    device.asked.clear()
    reborn = plan_of(points, clock)
    reborn.recall(lessons)
    assert right(reborn, await session_with(device).read(reborn)) == set(range(120)) - {7, 90}
    assert device.refused == 0
    assert reborn.lessons == lessons


async def test_lessons_are_stable(clock):
    """Reads that bring nothing new leave the text as it is."""
    device, plan = MapDevice(holes={("hr", 7)}), plan_of(addresses(range(20)), clock)
    session = session_with(device)
    await session.read(plan)
    before = plan.lessons
    for _ in range(50):
        await session.read(plan)
    assert plan.lessons == before
    assert isinstance(plan, Learns)
    assert isinstance(plan, Explains)


async def test_a_clock_that_jumps_only_causes_an_early_try(clock):
    """Set back by years or ahead, the lessons stay in force until the device disproves them."""
    device, plan = MapDevice(holes={("hr", 3)}, longest=8), plan_of(addresses(range(20)), clock)
    session = session_with(device)
    for _ in range(2):
        await session.read(plan)
    for jump_s in (-5e8, 7e8, -1e8):
        clock.set_by_s += jump_s
        for _ in range(5):
            clock.now_s += 11
            assert right(plan, await session.read(plan)) == set(range(20)) - {3}


async def test_more_holes_than_are_kept(clock):
    """Beyond 500 holes nothing more is learned, the lessons say so, and each is still doubted."""
    device = MapDevice(holes={("hr", at) for at in range(0, 1300, 2)})
    points = [f"hr:{at}" for at in range(0, 1300, 2)]
    plan, session = plan_of([*points, "hr:1"], clock, max_gap=0), session_with(device)
    for _ in range(3):
        frame = await session.read(plan)
    assert right(plan, frame) <= {650}
    told = json.loads(plan.lessons)
    assert len(told["holes"]) == 500
    assert told["many"] is True
    device.holes.clear()
    for _ in range(10):
        clock.now_s += 61
        await session.read(plan)
    told = json.loads(plan.lessons)
    assert len(told["holes"]) == 490
    assert "many" not in told


async def test_the_round_trip_is_measured_and_kept(clock):
    """After some reads the plan reckons with the device's own time; at most once an hour."""
    device, plan = MapDevice(), plan_of(addresses(range(3), range(20, 23)), clock, max_gap=None)
    session = session_with(device)
    honest, took_s = device.answer, 0.05

    def slow(*asked):
        clock.now_s += took_s
        return honest(*asked)

    device.answer = slow
    for _ in range(120):
        clock.now_s += 1
        await session.read(plan)
    assert json.loads(plan.lessons)["request_s"] == pytest.approx(0.05, rel=0.1)
    took_s = 0.2
    for _ in range(200):
        clock.now_s += 1
        await session.read(plan)
    assert json.loads(plan.lessons)["request_s"] == pytest.approx(0.05, rel=0.1)
    for _ in range(400):  # the fastest read of a whole hour counts
        clock.now_s += 20
        await session.read(plan)
    assert json.loads(plan.lessons)["request_s"] == pytest.approx(0.2, rel=0.1)


def test_odd_lessons_are_dropped_whole(clock):
    """A text that this version did not write changes nothing."""
    plan = plan_of(addresses(range(10)), clock)
    hole = {"table": "hr", "start": 3, "end": 4, "reason": "BadX", "learned_ms": 1, "asked_ms": 1}
    odd = [
        "", "{", "[]", "null", kept(version=2), kept(more=1),
        kept(holes=[hole | {"end": 70_000}]),
        kept(holes=[hole | {"end": 2}]),
        kept(holes=[hole | {"start": 0, "end": 65_536}]),
        kept(holes=[hole | {"reason": "<b>"}]),
        kept(holes=[hole] * 501),
        kept(registers={"count": 126, "learned_ms": 1, "asked_ms": 1}),
        kept(request_s=-1),
        kept(request_s=float("nan")),
        kept(holes=[hole], place="modbus://192.0.2.1:502 2"),
        kept(holes=[hole], place="modbus://192.0.2.2:502 1"),
        " " * 300_000,
    ]  # fmt: skip
    for text in odd:
        plan.recall(text)
        assert plan.lessons == ""
        assert plan.requests == 1
    plan.recall(kept(holes=[hole]))
    assert plan.compiled.knowledge.holes == (Hole(HR, 3, 4, "BadX"),)


def test_holes_of_other_addresses_are_dropped(clock):
    """After the point table changed, what concerns none of the points is forgotten."""
    plan = plan_of(addresses(range(10)), clock)
    holes = [
        {"table": table, "start": start, "end": start + 1, "reason": "BadX",
         "learned_ms": 1, "asked_ms": 1}
        for table, start in (("hr", 3), ("hr", 300), ("ir", 3))
    ]  # fmt: skip
    plan.recall(kept(holes=holes))
    assert [hole.start for hole in plan.compiled.knowledge.holes] == [3]


@given(st.text(max_size=300))
def test_no_text_breaks_recall(text):
    """Whatever was kept, recalling it raises nothing."""
    plan = plan_of(["hr:1"])
    plan.recall(text)
    assert plan.requests == 1


async def test_what_learning_delayed_is_read_anew(wall):
    """On a busy bus learning takes long: no value is older than its stamp by more than a second."""

    class Slow(MapDevice):
        def answer(self, function, start, count):
            wall.now_s += 0.3
            answer = super().answer(function, start, count)
            now = int(wall.now_s * 10) & 0xFFFF
            return answer if isinstance(answer, int) else struct.pack(">H", now) * count

    device = Slow(holes={("hr", 3), ("hr", 30), ("hr", 31)})
    plan = plan_of(addresses(range(40), range(200, 210)), wall)
    session = session_with(device)
    for _ in range(3):
        frame = await session.read(plan)
        stamped = (frame.read_ns - int(wall.set_by_s) * 1_000_000_000) // 100_000_000
        assert {value for value in frame.values if value is not None}
        assert all(0 <= stamped - value <= 10 for value in frame.values if value is not None)
    assert frame.values.count(None) == 3


class CutLine(MapLine):
    """A line on which the second exchange fails."""

    def __init__(self, device, error):
        super().__init__(device)
        self.error = error
        self.started = 0

    def start(self, requests, terms):
        self.started += 1
        if self.started != 2:
            return super().start(requests, terms)
        exchange = Exchange(requests, terms, asyncio.get_running_loop().create_future())
        exchange.fail(self.error)
        return exchange


@pytest.mark.parametrize(
    ("error", "rest_s"), [(SessionLost("another unit kept silent"), 3), (NoReply("silent"), 61)]
)
async def test_a_search_cut_short_goes_on_soon_unless_the_device_kept_silent(clock, error, rest_s):
    """A device is not left half read for a minute because another unit ended the session."""
    device, plan = MapDevice(holes={("hr", 3)}), plan_of(addresses(range(10)), clock)
    session = ModbusSession(CutLine(device, error))
    await session.read(plan)
    clock.now_s += rest_s - 2
    assert right(plan, await session.read(plan)) == set()
    clock.now_s += 2
    assert right(plan, await session.read(plan)) == set(range(10)) - {3}
