"""Registers of a map, held against pymodbus's decoder, struct and the definitions."""

import struct
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.client.mixin import ModbusClientMixin

from simulators.modbus.encoding import INTEGERS, cells
from simulators.modbus.places import places

DATATYPE = ModbusClientMixin.DATATYPE
INTEGER_TYPES = ["int16", "uint16", "int32", "uint32", "int64", "uint64"]


def words(address, data_type, raw, order="ABCD"):
    (place,) = places(address, data_type, default_order=order)
    held = cells(place, raw)
    return [held[at][0] for at in sorted(held)]


@given(st.data(), st.sampled_from(INTEGER_TYPES), st.sampled_from(["big", "little"]))
def test_integers_are_what_pymodbus_reads(data, data_type, word_order):
    """Every integer comes back from pymodbus's own conversion, in both word orders."""
    raw = data.draw(st.integers(*INTEGERS[data_type]))
    order = "ABCD" if word_order == "big" else "CDAB"
    read = ModbusClientMixin.convert_from_registers(
        words("hr:0", data_type, raw, order), DATATYPE[data_type.upper()], word_order=word_order
    )
    assert read == raw


@given(st.floats(width=32, allow_nan=False), st.sampled_from(["big", "little"]))
def test_floats_are_what_pymodbus_reads(raw, word_order):
    """Every 32-bit float comes back, in both word orders."""
    order = "ABCD" if word_order == "big" else "CDAB"
    registers = words("hr:0", "float32", raw, order)
    read = ModbusClientMixin.convert_from_registers(
        registers, DATATYPE.FLOAT32, word_order=word_order
    )
    assert read == raw


@pytest.mark.parametrize(
    "order", ["ABCDEFGH", "GHEFCDAB", "BADCFEHG", "HGFEDCBA", "EFGHABCD", "CDABGHEF"]
)
def test_an_order_of_eight_letters_is_literal(order):
    """Byte n on the wire is the letter at place n."""
    raw = int.from_bytes(b"ABCDEFGH", "big")
    assert struct.pack(">4H", *words(f"hr:0@{order}", "uint64", raw)) == order.encode()


@pytest.mark.parametrize(
    ("order", "wire"), [("ABCD", "ABCD"), ("CDAB", "CDAB"), ("BADC", "BADC"), ("DCBA", "DCBA")]
)
def test_orders_of_32_bits(order, wire):
    """The suffix and the device's default order mean the same."""
    raw = int.from_bytes(b"ABCD", "big")
    assert struct.pack(">2H", *words(f"hr:0@{order}", "uint32", raw)) == wire.encode()
    assert struct.pack(">2H", *words("hr:0", "uint32", raw, order)) == wire.encode()


@pytest.mark.parametrize(
    ("address", "data_type", "raw", "held"),
    [
        ("hr:5.3", "bit", True, {5: (8, 8)}),
        ("hr:5.4-7", "uint16", 9, {5: (0x90, 0xF0)}),
        ("hr:5&0x0F00", "auto", 5, {5: (0x500, 0xF00)}),
        ("hr:5&0x000FF000", "uint32", 0xAB, {5: (0xA, 0xF), 6: (0xB000, 0xF000)}),
        ("hr:5.h", "int8", -2, {5: (0xFE00, 0xFF00)}),
        ("hr:5.l", "uint8", 200, {5: (200, 0xFF)}),
        ("hr:5.h@BADC", "uint8", 7, {5: (7, 0xFF)}),
        ("hr:5", "bool", True, {5: (1, 0xFFFF)}),
        ("co:5", "bool", True, {5: (1, 1)}),
        ("40006", "uint16", 17, {5: (17, 0xFFFF)}),
        ("ir:5@q8", "int16", -1.5, {5: (0xFE80, 0xFFFF)}),
        ("hr:5", "bcd16", 1234, {5: (0x1234, 0xFFFF)}),
        ("hr:5@CDAB", "bcd32", 12345678, {5: (0x5678, 0xFFFF), 6: (0x1234, 0xFFFF)}),
        ("hr:5", "float16", 1.0, {5: (0x3C00, 0xFFFF)}),
    ],
)
def test_parts_of_registers(address, data_type, raw, held):
    """Bits, fields, masks, bytes, fixed point, BCD and half floats stand where they belong."""
    (place,) = places(address, data_type)
    assert cells(place, raw) == held


MOMENT = datetime(2026, 11, 23, 14, 5, 59, 250_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("encoding", "held"),
    [
        ("unix32", list(struct.unpack(">2H", struct.pack(">I", 1795442759)))),
        ("unix64", [0, 0, *struct.unpack(">2H", struct.pack(">I", 1795442759))]),
        ("unixms64", list(struct.unpack(">4H", struct.pack(">Q", 1795442759250)))),
        ("y2000", list(struct.unpack(">2H", struct.pack(">I", 1795442759 - 946684800)))),
        ("ymdhms", [2026, 11, 23, 14, 5, 59]),
        ("ymd_hms_packed", [26 << 8 | 11, 23 << 8 | 14, 5 << 8 | 59]),
        ("bcd", [0x2611, 0x2314, 0x0559]),
        ("iec870", [26, 11 << 8 | 1 << 5 | 23, 14 << 8 | 5, 59_250]),
    ],
)
def test_dates(encoding, held):
    """Each encoding of one moment, worked out by hand; 23 November 2026 is a Monday."""
    assert int(MOMENT.timestamp()) == 1795442759
    assert words(f"hr:0@{encoding}", "datetime", MOMENT.isoformat()) == held


@pytest.mark.parametrize(
    ("suffix", "encoding"), [("", "utf-8"), ("@gb18030", "gb18030"), ("@latin-1", "latin-1")]
)
def test_texts(suffix, encoding):
    """Text is NUL-padded and cut at a whole character; BADC swaps each pair."""
    text = "Müller 7" if encoding == "latin-1" else "铣削 7"
    packed = struct.pack(">8H", *words(f"hr:0/8{suffix}", "auto", text))
    assert packed.decode(encoding).rstrip("\0") == text
    swapped = struct.pack(">8H", *words(f"hr:0/8@BADC{suffix}", "auto", text))
    assert swapped == bytes(packed[at ^ 1] for at in range(16))
    assert struct.pack(">2H", *words("hr:0/2@gb18030", "auto", "工序甲")) == "工序".encode(
        "gb18030"
    )


def test_arrays():
    """An array is one place per value, side by side or a stride apart."""
    assert [p.start for p in places("hr:100[3]", "float32")] == [100, 102, 104]
    assert [p.start for p in places("hr:100[3:4]@CDAB", "int16")] == [100, 104, 108]
    assert places("hr:100@CDAB[3]", "int32")[2].order == "CDAB"


@pytest.mark.parametrize(
    ("address", "data_type", "raw"),
    [
        ("hr:0", "uint16", 65_536),
        ("hr:0", "bcd16", 10_000),
        ("hr:0", "int16", "ten"),
        ("hr:0.4-7", "auto", 16),
        ("hr:0.h", "int8", 200),
        ("hr:0", "float16", 1e6),
    ],
)
def test_what_does_not_fit_is_refused(address, data_type, raw):
    """A value its place cannot hold is an error, never another value."""
    (place,) = places(address, data_type)
    with pytest.raises((ValueError, OverflowError)):
        cells(place, raw)


@pytest.mark.parametrize("address", ["xx:1", "hr:", "hr:0@ABBA", "hr:0@unix33", "hr:１"])
def test_unknown_addresses(address):
    """What cannot be understood is named."""
    with pytest.raises(ValueError, match="无法识别"):
        places(address, "uint16")


def test_a_type_without_width_is_refused():
    """An address whose type says nothing of its width is no point."""
    with pytest.raises(ValueError, match="needs more"):
        places("hr:0", "auto")
