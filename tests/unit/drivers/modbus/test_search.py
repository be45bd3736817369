"""The search for the cause of a refusal, without any line: what it asks, what it concludes."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.drivers.modbus.map_device import MapDevice, plan_of

from drivers.api import DataType
from drivers.modbus.blocks import Block, Hole
from drivers.modbus.learning.search import MAX_REQUESTS, Search
from drivers.modbus.points.address import Table
from drivers.modbus.wire.framing import ExceptionReply

HR = Table.HOLDING_REGISTERS
CODES = {"co": 1, "di": 2, "hr": 3, "ir": 4}


def explored(device, plan, *, longest=125):
    """Let a search explain the refusal of a plan's only block; gives the search."""
    (block,) = plan.blocks
    search = Search(plan.points, max_registers=longest, max_bits=2000, asked=())
    generator = search.explore(block, ExceptionReply(answer(device, block)))
    try:
        asked = next(generator)
        while True:
            reply = answer(device, asked)
            asked = generator.send(ExceptionReply(reply) if isinstance(reply, int) else reply)
    except StopIteration:
        return search


def answer(device, block):
    return device.answer(CODES[block.table], block.start, block.count)


def read_columns(search):
    """Name the columns that were read with success."""
    good = [piece for piece in search.pieces if isinstance(piece.answer, bytes)]
    columns = [column for piece in good for column in piece.block.columns]
    assert len(columns) == len(set(columns))
    return set(columns)


@cache
def registers(count):
    """Plan so many registers; a search only looks at the points, so one plan serves all."""
    return plan_of([f"hr:{at}" for at in range(count)])


@pytest.mark.parametrize("code", [2, 3])
@pytest.mark.parametrize("at", range(125))
def test_one_hole_is_found_within_12_requests(at, code):
    """Wherever the hole is, 12 requests find it, the first included, and read all the others."""
    device = MapDevice(holes={("hr", at)}, hole_code=code)
    search = explored(device, registers(125))
    reason = {2: "BadConfigurationError", 3: "BadOutOfRange"}[code]
    assert search.holes() == [Hole(HR, at, at + 1, reason)]
    assert search.limits == {}
    assert read_columns(search) == set(range(125)) - {at}
    assert len(device.asked) <= 12


@pytest.mark.parametrize("at", [0, 1, 999, 1000, 1023, 1024, 1998, 1999])
def test_one_hole_among_bits_is_found_within_15_requests(at):
    """The same among the 2,000 bits one request may hold."""
    device = MapDevice(holes={("co", at)})
    search = explored(device, plan_of([(f"co:{n}", DataType.BOOL) for n in range(2000)]))
    assert search.holes() == [Hole(Table.COILS, at, at + 1)]
    assert len(read_columns(search)) == 1999
    assert len(device.asked) <= 15


@pytest.mark.parametrize("limit", range(1, 125))
def test_a_limit_is_found_exactly(limit):
    """A device that answers at most so many registers is never asked for more afterwards."""
    device = MapDevice(longest=limit)
    search = explored(device, registers(125))
    assert search.limits == {False: limit}
    assert search.holes() == []
    fits = min(125, limit * (MAX_REQUESTS - 12))
    assert len(read_columns(search)) >= fits
    assert len(device.asked) <= 1 + MAX_REQUESTS


def test_a_limit_within_wide_values_is_found_exactly():
    """The limit is found although no value ends there."""
    device = MapDevice(longest=37)
    search = explored(device, plan_of([(f"hr:{8 * at}/8", DataType.STRING) for at in range(12)]))
    assert search.limits == {False: 37}
    assert read_columns(search) == set(range(12))


def test_the_gap_is_the_hole():
    """Unasked addresses between two points that the device does not have are not read again."""
    device = MapDevice(holes={("hr", at) for at in range(10, 14)})
    plan = plan_of([f"hr:{at}" for at in (*range(10), *range(14, 30))], max_gap=8)
    search = explored(device, plan)
    assert search.holes() == [Hole(HR, 10, 14)]
    assert search.limits == {}
    assert read_columns(search) == set(range(26))


def test_a_border_is_no_limit():
    """Where a device only refuses to cross from one register to the next, that is what is kept."""
    device = MapDevice(borders={3})
    search = explored(device, registers(60))
    assert search.holes() == [Hole(HR, 3, 3)]
    assert search.limits == {}
    assert read_columns(search) == set(range(60))


def test_a_run_of_holes_costs_one_request_each():
    """Holes side by side are not searched for one by one."""
    device = MapDevice(holes={("hr", at) for at in range(40, 50)})
    search = explored(device, registers(125))
    assert {hole.start for hole in search.holes()} == set(range(40, 50))
    assert read_columns(search) == set(range(125)) - set(range(40, 50))
    assert len(device.asked) <= 1 + MAX_REQUESTS


def test_values_that_overlap_a_hole_in_part():
    """A value that only shares good registers with a bad one is read."""
    device = MapDevice(holes={("hr", 2)})
    points = ["hr:0@ABCD", "hr:1@ABCD", "hr:3@ABCD"]
    plan = plan_of([*((address, DataType.UINT32) for address in points), "hr:1"])
    search = explored(device, plan)
    assert read_columns(search) == {0, 2, 3}
    assert search.holes() == [Hole(HR, 2, 3)]


def test_values_within_a_bad_one_are_still_read():
    """When a text reaches into a hole, the numbers on its good registers are read."""
    device = MapDevice(holes={("hr", 6)})
    plan = plan_of([("hr:0/8", DataType.STRING), "hr:2", "hr:6", "hr:7"])
    search = explored(device, plan)
    assert read_columns(search) == {1, 3}
    found = search.holes()
    assert not any(hole.start <= at < hole.end for hole in found for at in (2, 7))
    assert any(hole.start <= 6 < hole.end for hole in found)


def test_a_gateway_that_cannot_reach_the_device_ends_the_search():
    """Exception 11 to a question of ours: nothing is learned, nothing more is asked."""
    plan = registers(50)
    search = Search(plan.points, max_registers=125, max_bits=2000, asked=())
    generator = search.explore(plan.blocks[0], ExceptionReply(2))
    next(generator)
    with pytest.raises(StopIteration):
        generator.send(ExceptionReply(11))
    assert (search.holes(), search.limits, search.pieces) == ([], {}, [])


@pytest.mark.parametrize("code", [1, 4, 7, 8])
def test_other_exceptions_teach_nothing(code):
    """A device that turns to another exception while it is asked is believed, not learned from."""
    plan = registers(4)
    search = Search(plan.points, max_registers=125, max_bits=2000, asked=())
    generator = search.explore(plan.blocks[0], ExceptionReply(2))
    try:
        next(generator)
        while True:
            generator.send(ExceptionReply(code))
    except StopIteration:
        pass
    assert (search.holes(), search.limits) == ([], {})
    assert not search.accepted


@given(
    st.lists(st.integers(0, 79), min_size=1, max_size=60, unique=True),
    st.sets(st.integers(0, 79), max_size=12),
    st.integers(1, 40),
)
def test_no_search_asks_too_much_or_for_a_part_of_a_value(addresses, holes, limit):
    """Whatever the map: bounded requests, values only from answers, no column twice."""
    device = MapDevice(holes={("hr", at) for at in holes}, longest=limit)
    addresses.sort()
    plan = plan_of([f"hr:{at}" for at in addresses], max_gap=100)
    if isinstance(answer(device, plan.blocks[0]), bytes):
        return
    device.asked.clear()
    search = explored(device, plan)
    assert len(device.asked) <= 1 + MAX_REQUESTS
    good = {addresses[column] for column in read_columns(search)}
    assert not good & holes
    for hole in search.holes():
        assert not good & set(range(hole.start, hole.end))
    assert all(isinstance(piece.block, Block) for piece in search.pieces)
