"""Encoding and decoding are inverse over all types, orders and encodings; the rest is refused."""

from __future__ import annotations

import math
import struct
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymodbus.client.mixin import ModbusClientMixin
from unit.drivers.modbus.point_cases import CASES, EIGHT, fixed_points, numbers

from drivers.api import DataType, Tag
from drivers.modbus.config import ModbusConfig
from drivers.modbus.plan import compile_plan
from drivers.modbus.points.encode import encode, nearest
from simulators.modbus.encoding import cells
from simulators.modbus.places import places

CONFIG = ModbusConfig(driver="modbus", host="h")


def plan_of(address, kind):
    """Plan one tag; give the plan and its point."""
    tag = Tag("t", address, DataType(kind))
    plan = compile_plan(CONFIG, [tag], device="d", group="g")
    return plan, plan.points[0]


def read_back(plan, raw):
    """Decode what was encoded; give the value."""
    decoded = plan.compiled.decoder.decode([raw])
    assert (decoded.qualities, decoded.reasons) == (None, None)
    return decoded.values[0]


def check_round_trip(case):
    """Encode and decode; the value and its type must come back."""
    address, kind, value = case
    plan, point = plan_of(address, kind)
    raw = encode(point, value)
    assert len(raw) == 2 * point.width
    seen = read_back(plan, raw)
    assert type(seen) is type(value)
    assert seen == value
    if isinstance(value, float) and not point.fraction_bits:
        assert math.copysign(1, seen) == math.copysign(1, value)


@given(CASES)
def test_what_is_encoded_is_decoded(case):
    """For every type, order and encoding, decoding gives back exactly what was encoded."""
    check_round_trip(case)


@pytest.mark.long
@pytest.mark.timeout(900)
@settings(max_examples=100_000)
@given(CASES)
def test_what_is_encoded_is_decoded_a_hundred_thousand_times(case):
    """The same over 100,000 cases."""
    check_round_trip(case)


@given(CASES)
def test_the_simulator_encodes_the_same(case):
    """The simulator, written from the definitions alone, holds the same registers."""
    address, kind, value = case
    _, point = plan_of(address, kind)
    (place,) = places(address, kind)
    held = cells(place, value)
    assert sorted(held) == list(range(point.start, point.end))
    assert all(own == 0xFFFF for _, own in held.values())
    words = [held[at][0] for at in sorted(held)]
    assert encode(point, value) == struct.pack(f">{len(words)}H", *words)


@given(numbers())
def test_pymodbus_encodes_the_same(case):
    """Where pymodbus has the type and the order, it makes the same registers."""
    address, kind, value = case
    _, _, order = address.partition("@")
    if kind.upper() not in ModbusClientMixin.DATATYPE.__members__ or order not in {"", "CDAB"}:
        return
    registers = ModbusClientMixin.convert_to_registers(
        value,
        ModbusClientMixin.DATATYPE[kind.upper()],
        word_order="little" if order else "big",
    )
    _, point = plan_of(address, kind)
    assert encode(point, value) == struct.pack(f">{len(registers)}H", *registers)


@pytest.mark.parametrize("order", EIGHT)
def test_the_letters_of_eight_bytes_say_where_each_stands(order):
    """The letters of an order are the bytes of the value as they come over the wire."""
    plan, point = plan_of(f"hr:0@{order}", "uint64")
    value = int.from_bytes(b"ABCDEFGH", "big")
    assert encode(point, value) == order.encode()
    assert read_back(plan, order.encode()) == value


PARTS = [
    ("hr:0.3", "bit", True, 0x0008),
    ("hr:0.12@BADC", "bit", True, 0x0010),
    ("hr:0.h", "uint8", 0xA5, 0xA500),
    ("hr:0.l", "uint8", 0xA5, 0x00A5),
    ("hr:0.h@BADC", "int8", -1, 0x00FF),
    ("hr:0.l@BADC", "int8", -128, 0x8000),
    ("hr:0.4-7", "auto", 9, 0x0090),
    ("hr:0.0-15", "uint16", 0xFFFF, 0xFFFF),
    ("hr:0&0x0F00", "auto", 5, 0x0500),
    ("hr:0&0x0F0F", "auto", 0x0A05, 0x0A05),
    ("hr:0.4-11@BADC", "uint16", 0xAB, 0xB00A),
    ("hr:0.12-19", "uint32", 0xAB, 0x000A_B000),
    ("hr:0.12-19@CDAB", "uint32", 0xAB, 0xB000_000A),
    ("hr:0.60-63@CDABGHEF", "uint64", 0xF, 0xF000_0000_0000),
    ("hr:0&0xFF00000000000000@HGFEDCBA", "uint64", 0x5A, 0x5A),
]


@pytest.mark.parametrize(("address", "kind", "value", "wire"), PARTS)
@pytest.mark.parametrize("beside", [0x00, 0xFF, 0x5C])
def test_a_part_takes_its_own_bits_only(address, kind, value, wire, beside):
    """A part of registers is read without and written without touching the bits beside it."""
    plan, point = plan_of(address, kind)
    size = 2 * point.width
    ones = int.from_bytes(encode(point, value, onto=bytes(size)), "big")
    assert ones == wire
    onto = bytes([beside]) * size
    written = encode(point, value, onto=onto)
    assert read_back(plan, written) == value
    assert type(read_back(plan, written)) is type(value)
    before, after = int.from_bytes(onto, "big"), int.from_bytes(written, "big")
    own = int.from_bytes(encode(point, _all_ones(point), onto=bytes(size)), "big")
    assert before & ~own == after & ~own


def _all_ones(point):
    """Give the value that sets every bit of a part."""
    if point.data_type is DataType.BIT:
        return True
    if point.byte:
        return -1 if point.data_type is DataType.INT8 else 255
    return point.mask >> point.shift


@pytest.mark.parametrize(
    ("address", "kind", "value", "why"),
    [
        ("hr:0", "int16", 32768, "outside int16"),
        ("hr:0", "uint16", -1, "outside uint16"),
        ("hr:0", "uint64", 2**64, "outside uint64"),
        ("hr:0", "int16", 1.5, "not a whole number"),
        ("hr:0", "int16", True, "not a number"),
        ("hr:0", "int16", "1", "not a number"),
        ("hr:0", "int16", None, "not a number"),
        ("hr:0", "int16", math.nan, "not a number"),
        ("hr:0", "float32", math.inf, "not a number"),
        ("hr:0", "float32", 0.1, "nearest value is 0.10000000149"),
        ("hr:0", "float16", 70000.0, "nearest value is 65504"),
        ("hr:0", "float32", 1e300, "cannot be held exactly"),
        ("hr:0", "float64", 2**53 + 1, "cannot be held exactly"),
        ("hr:0", "float32", False, "not a number"),
        ("hr:0", "bcd16", 10_000, "outside bcd16"),
        ("hr:0", "bcd16", -1, "outside bcd16"),
        ("hr:0@q8", "int16", 0.001, "steps of 0.00390625"),
        ("hr:0@q8", "int16", 128.0, "outside int16"),
        ("hr:0", "bool", 1, "not true or false"),
        ("co:0", "bool", 0, "not true or false"),
        ("hr:0.4-7", "uint16", 16, "outside uint16"),
        ("hr:0&0x0F0F", "uint16", 0x10, "outside the mask"),
        ("hr:0.h", "int8", 128, "outside int8"),
        ("hr:0/2", "string", "车床", "takes 6 bytes, there are 4"),
        ("hr:0/2", "string", "ab ", "cut off"),
        ("hr:0/2", "string", 5, "not a text"),
        ("hr:0/4@latin-1", "string", "车", "cannot be written in latin-1"),
        ("hr:0@bcd", "datetime", "2026-02-30T00:00:00", "day"),
        ("hr:0@bcd", "datetime", "1999-12-31T00:00:00", "outside what bcd"),
        ("hr:0@ymdhms", "datetime", "1969-12-31T00:00:00", "outside what ymdhms"),
        ("hr:0@bcd", "datetime", "2026-02-03T00:00:00Z", "must not state a zone"),
        ("hr:0@bcd", "datetime", "2026-02-03T00:00:00.5", "no such fraction"),
        ("hr:0@unix32", "datetime", "2026-02-03T00:00:00", "must end in Z"),
        ("hr:0@unix32", "datetime", "2107-01-01T00:00:00Z", "outside what unix32"),
        ("hr:0@unix32", "datetime", "1970-01-01T00:00:00Z", "outside what unix32"),
        ("hr:0@unixms64", "datetime", "2026-02-03T00:00:00.0005Z", "no such fraction"),
        ("hr:0@unix32", "datetime", 5, "not a date"),
    ],
)
def test_what_a_point_cannot_hold_is_refused(address, kind, value, why):
    """A value that would come back as another one is refused, and the reason is told."""
    _, point = plan_of(address, kind)
    with pytest.raises(ValueError, match=why):
        encode(point, value, onto=bytes(2 * point.width))


def test_a_part_needs_what_is_beside_it():
    """A part of a register is never written without knowing the rest."""
    _, point = plan_of("hr:0.3", "bit")
    for onto in (None, b"\0"):
        with pytest.raises(ValueError, match="what the register holds now"):
            encode(point, value=True, onto=onto)


def test_truth_values():
    """A coil is one bit, a register read as bool holds 1 or 0."""
    for address, size in (("co:5", 1), ("hr:5", 2)):
        plan, point = plan_of(address, "bool")
        for value in (True, False):
            raw = encode(point, value)
            assert raw == bytes(size - 1) + bytes([value])
            assert read_back(plan, raw) is value


@given(numbers() | fixed_points(), st.floats(allow_nan=False, allow_infinity=False, width=64))
def test_the_nearest_value_can_be_held(case, wish):
    """Whatever number is wished, the nearest one named is held exactly, and is the nearest."""
    address, kind, value = case
    _, point = plan_of(address, kind)
    near = nearest(point, wish)
    assert encode(point, near)
    assert abs(near - wish) <= abs(value - wish)


@pytest.mark.parametrize(("address", "kind"), [("hr:0/2", "string"), ("hr:0@bcd", "datetime")])
def test_what_is_no_number_has_no_nearest(address, kind):
    """Texts and dates are not rounded."""
    _, point = plan_of(address, kind)
    with pytest.raises(ValueError, match="is not a number"):
        nearest(point, 1.0)


def test_seconds_since_1970_are_utc():
    """A counted date is the same moment for every reader."""
    moment = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    plan, point = plan_of("hr:0@unix32", "datetime")
    raw = encode(point, "2026-11-23T20:00:00+08:00")
    assert int.from_bytes(raw, "big") == int(moment.timestamp())
    assert read_back(plan, raw) == "2026-11-23T12:00:00Z"
    seconds = int.from_bytes(encode(plan_of("hr:0@y2000", "datetime")[1], "2000-01-02T00:00:00"))
    assert timedelta(seconds=seconds) == timedelta(days=1)
