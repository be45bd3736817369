"""Registers, against pymodbus's own conversion as the oracle."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pymodbus.client.mixin import ModbusClientMixin

from simulators.counting import CountingMap
from simulators.points import METER_POINTS, PRESS_POINTS, Point
from simulators.registers import RegisterBank, encode, place

ORACLE = ModbusClientMixin.convert_from_registers
TYPES = ModbusClientMixin.DATATYPE
RANGES = {
    "int16": st.integers(-(2**15), 2**15 - 1),
    "uint16": st.integers(0, 2**16 - 1),
    "int32": st.integers(-(2**31), 2**31 - 1),
    "uint32": st.integers(0, 2**32 - 1),
    "float32": st.floats(width=32, allow_nan=False),
}


@pytest.mark.parametrize("data_type", RANGES)
def test_numbers_as_pymodbus_reads_them(data_type):
    """Every number comes back from pymodbus's decoder as it was put in."""

    @given(RANGES[data_type])
    def check(value):
        words = 1 if data_type.endswith("16") else 2
        registers = list(encode(data_type, value, words=words))
        assert ORACLE(registers, TYPES[data_type.upper()]) == value

    check()


@given(st.text(max_size=30))
def test_text_is_cut_at_a_whole_character(text):
    """Text that does not fit ends at a whole character; the rest is NUL."""
    assume("\0" not in text)
    registers = encode("string", text, words=8)
    stored = b"".join(word.to_bytes(2, "big") for word in registers)
    assert len(stored) == 16
    assert text.startswith(stored.rstrip(b"\0").decode())
    assert len(text.encode()) > 16 or stored.rstrip(b"\0").decode() == text


@pytest.mark.parametrize("points", [PRESS_POINTS, METER_POINTS], ids=["press", "meter"])
def test_no_two_points_share_a_cell(points):
    """No register, coil or bit belongs to two points."""
    cells = []
    for point in points:
        at = place(point)
        bits = [at.bit] if at.bit is not None else [None]
        cells += [(at.table, at.start + n, bit) for n in range(at.words) for bit in bits]
    assert len(cells) == len(set(cells))
    whole = {(table, address) for table, address, bit in cells if bit is None}
    assert not whole & {(table, address) for table, address, bit in cells if bit is not None}


def test_bits_of_a_register_are_independent():
    """Setting one bit leaves the others of the register alone."""
    bank = RegisterBank(PRESS_POINTS)
    bank.set("pump.running", raw=True)
    bank.set("alarm.active", raw=True)
    assert bank.read("hr", 16, 1) == [0b1001]
    bank.set("pump.running", raw=False)
    assert bank.read("hr", 16, 1) == [0b1000]


def test_what_no_point_covers_does_not_exist():
    """The hole of the press's map is a hole."""
    bank = RegisterBank(PRESS_POINTS)
    assert bank.runs("hr") == [(0, 17), (20, 8)]
    assert bank.runs("ir") == []
    with pytest.raises(KeyError):
        bank.read("hr", 16, 2)


def test_wrong_table_is_named():
    """An address in no table is refused with the tables there are."""
    with pytest.raises(ValueError, match=r"'xx:1'.*co, di, hr, ir"):
        place(Point("a", "xx:1", "uint16", "", ""))


def test_raw_is_what_the_type_can_hold():
    """A physical value is scaled and rounded to the type of its point."""
    assert Point("a", "hr:0", "int16", "", "", scale=0.1).raw(41.26) == 413
    assert Point("a", "hr:0", "uint16", "", "").raw(7.5) == 8
    raw = Point("a", "ir:0", "float32", "", "", scale=0.001).raw(4.8113687)
    assert math.isclose(raw, 4811.3687, rel_tol=1e-7)
    assert raw != 4811.3687
    assert Point("a", "co:0", "bool", "", "").raw(value=True) is True


def test_counting_map_shows_one_generation():
    """One answer never mixes generations, and nothing beyond the size exists."""
    now_s = [100.0]
    bank = CountingMap(1000, interval_s=0.1, clock=lambda: now_s[0])
    now_s[0] += 0.75
    assert bank.generation == 7
    assert bank.read("hr", 0, 3) == [7, 8, 9]
    now_s[0] += 0.1 * 65_530
    assert bank.read("hr", 990, 10) == [(bank.generation + n) % 65_536 for n in range(990, 1000)]
    with pytest.raises(KeyError):
        bank.read("hr", 999, 2)
    with pytest.raises(KeyError):
        bank.read("ir", 0, 1)
