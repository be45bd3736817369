"""Plans under knowledge: what is known to fail is not asked, and people see what is asked."""

from __future__ import annotations

import pytest

from drivers.api import DataType, Explains, Quality, Tag
from drivers.modbus.blocks import GAP_CAP, Hole, Knowledge
from drivers.modbus.config import ModbusConfig
from drivers.modbus.plan import compile_plan
from drivers.modbus.points.address import Table
from drivers.modbus.wire.framing import ExceptionReply

HOLDING = Table.HOLDING_REGISTERS


def plan(*addresses, kind=DataType.UINT16, **given_settings):
    """Plan tags of one type for a device on a LAN."""
    tags = [Tag(f"t{at}", address, kind) for at, address in enumerate(addresses)]
    config = ModbusConfig(**{"driver": "modbus", "host": "h"} | given_settings)
    return compile_plan(config, tags, device="d", group="g")


def shape(compiled):
    """Give what the requests read."""
    return [(str(block.table), block.start, block.count) for block in compiled.blocks]


def test_a_gap_is_read_along_when_that_is_cheaper():
    """On a LAN a gap of up to 32 registers costs less than a request; on a slow line it does not.

    At 1200 bit/s two characters more take 16.7 ms a register, another request about 177 ms.
    """
    assert shape(plan("hr:0", f"hr:{GAP_CAP + 1}")) == [("hr", 0, GAP_CAP + 2)]
    assert len(shape(plan("hr:0", f"hr:{GAP_CAP + 2}"))) == 2
    line = {"host": None, "serial": "/dev/ttyS0", "baud": 1200}
    assert shape(plan("hr:0", "hr:11", **line)) == [("hr", 0, 12)]
    assert len(shape(plan("hr:0", "hr:12", **line))) == 2


def test_a_slow_round_trip_fills_wider_gaps():
    """A measured round trip replaces the assumption."""
    line = {"host": None, "serial": "/dev/ttyS0", "baud": 1200}
    compiled = plan("hr:0", "hr:20", **line)
    assert compiled.requests == 2
    compiled.recompile(Knowledge(request_s=0.5))
    assert shape(compiled) == [("hr", 0, 21)]
    compiled.recompile(Knowledge(request_s=0.01))
    assert compiled.requests == 2


def test_no_gap_where_none_is_allowed():
    """max_gap 0, and a device nothing may be learned of, are asked for nothing else."""
    for given_settings in ({"max_gap": 0}, {"learn": False}):
        assert len(shape(plan("hr:0", "hr:2", **given_settings))) == 2
    assert len(shape(plan("co:0", "co:2", kind=DataType.BOOL, max_gap=0))) == 2


def test_the_cut_is_the_cheapest_not_the_first():
    """Where the limit binds, the cut falls into the widest gap, not where the limit happens to be.

    Greedy from the left would read 0 to 9 and 10 to 17: two gaps; cutting at 3 reads one less.
    """
    line = {"host": None, "serial": "/dev/ttyS0", "baud": 1200, "max_registers": 10}
    compiled = plan("hr:0", "hr:1", "hr:8", "hr:9", "hr:10", "hr:11", **line)
    assert shape(compiled) == [("hr", 0, 2), ("hr", 8, 4)]


def test_a_hole_is_not_asked_again():
    """A point in a hole is left out with the hole's reason; no request goes over the hole."""
    compiled = plan("hr:0", "hr:1", "hr:2", "hr:4", "hr:5")
    assert shape(compiled) == [("hr", 0, 6)]
    compiled.recompile(Knowledge(holes=(Hole(HOLDING, 1, 2), Hole(HOLDING, 3, 4, "BadOutOfRange"))))
    assert shape(compiled) == [("hr", 0, 1), ("hr", 2, 1), ("hr", 4, 2)]
    assert compiled.compiled.unread == {1: "BadConfigurationError"}
    decoded = compiled.compiled.decoder.decode([b"\0\1", b"\0\3", b"\0\5\0\6"])
    assert decoded.values == (1, None, 3, 5, 6)
    assert decoded.qualities == bytes([192, 0, 192, 192, 192])
    assert decoded.reasons == {1: "BadConfigurationError"}


def test_a_hole_of_another_table_does_not_matter():
    """Holding register 1 may be missing while input register 1 is there."""
    compiled = plan("ir:0", "ir:1")
    compiled.recompile(Knowledge(holes=(Hole(HOLDING, 0, 2),)))
    assert shape(compiled) == [("ir", 0, 2)]


def test_a_value_half_in_a_hole_is_not_read():
    """A value is read whole or not at all."""
    compiled = plan("hr:0", "hr:2", kind=DataType.INT32)
    compiled.recompile(Knowledge(holes=(Hole(HOLDING, 3, 9, "BadOutOfRange"),)))
    assert shape(compiled) == [("hr", 0, 2)]
    assert compiled.compiled.unread == {1: "BadOutOfRange"}


def test_a_learned_limit_is_obeyed():
    """Requests become shorter; a value that no longer fits one is BAD and says so."""
    tags = [Tag("name", "hr:0/8", DataType.STRING), Tag("a", "hr:8", DataType.UINT16)]
    config = ModbusConfig(driver="modbus", host="h")
    compiled = compile_plan(config, tags, device="d", group="g")
    compiled.recompile(Knowledge(max_registers=4))
    assert shape(compiled) == [("hr", 8, 1)]
    assert compiled.compiled.unread == {0: "BadOutOfRange"}
    coils = plan("co:0", "co:7", "co:8", kind=DataType.BOOL)
    coils.recompile(Knowledge(max_bits=8))
    assert shape(coils) == [("co", 0, 1), ("co", 7, 2)]


def test_what_the_configuration_forbids_is_not_learned_away():
    """A learned limit above the configured one changes nothing."""
    compiled = plan(*(f"hr:{at}" for at in range(10)), max_registers=5)
    compiled.recompile(Knowledge(max_registers=100))
    assert [block.count for block in compiled.blocks] == [5, 5]


def test_when_nothing_can_be_read_nothing_is_asked():
    """A plan whose points all lie in holes sends nothing and still gives every value, BAD."""
    compiled = plan("hr:0", "hr:1")
    compiled.recompile(Knowledge(holes=(Hole(HOLDING, 0, 2),)))
    assert compiled.requests == 0
    assert compiled.compiled.wire == ()
    decoded = compiled.compiled.decoder.decode([])
    assert decoded.values == (None, None)
    assert decoded.qualities == bytes([Quality.BAD, Quality.BAD])
    assert set(decoded.reasons) == {0, 1}


def test_unread_columns_stay_bad_beside_refusals_and_other_types():
    """Reasons of unread columns, refusals and bytes that are no value stand side by side."""
    tags = [
        Tag("hole", "hr:0", DataType.FLOAT32),
        Tag("refused", "ir:0", DataType.UINT16),
        Tag("nan", "hr:4", DataType.FLOAT32),
        Tag("text", "hr:6/2", DataType.STRING),
        Tag("lost text", "hr:20/2", DataType.STRING),
    ]
    config = ModbusConfig(driver="modbus", host="h")
    compiled = compile_plan(config, tags, device="d", group="g")
    holes = (Hole(HOLDING, 0, 1), Hole(HOLDING, 20, 21))
    compiled.recompile(Knowledge(holes=holes))
    payload = bytes.fromhex("7fc00000") + b"ok\0\0"
    decoded = compiled.compiled.decoder.decode([payload, ExceptionReply(4)])
    assert decoded.values == (None, None, None, "ok", None)
    assert decoded.reasons == {
        0: "BadConfigurationError",
        1: "BadDeviceFailure",
        2: "BadNotANumber",
        4: "BadConfigurationError",
    }
    assert list(decoded.reasons) == sorted(decoded.reasons)


def test_recompiling_leaves_a_read_under_way_alone():
    """What a read took at its begin still fits its requests after new knowledge."""
    compiled = plan("hr:0", "hr:1")
    before = compiled.compiled
    compiled.recompile(Knowledge(holes=(Hole(HOLDING, 0, 1),)))
    assert before is not compiled.compiled
    assert before.decoder.decode([b"\0\1\0\2"]).values == (1, 2)
    compiled.recompile(before.knowledge)
    assert compiled.compiled.wire == before.wire


def test_knowledge_that_changes_no_request_keeps_the_decoder():
    """A new round trip alone does not make equal bytes look like new values."""
    compiled = plan("hr:0", "hr:1")
    values = compiled.compiled.decoder.decode([b"\0\1\0\2"]).values
    compiled.recompile(Knowledge(request_s=0.004))
    assert compiled.compiled.knowledge.request_s == 0.004
    assert compiled.compiled.decoder.decode([b"\0\1\0\2"]).values is values


def test_explained():
    """Every request is shown with its tags, what it reads unasked, and its time on the line."""
    compiled = plan("hr:10", "hr:13", "ir:0", host=None, serial="/dev/ttyS0")
    assert isinstance(compiled, Explains)
    first, second = compiled.explain()
    assert (first.what, first.tags, first.unasked) == ("hr:10 +4", ("t0", "t1"), 2)
    assert (second.what, second.tags, second.unasked) == ("ir:0 +1", ("t2",), 0)
    assert first.duration_s == pytest.approx((8 + 5 + 8 + 7) * 10 / 9600 + 0.010)
    assert second.duration_s == pytest.approx((8 + 5 + 2 + 7) * 10 / 9600 + 0.010)


def test_no_time_is_claimed_of_a_line_of_unknown_speed():
    """A serial server of unknown line speed has requests without a time, until measured."""
    compiled = plan("hr:0", framing="rtu")
    assert [one.duration_s for one in compiled.explain()] == [None]
    compiled.recompile(Knowledge(request_s=0.05))
    (one,) = compiled.explain()
    assert one.duration_s == pytest.approx(0.05 + 2 * 10 / 9600)


def test_the_round_trip_is_taken_from_a_whole_read():
    """From a read's duration the plan takes the fixed part of one of its requests."""
    compiled = plan("hr:0", "ir:0", host=None, serial="/dev/ttyS0")
    assert compiled.request_s(2 * (0.030 + 2 * 10 / 9600)) == pytest.approx(0.030)
