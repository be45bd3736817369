"""Which requests a plan makes."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.api import DataType, Tag
from drivers.modbus.blocks import GAP_CAP, Hole, Knowledge
from drivers.modbus.config import ModbusConfig
from drivers.modbus.cost import costs_of
from drivers.modbus.plan import compile_plan
from drivers.modbus.points.address import Table

HOLDING = Table.HOLDING_REGISTERS
KINDS = {DataType.UINT16: 1, DataType.INT32: 2, DataType.FLOAT64: 4}


def plan(*addresses, data_type=DataType.UINT16, **settings):
    """Plan tags of one type."""
    config = ModbusConfig(driver="modbus", host="h", **settings)
    tags = [Tag(f"t{at}", address, data_type) for at, address in enumerate(addresses)]
    return compile_plan(config, tags, device="d", group="g")


def shape(compiled):
    """Give what the blocks read."""
    return [(str(block.table), block.start, block.count) for block in compiled.blocks]


def test_neighbours_share_a_request():
    """Addresses in a row are read at once, whatever their order in the table of points."""
    assert shape(plan("hr:12", "hr:10", "hr:11")) == [("hr", 10, 3)]


def test_nothing_unasked_is_read_where_nothing_can_be_learned():
    """Without learning a hole ends a request: one address that does not exist fails it whole."""
    assert shape(plan("hr:10", "hr:12", learn=False)) == [("hr", 10, 1), ("hr", 12, 1)]


def test_a_gap_may_be_allowed():
    """A hole up to max_gap is read along, a wider one is not."""
    assert shape(plan("hr:10", "hr:13", "hr:17", max_gap=2)) == [("hr", 10, 4), ("hr", 17, 1)]


def test_a_run_is_cut_at_the_limit():
    """A thousand registers in a row take eight requests of 125."""
    compiled = plan(*(f"hr:{at}" for at in range(1000)))
    assert shape(compiled) == [("hr", 125 * at, 125) for at in range(8)]
    assert compiled.requests == 8


def test_a_value_is_never_cut():
    """A value that would cross the limit begins the next request."""
    compiled = plan("hr:0", "hr:2", "hr:4", data_type=DataType.INT32, max_registers=5)
    assert shape(compiled) == [("hr", 0, 4), ("hr", 4, 2)]


def test_tables_are_apart():
    """Each table has its own requests, coils counted in bits."""
    compiled = plan("co:0", "co:1", "di:0", data_type=DataType.BOOL)
    assert shape(compiled) == [("co", 0, 2), ("di", 0, 1)]


def test_bits_have_their_own_limit():
    """max_bits bounds a request for coils."""
    addresses = [f"co:{at}" for at in range(5)]
    assert shape(plan(*addresses, data_type=DataType.BOOL, max_bits=2)) == [
        ("co", 0, 2),
        ("co", 2, 2),
        ("co", 4, 1),
    ]


def test_wire_bytes():
    """A request is what the standard's own example says: FC 3, 107, 3 registers."""
    (request,) = plan("hr:107", "hr:108", "hr:109", unit=17).compiled.wire
    assert request.tail.hex(" ") == "00 00 00 06 11 03 00 6b 00 03"
    assert request.head.hex(" ") == "00 00 00 09 11 03 06"


def test_same_tags_same_plan():
    """Planning twice gives the same requests and the same decoder."""
    first, second = (plan("hr:5", "co:1", "hr:6.3", data_type=DataType.BOOL) for _ in range(2))
    assert first.blocks == second.blocks
    assert first.compiled.wire == second.compiled.wire
    assert first.compiled.decoder.source == second.compiled.decoder.source


def test_without_tags_nothing_is_asked():
    """A plan of no tags has no request and no value."""
    compiled = plan()
    assert compiled.requests == 0
    assert compiled.compiled.decoder.decode([]).values == ()


wanted_points = st.lists(
    st.tuples(st.sampled_from(sorted(KINDS)), st.integers(0, 300)), min_size=1, max_size=40
)
lines = st.sampled_from(
    [{"host": "h"}, {"serial": "/dev/ttyS0"}, {"serial": "/dev/ttyS0", "baud": 1200}]
)
holes_drawn = st.lists(
    st.builds(
        lambda start, length: Hole(HOLDING, start, start + length),
        st.integers(0, 300),
        st.integers(1, 20),
    ),
    max_size=6,
)


def made(wanted, **given_settings):
    """Plan drawn points."""
    config = ModbusConfig(driver="modbus", **given_settings)
    tags = [Tag(f"t{at}", f"hr:{start}", kind) for at, (kind, start) in enumerate(wanted)]
    return compile_plan(config, tags, device="d", group="g")


def taken(point):
    """Give the addresses of a point."""
    return set(range(point.start, point.end))


def duration_s(compiled):
    """Sum up the expected time of a read."""
    return sum(one.duration_s for one in compiled.explain())


def check_blocks(compiled, holes, limit, gap):
    """Check that blocks serve every legal point once, within limits, and cross no hole."""
    forbidden = {address for hole in holes for address in range(hole.start, hole.end)}
    served = [column for block in compiled.blocks for column in block.columns]
    assert len(served) == len(set(served))
    for column, point in enumerate(compiled.points):
        legal = not taken(point) & forbidden and point.width <= limit
        assert (column in served) == legal
        assert (column in compiled.compiled.unread) != legal
    for block in compiled.blocks:
        addresses = set(range(block.start, block.end))
        assert block.count <= limit
        assert not addresses & forbidden
        asked = sorted(set().union(*(taken(compiled.points[at]) for at in block.columns)))
        assert set(asked) <= addresses
        assert (asked[0], asked[-1]) == (block.start, block.end - 1)
        assert all(after - before - 1 <= gap for before, after in pairwise(asked))


@given(wanted_points, holes_drawn, st.integers(1, 125), lines, st.none() | st.integers(0, 40))
def test_every_legal_point_in_one_block(wanted, holes, limit, line, gap):
    """Whatever is known: legal points are read once and whole, illegal ones never, limits hold."""
    compiled = made(wanted, max_gap=gap, **line)
    compiled.recompile(Knowledge(holes=tuple(holes), max_registers=limit))
    check_blocks(compiled, holes, limit, GAP_CAP if gap is None else gap)
    strict = made(wanted, max_gap=0, **line)
    strict.recompile(compiled.compiled.knowledge)
    assert duration_s(compiled) <= duration_s(strict) + 1e-9


@pytest.mark.long
@pytest.mark.timeout(900)
@settings(max_examples=20_000)
@given(wanted_points, holes_drawn, st.integers(1, 125), lines)
def test_every_legal_point_in_one_block_many_times(wanted, holes, limit, line):
    """The same over 20,000 cases."""
    compiled = made(wanted, **line)
    compiled.recompile(Knowledge(holes=tuple(holes), max_registers=limit))
    check_blocks(compiled, holes, limit, GAP_CAP)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=8, unique=True), st.integers(1, 40), lines)
def test_no_other_cut_is_cheaper(starts, limit, line):
    """Of all ways to cut a few registers into requests, the plan takes one of the cheapest."""
    starts = sorted(starts)
    compiled = made([(DataType.UINT16, start) for start in starts], max_registers=limit, **line)
    costs = costs_of(compiled.config)
    best = min(
        sum(costs.of(2 * (part[-1] - part[0] + 1)) for part in parts)
        for count in range(len(starts))
        for cuts in combinations(range(1, len(starts)), count)
        for parts in [[starts[a:b] for a, b in pairwise([0, *cuts, len(starts)])]]
        if all(
            part[-1] - part[0] < limit
            and all(after - before - 1 <= GAP_CAP for before, after in pairwise(part))
            for part in parts
        )
    )
    assert duration_s(compiled) == pytest.approx(best, rel=1e-9)


@given(wanted_points, st.randoms())
def test_the_order_of_the_tags_changes_no_request(wanted, random):
    """Requests depend on the addresses alone, not on the order of lines in the table."""
    shuffled = list(wanted)
    random.shuffle(shuffled)
    assert shape(made(wanted, host="h")) == shape(made(shuffled, host="h"))
