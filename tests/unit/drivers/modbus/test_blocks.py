"""Which requests a plan makes."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from drivers.api import DataType, Tag
from drivers.modbus.config import ModbusConfig
from drivers.modbus.plan import compile_plan

WIDTH = {DataType.UINT16: 1, DataType.INT32: 2, DataType.FLOAT64: 4}


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


def test_no_unasked_address_is_read_by_default():
    """A hole ends a request, because one address that does not exist fails it whole."""
    assert shape(plan("hr:10", "hr:12")) == [("hr", 10, 1), ("hr", 12, 1)]


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
    (request,) = plan("hr:107", "hr:108", "hr:109", unit=17).wire
    assert request.tail.hex(" ") == "00 00 00 06 11 03 00 6b 00 03"
    assert request.head.hex(" ") == "00 00 00 09 11 03 06"


def test_same_tags_same_plan():
    """Planning twice gives the same requests and the same decoder."""
    first, second = (plan("hr:5", "co:1", "hr:6.3", data_type=DataType.BOOL) for _ in range(2))
    assert first.blocks == second.blocks
    assert first.wire == second.wire
    assert first.decoder.source == second.decoder.source


def test_without_tags_nothing_is_asked():
    """A plan of no tags has no request and no value."""
    compiled = plan()
    assert compiled.requests == 0
    assert compiled.decoder.decode([]).values == ()


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(WIDTH)), st.integers(0, 400)), min_size=1, max_size=60
    ),
    st.integers(4, 125),
    st.integers(0, 10),
)
def test_blocks_cover_every_tag_within_the_limits(wanted, max_registers, max_gap):
    """Every tag lies whole in its block, no block is too long, no gap too wide, all are served."""
    config = ModbusConfig(driver="modbus", host="h", max_registers=max_registers, max_gap=max_gap)
    tags = [Tag(f"t{at}", f"hr:{start}", kind) for at, (kind, start) in enumerate(wanted)]
    compiled = compile_plan(config, tags, device="d", group="g")
    assert sorted(column for block in compiled.blocks for column in block.columns) == list(
        range(len(tags))
    )
    for block in compiled.blocks:
        assert block.count <= max_registers
        asked = set()
        for column, tag in zip(block.columns, block.tags, strict=True):
            assert tags[column] is tag
            kind, start = wanted[column]
            taken = range(start, start + WIDTH[kind])
            assert block.start <= taken.start
            assert taken.stop <= block.start + block.count
            asked.update(taken)
        edges = sorted(asked)
        assert edges[0] == block.start
        assert edges[-1] == block.start + block.count - 1
        assert all(after - before - 1 <= max_gap for before, after in pairwise(edges))
