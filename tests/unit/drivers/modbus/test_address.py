"""Addresses as written: what is understood, and how the rest is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.api import AddressError, DataType, Tag
from drivers.modbus import DRIVER
from drivers.modbus.config import ModbusConfig
from drivers.modbus.points.address import Order, Point, Table, parse_address, resolve
from drivers.modbus.points.refusals import Refusal

CONFIG = ModbusConfig(driver="modbus", host="10.0.0.5")
HOLDING = Table.HOLDING_REGISTERS
INPUT = Table.INPUT_REGISTERS


def bits(shift, mask):
    """Give the settings of a point that is some bits."""
    return {"shift": shift, "mask": mask}


def wide(data_type, order):
    """Give a point of four registers at hr:1."""
    return Point(HOLDING, 1, 4, data_type, order)


def fixed(data_type, order, fraction_bits):
    """Give a fixed-point number at hr:5."""
    return Point(HOLDING, 5, 2, data_type, order, fraction_bits=fraction_bits)


def words(width, order=Order.ABCD, *, encoding):
    """Give a text at hr:5."""
    return Point(HOLDING, 5, width, DataType.STRING, order, encoding=encoding)


def date(width, encoding, order=Order.ABCD):
    """Give a date at hr:5."""
    return Point(HOLDING, 5, width, DataType.DATETIME, order, encoding=encoding)


def point(address, data_type, **settings):
    """Resolve one tag."""
    config = CONFIG.model_copy(update=settings)
    return resolve(Tag("t", address, data_type), config)


@pytest.mark.parametrize(
    ("address", "data_type", "expected"),
    [
        ("hr:100", DataType.INT16, Point(HOLDING, 100, 1, DataType.INT16)),
        (" HR:100 ", DataType.INT16, Point(HOLDING, 100, 1, DataType.INT16)),
        ("ir:65535", DataType.UINT16, Point(Table.INPUT_REGISTERS, 65535, 1, DataType.UINT16)),
        ("co:5", DataType.AUTO, Point(Table.COILS, 5, 1, DataType.BOOL)),
        ("di:0", DataType.BIT, Point(Table.DISCRETE_INPUTS, 0, 1, DataType.BOOL)),
        ("hr:100.15", DataType.BIT, Point(HOLDING, 100, 1, DataType.BIT, **bits(15, 0x8000))),
        ("hr:100.0", DataType.AUTO, Point(HOLDING, 100, 1, DataType.BIT, **bits(0, 1))),
        ("hr:100/8", DataType.STRING, Point(HOLDING, 100, 8, DataType.STRING)),
        ("hr:1@cdab", DataType.FLOAT32, Point(HOLDING, 1, 2, DataType.FLOAT32, Order.CDAB)),
        ("hr:1@GHEFCDAB", DataType.INT64, Point(HOLDING, 1, 4, DataType.INT64, Order.CDAB)),
        ("40001", DataType.INT16, Point(HOLDING, 0, 1, DataType.INT16)),
        ("465536", DataType.INT16, Point(HOLDING, 65535, 1, DataType.INT16)),
        ("400101.3", DataType.BIT, Point(HOLDING, 100, 1, DataType.BIT, **bits(3, 8))),
        (
            "30010@BADC",
            DataType.INT32,
            Point(Table.INPUT_REGISTERS, 9, 2, DataType.INT32, Order.BADC),
        ),
        ("hr:1@EFGHABCD", DataType.FLOAT64, wide(DataType.FLOAT64, Order.EFGHABCD)),
        ("hr:1@CDABGHEF", DataType.UINT64, wide(DataType.UINT64, Order.CDABGHEF)),
        ("hr:1@ABCDEFGH", DataType.BCD64, wide(DataType.BCD64, Order.ABCD)),
        ("hr:1@BADCFEHG", DataType.INT64, wide(DataType.INT64, Order.BADC)),
        ("hr:1@HGFEDCBA", DataType.INT64, wide(DataType.INT64, Order.DCBA)),
        ("hr:5", DataType.FLOAT16, Point(HOLDING, 5, 1, DataType.FLOAT16)),
        ("hr:5", DataType.BCD16, Point(HOLDING, 5, 1, DataType.BCD16)),
        ("hr:5@CDAB", DataType.BCD32, Point(HOLDING, 5, 2, DataType.BCD32, Order.CDAB)),
        ("hr:5.h", DataType.INT8, Point(HOLDING, 5, 1, DataType.INT8, byte="h")),
        ("ir:5.L", DataType.UINT8, Point(INPUT, 5, 1, DataType.UINT8, byte="l")),
        ("hr:5.4-7", DataType.AUTO, Point(HOLDING, 5, 1, DataType.UINT16, **bits(4, 0xF0))),
        (
            "hr:5.4-20@CDAB",
            DataType.UINT32,
            Point(HOLDING, 5, 2, DataType.UINT32, Order.CDAB, **bits(4, 0x1FFFF0)),
        ),
        ("hr:5&0x0F00", DataType.AUTO, Point(HOLDING, 5, 1, DataType.UINT16, **bits(8, 0xF00))),
        ("hr:5&6", DataType.UINT64, Point(HOLDING, 5, 4, DataType.UINT64, **bits(1, 6))),
        ("hr:5@q8", DataType.INT16, Point(HOLDING, 5, 1, DataType.INT16, fraction_bits=8)),
        ("hr:5@Q16@cdab", DataType.UINT32, fixed(DataType.UINT32, Order.CDAB, 16)),
        ("hr:5@cdab@q16", DataType.UINT32, fixed(DataType.UINT32, Order.CDAB, 16)),
        ("hr:5/4@GBK", DataType.AUTO, words(4, encoding="gb18030")),
        ("hr:5/4@BADC@utf8", DataType.STRING, words(4, Order.BADC, encoding="utf-8")),
        ("hr:5/4@latin-1", DataType.STRING, words(4, encoding="latin-1")),
        ("hr:5@unix32", DataType.AUTO, date(2, "unix32")),
        ("hr:5@unix32@CDAB", DataType.DATETIME, date(2, "unix32", Order.CDAB)),
        ("hr:5@y2000", DataType.DATETIME, date(2, "y2000")),
        ("hr:5@unix64", DataType.DATETIME, date(4, "unix64")),
        ("hr:5@unixms64@HGFEDCBA", DataType.DATETIME, date(4, "unixms64", Order.DCBA)),
        ("hr:5@ymdhms", DataType.DATETIME, date(6, "ymdhms")),
        ("hr:5@ymd_hms_packed@BADC", DataType.DATETIME, date(3, "ymd_hms_packed", Order.BADC)),
        ("hr:5@bcd", DataType.DATETIME, date(3, "bcd")),
        ("hr:5@iec870", DataType.DATETIME, date(4, "iec870")),
        ("hr:5@iec870@HGFEDCBA", DataType.DATETIME, date(4, "iec870", Order.DCBA)),
        ("10001", DataType.BOOL, Point(Table.DISCRETE_INPUTS, 0, 1, DataType.BOOL)),
        ("00001", DataType.BOOL, Point(Table.COILS, 0, 1, DataType.BOOL)),
    ],
)
def test_understood(address, data_type, expected):
    """Each way to write an address names the place it should."""
    assert point(address, data_type) == expected


@pytest.mark.parametrize(
    ("address", "data_type"),
    [
        ("", DataType.INT16),
        ("100", DataType.INT16),
        ("hr100", DataType.INT16),
        ("hr:", DataType.INT16),
        ("hr:-1", DataType.INT16),
        ("hr:1 0", DataType.INT16),
        ("hr:0x10", DataType.INT16),
        ("hr:١", DataType.INT16),
        ("xx:1", DataType.INT16),
        ("hr：100", DataType.INT16),
        ("hr:65536", DataType.INT16),
        ("hr:65535", DataType.INT32),
        ("hr:65533", DataType.FLOAT64),
        ("hr:65530/7", DataType.STRING),
        ("co:65536", DataType.BOOL),
        ("40000", DataType.INT16),
        ("465537", DataType.INT16),
        ("20001", DataType.INT16),
        ("4000001", DataType.INT16),
        ("hr:1@ACBD", DataType.INT32),
        ("hr:1@ABCDEFGH", DataType.INT32),
        ("hr:1.16", DataType.BIT),
        ("hr:1.16-17", DataType.UINT16),
        ("hr:1.7-4", DataType.UINT16),
        ("hr:1.4-7", DataType.INT16),
        ("hr:1.4-7", DataType.BIT),
        ("hr:1.4-7@q2", DataType.UINT16),
        ("hr:1&0x10000", DataType.UINT16),
        ("hr:1&0x0", DataType.UINT16),
        ("hr:1&0xFF", DataType.FLOAT32),
        ("hr:1&0xFF", DataType.BOOL),
        ("hr:1.h", DataType.INT16),
        ("hr:1.h", DataType.AUTO),
        ("hr:1.x", DataType.UINT8),
        ("hr:1.h@q4", DataType.UINT8),
        ("hr:1@q8", DataType.FLOAT32),
        ("hr:1@q8", DataType.AUTO),
        ("hr:1@q17", DataType.INT16),
        ("hr:1@q0", DataType.INT16),
        ("hr:1@q33", DataType.INT32),
        ("hr:1@q", DataType.INT16),
        ("hr:1@", DataType.INT16),
        ("hr:1@ABCD@CDAB", DataType.INT32),
        ("hr:1@q8@q4", DataType.INT32),
        ("hr:1/4@ebcdic", DataType.STRING),
        ("hr:1/4@q8", DataType.STRING),
        ("hr:1/4@unix32", DataType.AUTO),
        ("hr:1@gb18030", DataType.STRING),
        ("hr:1@gb18030", DataType.INT16),
        ("hr:1@unix32", DataType.UINT32),
        ("hr:1@bcd", DataType.BCD16),
        ("hr:1@bcd@CDAB", DataType.DATETIME),
        ("hr:1@ymdhms@DCBA", DataType.DATETIME),
        ("hr:1@ymd_hms_packed@ABCDEFGH", DataType.DATETIME),
        ("hr:1.3@unix32", DataType.DATETIME),
        ("hr:1.h@unix32", DataType.DATETIME),
        ("hr:1@unix32@q8", DataType.DATETIME),
        ("hr:1", DataType.DATETIME),
        ("hr:65534@bcd", DataType.DATETIME),
        ("hr:1@EFGHABCD", DataType.FLOAT32),
        ("hr:1/4@EFGHABCD", DataType.STRING),
        ("hr:1[4]", DataType.UINT16),
        ("co:1[4]", DataType.BOOL),
        ("hr:1[4", DataType.UINT16),
        ("co:1.h", DataType.UINT8),
        ("hr:1.3", DataType.INT16),
        ("hr:1.3/2", DataType.BIT),
        ("hr:1", DataType.BIT),
        ("hr:1", DataType.AUTO),
        ("hr:1", DataType.STRING),
        ("hr:1/2", DataType.INT32),
        ("hr:1/0", DataType.STRING),
        ("hr:1/126", DataType.STRING),
        ("hr:1/4@CDAB", DataType.STRING),
        ("hr:1", DataType.INT8),
        ("hr:1", DataType.UINT8),
        ("co:1", DataType.INT16),
        ("co:1.2", DataType.BOOL),
        ("di:1@ABCD", DataType.BOOL),
        ("di:1/2", DataType.STRING),
    ],
)
def test_refused(address, data_type):
    """What cannot be read is refused in both languages, with something to do."""
    with pytest.raises(Refusal) as caught:
        point(address, data_type)
    refusal = caught.value
    assert refusal.why
    assert refusal.hint
    for chinese in (refusal.why_zh, refusal.hint_zh):
        assert any("\u4e00" <= character <= "\u9fff" for character in chinese)


def test_full_width_is_named():
    """An address typed in full-width characters is told apart from nonsense."""
    with pytest.raises(Refusal, match="full-width"):
        parse_address("hr：１００")


def test_a_value_wider_than_a_request_is_refused():
    """A value that would have to be read in two pieces could be torn, so it is refused."""
    with pytest.raises(Refusal, match="one request carries 1 to 2"):
        point("hr:0", DataType.INT64, max_registers=2)


def test_defaults_do_not_reverse_text():
    """A device with the low register first still holds its texts from left to right."""
    found = point("hr:0/4", DataType.STRING, word_order="little", byte_order="little")
    assert found.order is Order.BADC


def test_defaults_do_not_reverse_dates():
    """Of a device with the low register first, only dates that are one number are reversed."""
    device = {"word_order": "little", "byte_order": "little"}
    assert point("hr:0@bcd", DataType.DATETIME, **device).order is Order.BADC
    assert point("hr:0@iec870", DataType.DATETIME, **device).order is Order.BADC
    assert point("hr:0@unix32", DataType.DATETIME, **device).order is Order.DCBA


@pytest.mark.parametrize("full", ["hr:1［4］", "hr:1＆0x0F", "hr:1＠CDAB", "hr:1。3", "hr:1.4－7"])
def test_full_width_anywhere(full):
    """Full-width brackets, signs and points are refused like any other unreadable text."""
    with pytest.raises(Refusal):
        parse_address(full)


def test_all_problems_together():
    """A plan with several bad addresses names every one of them, with tag and address."""
    tags = [
        Tag("a", "hr:1", DataType.INT16),
        Tag("b", "nowhere", DataType.INT16),
        Tag("c", "hr:65535", DataType.FLOAT32),
    ]
    with pytest.raises(AddressError) as caught:
        DRIVER.plan(CONFIG, tags, device="cnc-01", group="fast")
    assert [(each.tag, each.address) for each in caught.value.problems] == [
        ("b", "nowhere"),
        ("c", "hr:65535"),
    ]
    assert caught.value.device == "cnc-01"


@given(st.text(max_size=20))
def test_no_text_breaks_the_parser(text):
    """Whatever stands in the cell, the parser understands it or refuses it."""
    try:
        address = parse_address(text)
    except Refusal:
        return
    assert 0 <= address.start < 65536


@given(st.integers(0, 65535), st.sampled_from(list(Table)))
def test_both_notations_meet(start, table):
    """Modicon number n + 1 is protocol address n."""
    digit = {"co": "0", "di": "1", "ir": "3", "hr": "4"}[table]
    assert parse_address(f"{digit}{start + 1:05}") == parse_address(f"{table}:{start}")
