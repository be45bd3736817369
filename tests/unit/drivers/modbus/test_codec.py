"""Every type in every order: what was encoded is what is decoded."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.client.mixin import ModbusClientMixin

from drivers.api import DataType, Quality, Tag
from drivers.modbus.config import ModbusConfig
from drivers.modbus.plan import compile_plan
from drivers.modbus.points.address import Order
from drivers.modbus.points.codec import register_mask, text

INTEGERS = {
    DataType.INT16: (2, True),
    DataType.UINT16: (2, False),
    DataType.INT32: (4, True),
    DataType.UINT32: (4, False),
    DataType.INT64: (8, True),
    DataType.UINT64: (8, False),
}
FLOATS = {DataType.FLOAT16: (2, ">e"), DataType.FLOAT32: (4, ">f"), DataType.FLOAT64: (8, ">d")}
LETTERS = {
    2: {"ABCD": "AB", "CDAB": "AB", "BADC": "BA", "DCBA": "BA"},
    4: {"ABCD": "ABCD", "CDAB": "CDAB", "BADC": "BADC", "DCBA": "DCBA"},
    8: {"ABCD": "ABCDEFGH", "CDAB": "GHEFCDAB", "BADC": "BADCFEHG", "DCBA": "HGFEDCBA"},
}
ORDERS = sorted(LETTERS[2])


def shuffle(big_endian, order):
    """Put bytes on the wire as the letters of the order say."""
    return bytes(big_endian["ABCDEFGH".index(letter)] for letter in LETTERS[len(big_endian)][order])


@st.composite
def numbers(draw):
    """Draw a type, an order, a value of the type and its bytes on the wire."""
    order = draw(st.sampled_from(ORDERS))
    data_type = draw(st.sampled_from([*INTEGERS, *FLOATS]))
    if data_type in INTEGERS:
        size, signed = INTEGERS[data_type]
        bound = 1 << 8 * size
        value = draw(
            st.integers(-bound // 2, bound // 2 - 1) if signed else st.integers(0, bound - 1)
        )
        raw = value.to_bytes(size, "big", signed=signed)
    else:
        size, code = FLOATS[data_type]
        value = draw(st.floats(allow_nan=False, allow_infinity=False, width=8 * size))
        raw = struct.pack(code, value)
    return data_type, order, value, shuffle(raw, order)


def plan_for(address, data_type, **settings):
    """Plan one tag."""
    config = ModbusConfig(driver="modbus", host="h", **settings)
    return compile_plan(config, [Tag("t", address, data_type)], device="d", group="g")


@given(numbers(), st.integers(0, 60000))
def test_number_round_trip(number, start):
    """A number comes back from the wire as it was, and with its own type."""
    data_type, order, value, raw = number
    (seen,) = plan_for(f"hr:{start}@{order}", data_type).compiled.decoder.decode([raw]).values
    assert type(seen) is type(value)
    assert seen == value
    assert math.copysign(1, seen) == math.copysign(1, value)


@given(numbers())
def test_defaults_of_the_device_mean_the_same_as_a_suffix(number):
    """word_order and byte_order of the device do to a bare address what the suffix does."""
    data_type, order, value, raw = number
    words, byte = Order[order].swaps_words, Order[order].swaps_bytes
    names = {False: "big", True: "little"}
    plan = plan_for("ir:7", data_type, word_order=names[words], byte_order=names[byte])
    assert plan.compiled.decoder.decode([raw]).values == (value,)


@given(numbers())
def test_pymodbus_decodes_the_same(number):
    """Where pymodbus knows the order, it gives the same number for the same registers."""
    data_type, order, _, raw = number
    if order in {"BADC", "DCBA"}:
        # pymodbus has no byte order: it is given registers that are swapped back
        raw = b"".join(raw[at : at + 2][::-1] for at in range(0, len(raw), 2))
        order = {"BADC": "ABCD", "DCBA": "CDAB"}[order]
    registers = [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]
    if data_type is DataType.FLOAT16:
        return  # unknown to it
    oracle = ModbusClientMixin.convert_from_registers(
        registers,
        ModbusClientMixin.DATATYPE[data_type.name],
        word_order="little" if order == "CDAB" else "big",
    )
    seen = plan_for(f"hr:0@{order}", data_type).compiled.decoder.decode([raw]).values[0]
    assert seen == oracle


@pytest.mark.parametrize("data_type", FLOATS)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_not_a_number_is_no_value(data_type, bad):
    """NaN and infinity become None, BAD, with a reason; never 0 and never a float."""
    raw = struct.pack(FLOATS[data_type][1], bad)
    decoded = plan_for("hr:0", data_type).compiled.decoder.decode([raw])
    assert decoded.values == (None,)
    assert decoded.qualities == bytes([Quality.BAD])
    assert decoded.reasons == {0: "BadNotANumber"}


def test_denormals_and_the_largest_floats_are_values():
    """Only what is no number is refused: the smallest and the largest floats are kept."""
    for value in (5e-324, 1.7976931348623157e308):
        raw = struct.pack(">d", value)
        assert plan_for("hr:0", DataType.FLOAT64).compiled.decoder.decode([raw]).values == (value,)


def test_many_large_floats_do_not_hide_each_other():
    """Floats whose sum overflows are still all good."""
    tags = [Tag(f"t{at}", f"hr:{4 * at}", DataType.FLOAT64) for at in range(3)]
    config = ModbusConfig(driver="modbus", host="h")
    plan = compile_plan(config, tags, device="d", group="g")
    decoded = plan.compiled.decoder.decode([struct.pack(">3d", 1.7e308, 1.7e308, 1.0)])
    assert decoded == ((1.7e308, 1.7e308, 1.0), None, None)


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0 "), max_size=20),
    st.sampled_from(["ABCD", "BADC"]),
)
def test_utf8_text_round_trip(words, order):
    """Text padded with NULs comes back as it was, whichever byte of a register comes first."""
    raw = words.encode().ljust(80, b"\0")
    if order == "BADC":
        raw = b"".join(raw[at : at + 2][::-1] for at in range(0, 80, 2))
    plan = plan_for(f"hr:0/40@{order}", DataType.STRING)
    assert plan.compiled.decoder.decode([raw]).values == (words,)


@pytest.mark.parametrize(
    ("raw", "seen"),
    [
        ("车床一号".encode("gb18030"), "车床一号"),
        ("数控车床".encode().ljust(16, b" "), "数控车床"),
        (b"O1234  \0\0", "O1234"),
        (b"", ""),
        (b"\0\0\0\0", ""),
        ("车床一号".encode()[:-1], None),
        (b"ABC\xff", None),
        (b"\xff\xff\xff\xff", None),
    ],
)
def test_text_is_utf8_else_gb18030_else_nothing(raw, seen):
    """Chinese of either encoding is read; bytes of neither, or cut off, are no text."""
    assert text(raw) == seen


def test_undecodable_text_is_bad_beside_good_values():
    """One unreadable text costs only itself."""
    tags = [Tag("name", "hr:0/2", DataType.STRING), Tag("count", "hr:2", DataType.INT16)]
    config = ModbusConfig(driver="modbus", host="h")
    plan = compile_plan(config, tags, device="d", group="g")
    decoded = plan.compiled.decoder.decode([b"\xff\xff\xff\xff\x00\x07"])
    assert decoded == ((None, 7), bytes([Quality.BAD, Quality.GOOD]), {0: "BadDecodingError"})


@pytest.mark.parametrize("bit", range(16))
@pytest.mark.parametrize("order", ORDERS)
def test_one_bit_of_a_register(bit, order):
    """Exactly the wanted bit is seen, counted in the register as its byte order gives it."""
    set_bit = (1 << bit).to_bytes(2, "big")
    raw = set_bit[::-1] if Order[order].swaps_bytes else set_bit
    plan = plan_for(f"hr:9.{bit}@{order}", DataType.BIT)
    assert plan.compiled.decoder.decode([raw]).values == (True,)
    cleared = bytes(byte ^ 0xFF for byte in raw)
    assert plan.compiled.decoder.decode([cleared]).values == (False,)
    assert register_mask(bit, Order[order]).to_bytes(2, "big") == raw


@given(st.binary(min_size=2, max_size=2))
def test_bool_of_a_register_is_not_zero(raw):
    """A register read as bool is true whenever any bit is set."""
    assert plan_for("hr:0", DataType.BOOL).compiled.decoder.decode([raw]).values == (
        raw != b"\0\0",
    )
