"""The generated decoder: equal to decoding point by point, whatever is planned and received."""

from __future__ import annotations

import math
import struct

from hypothesis import given
from hypothesis import strategies as st

from drivers.api import DataType, Quality, Tag
from drivers.modbus.config import ModbusConfig
from drivers.modbus.plan import compile_plan
from drivers.modbus.points.address import Order, resolve
from drivers.modbus.points.codec import TEXTS
from drivers.modbus.points.dates import DATES
from drivers.modbus.wire.framing import ExceptionReply

CONFIG = ModbusConfig(driver="modbus", host="h", max_gap=3)
NUMBERS = [
    DataType.INT16,
    DataType.UINT16,
    DataType.INT32,
    DataType.UINT32,
    DataType.INT64,
    DataType.UINT64,
    DataType.FLOAT16,
    DataType.FLOAT32,
    DataType.FLOAT64,
]
BYTES = st.sampled_from([DataType.INT8, DataType.UINT8])
BCD = [DataType.BCD16, DataType.BCD32, DataType.BCD64]
KINDS = [
    "number", "bit", "bool", "text", "coil", "byte", "field", "mask", "wide", "bcd", "fixed",
    "date",
]  # fmt: skip
ORDERS = ["", "@ABCD", "@CDAB", "@BADC", "@DCBA"]


@st.composite
def tags(draw):
    """Draw some tags of any kind, close together so that they meet, overlap and repeat."""
    chosen = []
    for at in range(draw(st.integers(1, 25))):
        place = draw(st.integers(0, 40))
        kind = draw(st.sampled_from([*KINDS]))
        order = draw(st.sampled_from(ORDERS))
        table = draw(st.sampled_from(["hr", "ir"]))
        codec = draw(st.sampled_from(["", "@utf-8", "@gb18030", "@latin-1"]))
        field = draw(st.sampled_from([DataType.UINT16, DataType.UINT32, DataType.UINT64]))
        wide = draw(st.sampled_from([DataType.INT64, DataType.FLOAT64]))
        tag = {
            "number": (f"{table}:{place}{order}", draw(st.sampled_from(NUMBERS))),
            "bit": (f"{table}:{place}.{draw(st.integers(0, 15))}{order}", DataType.BIT),
            "bool": (f"{table}:{place}", DataType.BOOL),
            "text": (f"{table}:{place}/{draw(st.integers(1, 6))}{codec}", DataType.STRING),
            "byte": (f"{table}:{place}.{draw(st.sampled_from('hl'))}{order}", draw(BYTES)),
            "field": (f"{table}:{place}.{draw(st.sampled_from(['0-3', '7-9']))}{order}", field),
            "mask": (f"{table}:{place}&0xA500{order}", field),
            "wide": (f"{table}:{place}{draw(st.sampled_from(['@EFGHABCD', '@CDABGHEF']))}", wide),
            "bcd": (f"{table}:{place}{order}", draw(st.sampled_from(BCD))),
            "fixed": (f"{table}:{place}{order}@q7", draw(st.sampled_from(NUMBERS[:4]))),
            "date": (f"{table}:{place}@{draw(st.sampled_from([*DATES]))}", DataType.DATETIME),
            "coil": (f"{draw(st.sampled_from(['co', 'di']))}:{place}", DataType.BOOL),
        }[kind]
        chosen.append(Tag(f"t{at}", *tag))
    return chosen


def raw_of(point, payload, block_start):
    """Give the bytes of one point, the most significant first, by other means than the driver."""
    place = point.start - block_start
    words = [payload[at : at + 2] for at in range(2 * place, 2 * (place + point.width), 2)]
    if point.order.swaps_bytes:
        words = [word[::-1] for word in words]
    if point.order is Order.EFGHABCD:
        words = words[2:] + words[:2]
    elif point.order is Order.CDABGHEF:
        words = [words[1], words[0], words[3], words[2]]
    elif point.order.swaps_words:
        words.reverse()
    return b"".join(words)


def one_by_one(point, payload, block_start):
    """Decode one point by other means than the driver; give value and reason."""
    if point.table.holds_bits:
        bits = int.from_bytes(payload, "little")
        return bool(bits >> point.start - block_start & 1), ""
    raw = raw_of(point, payload, block_start)
    kind = point.data_type
    if kind in DECODERS:
        value = DECODERS[kind](point, raw)
        return value, "" if value is not None else "BadDecodingError"
    if kind in FLOATS:
        (value,) = struct.unpack(FLOATS[kind], raw)
        return (value, "") if math.isfinite(value) else (None, "BadNotANumber")
    return whole(point, raw), ""


def whole(point, raw):
    """Decode an integer, or a part of one."""
    number = int.from_bytes(raw, "big")
    if point.data_type is DataType.BOOL:
        return number != 0
    if point.mask:
        part = (number & point.mask) >> point.shift
        return bool(part) if point.data_type is DataType.BIT else part
    if point.byte:
        raw = raw[:1] if point.byte == "h" else raw[1:]
    number = int.from_bytes(raw, "big", signed=not point.data_type.value.startswith("u"))
    return number / 2**point.fraction_bits if point.fraction_bits else number


def decimal(_, raw):
    """Decode BCD."""
    return int(raw.hex()) if raw.hex().isdecimal() else None


FLOATS = {DataType.FLOAT16: ">e", DataType.FLOAT32: ">f", DataType.FLOAT64: ">d"}
DECODERS = {
    DataType.STRING: lambda point, raw: TEXTS[point.encoding](raw),
    DataType.DATETIME: lambda point, raw: DATES[point.encoding](raw),
    DataType.BCD16: decimal,
    DataType.BCD32: decimal,
    DataType.BCD64: decimal,
}


@given(tags(), st.data())
def test_generated_equals_one_by_one(wanted, data):
    """For any tags and any answers, refusals among them, each value is that of its own bytes."""
    plan = compile_plan(CONFIG, wanted, device="d", group="g")
    answers = [
        data.draw(
            st.binary(min_size=block.payload_bytes, max_size=block.payload_bytes)
            | st.sampled_from([ExceptionReply(2), ExceptionReply(4)])
        )
        for block in plan.blocks
    ]
    decoded = plan.compiled.decoder.decode(answers)
    assert len(decoded.values) == len(wanted)
    for block, answer in zip(plan.blocks, answers, strict=True):
        for column in block.columns:
            if isinstance(answer, ExceptionReply):
                expected = (None, answer.reason)
            else:
                expected = one_by_one(resolve(wanted[column], CONFIG), answer, block.start)
            value = decoded.values[column]
            assert (value, (decoded.reasons or {}).get(column, "")) == expected
            assert type(value) is type(expected[0])
            quality = Quality.GOOD if decoded.qualities is None else decoded.qualities[column]
            assert quality == (Quality.BAD if expected[1] else Quality.GOOD)


def test_values_keep_the_order_of_the_tags():
    """Values stand where their tags stand, not where their addresses are."""
    wanted = [Tag("b", "hr:1", DataType.INT16), Tag("a", "hr:0", DataType.INT16)]
    plan = compile_plan(CONFIG, wanted, device="d", group="g")
    assert plan.compiled.decoder.decode([b"\x00\x01\x00\x02"]).values == (2, 1)


def test_equal_bytes_give_the_same_object():
    """The host may compare by identity: the same answers give the same tuple, others another."""
    plan = compile_plan(CONFIG, [Tag("a", "hr:0", DataType.FLOAT32)], device="d", group="g")
    first = plan.compiled.decoder.decode([b"\x40\x00\x00\x00"])
    again = plan.compiled.decoder.decode([bytes([0x40, 0, 0, 0])])
    other = plan.compiled.decoder.decode([b"\x40\x40\x00\x00"])
    assert again.values is first.values
    assert other.values == (3.0,)


def test_equal_refusals_are_remembered_too():
    """A block that keeps failing gives its columns again, and good ones when it recovers."""
    plan = compile_plan(CONFIG, [Tag("a", "hr:0", DataType.INT16)], device="d", group="g")
    first = plan.compiled.decoder.decode([ExceptionReply(2)])
    assert plan.compiled.decoder.decode([ExceptionReply(2)]).values is first.values
    assert plan.compiled.decoder.decode([b"\x00\x05"]) == ((5,), None, None)


def test_one_bad_float_among_many():
    """A NaN costs its own value only."""
    wanted = [Tag(f"t{at}", f"hr:{2 * at}", DataType.FLOAT32) for at in range(3)]
    plan = compile_plan(CONFIG, wanted, device="d", group="g")
    decoded = plan.compiled.decoder.decode([bytes.fromhex("3f800000 7fc00000 40000000")])
    assert decoded.values == (1.0, None, 2.0)
    assert decoded.reasons == {1: "BadNotANumber"}
    assert all(value is None or math.isfinite(value) for value in decoded.values)


def test_a_large_plan_compiles():
    """Ten thousand tags over many blocks decode in one call."""
    wanted = [Tag(f"t{at}", f"hr:{at}", DataType.UINT16) for at in range(10_000)]
    plan = compile_plan(CONFIG, wanted, device="d", group="g")
    answers = [
        b"".join((block.start + at).to_bytes(2, "big") for at in range(block.count))
        for block in plan.blocks
    ]
    assert plan.compiled.decoder.decode(answers).values == tuple(range(10_000))
