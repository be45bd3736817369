"""A unit behind the functions of the protocol."""

import struct

import pytest

from simulators.modbus.images import PatternImage
from simulators.modbus.patterns import expected
from simulators.modbus.units import Unit


def read(function, start, count):
    return struct.pack(">BHH", function, start, count)


@pytest.mark.parametrize(("function", "table"), [(3, "hr"), (4, "ir")])
def test_registers(function, table):
    """A read gives the registers asked for, counted."""
    unit = Unit(PatternImage(5))
    answer = unit.answer(read(function, 1000, 125))
    assert answer[:2] == bytes([function, 250])
    assert list(struct.unpack(">125H", answer[2:])) == [
        expected(5, table, 1000 + at) for at in range(125)
    ]


@pytest.mark.parametrize(("function", "table"), [(1, "co"), (2, "di")])
def test_bits(function, table):
    """Bits are packed lowest first, in whole bytes."""
    answer = Unit(PatternImage(5)).answer(read(function, 3, 21))
    assert len(answer) == 2 + 3
    held = int.from_bytes(answer[2:], "little")
    assert [held >> at & 1 for at in range(21)] == [expected(5, table, 3 + at) for at in range(21)]


def test_a_generation_is_whole():
    """After a tick every register is of the new generation."""
    unit = Unit(PatternImage(5), interval_s=0.5)
    before = unit.answer(read(3, 0, 10))
    unit.tick(1.7)
    after = unit.answer(read(3, 0, 10))
    assert before != after
    assert struct.unpack(">10H", after[2:]) == tuple(expected(5, "hr", at, 3) for at in range(10))


@pytest.mark.parametrize(
    ("settings", "request_", "answer"),
    [
        ({}, read(3, 99, 2), b"\x83\x02"),
        ({"absent": "3"}, read(3, 99, 2), b"\x83\x03"),
        ({"absent": "silence"}, read(3, 99, 2), None),
        ({"max_registers": 40}, read(3, 0, 41), b"\x83\x03"),
        ({"max_registers": 40, "too_long": "2"}, read(4, 0, 41), b"\x84\x02"),
        ({"max_registers": 40, "too_long": "silence"}, read(3, 0, 41), None),
        ({}, read(3, 0, 126), b"\x83\x03"),
        ({}, read(3, 0, 0), b"\x83\x03"),
        ({}, b"\x03\x00", b"\x83\x03"),
        ({}, b"\x06\x00\x01\x00\x01", b"\x86\x01"),
        ({}, b"\x2b\x0e\x01\x00", b"\xab\x01"),
        ({}, b"\x63", b"\xe3\x01"),
    ],
)
def test_refusals(settings, request_, answer):
    """What a unit has not or cannot is refused as it is told to."""
    assert Unit(PatternImage(1, size=100), **settings).answer(request_) == answer


def test_holes_can_read_as_zero():
    """Where the device fills holes, the registers around them keep their values."""
    unit = Unit(PatternImage(1, size=100, holes={("hr", 5)}), absent="zero")
    assert struct.unpack(">3H", unit.answer(read(3, 4, 3))[2:]) == (
        expected(1, "hr", 4), 0, expected(1, "hr", 6),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("write", "echo", "look", "held"),
    [
        (b"\x06\x00\x07\x12\x34", b"\x06\x00\x07\x12\x34", read(3, 7, 1), b"\x03\x02\x12\x34"),
        (b"\x10\x00\x07\x00\x01\x02\xab\xcd", b"\x10\x00\x07\x00\x01", read(3, 7, 1),
         b"\x03\x02\xab\xcd"),
        (b"\x05\x00\x07\xff\x00", b"\x05\x00\x07\xff\x00", read(1, 7, 1), b"\x01\x01\x01"),
        (b"\x0f\x00\x07\x00\x02\x01\x02", b"\x0f\x00\x07\x00\x02", read(1, 7, 2), b"\x01\x01\x02"),
    ],
)  # fmt: skip
def test_writes(write, echo, look, held):
    """A writable unit takes a write, echoes it, and holds it."""
    unit = Unit(PatternImage(1), writable=True)
    assert unit.answer(write) == echo
    assert unit.answer(look) == held


def test_a_write_where_nothing_is_changes_nothing():
    """A write to an absent address is exception 2; a lying count is exception 3."""
    unit = Unit(PatternImage(1, size=10), writable=True)
    assert unit.answer(b"\x06\x00\x0a\x00\x01") == b"\x86\x02"
    assert unit.answer(b"\x10\x00\x00\x00\x02\x02\x00\x01") == b"\x90\x03"
    assert unit.written == {}
