"""Arrays: one line of a point table, many tags."""

from __future__ import annotations

import pytest

from drivers.api import Access, AddressError, DataType, Expands, Tag
from drivers.modbus import DRIVER
from drivers.modbus.config import ModbusConfig


def addresses(address, data_type=DataType.UINT16):
    """Expand a tag named `x`; give names and addresses."""
    return [(tag.name, tag.address) for tag in DRIVER.expand(Tag("x", address, data_type))]


def test_the_driver_offers_it():
    """The host can tell that addresses may name several values."""
    assert isinstance(DRIVER, Expands)


@pytest.mark.parametrize(
    ("address", "data_type", "expected"),
    [
        ("hr:100[3]", DataType.UINT16, ["hr:100", "hr:101", "hr:102"]),
        ("HR:100[2]@cdab", DataType.FLOAT32, ["hr:100@cdab", "hr:102@cdab"]),
        ("hr:100[3:4]", DataType.FLOAT64, ["hr:100", "hr:104", "hr:108"]),
        ("hr:100[2:10]", DataType.INT32, ["hr:100", "hr:110"]),
        ("hr:100.3[2]", DataType.BIT, ["hr:100.3", "hr:101.3"]),
        ("hr:100.h[2]", DataType.INT8, ["hr:100.h", "hr:101.h"]),
        ("hr:100&0x0F[2]", DataType.AUTO, ["hr:100&0x0F", "hr:101&0x0F"]),
        ("hr:100/4[2]@gbk", DataType.STRING, ["hr:100/4@gbk", "hr:104/4@gbk"]),
        ("hr:100[2]@bcd", DataType.DATETIME, ["hr:100@bcd", "hr:103@bcd"]),
        ("49999[2]", DataType.UINT16, ["hr:9998", "hr:9999"]),
        ("co:5[2]", DataType.BOOL, ["co:5", "co:6"]),
        ("hr:65534[2]", DataType.UINT16, ["hr:65534", "hr:65535"]),
    ],
)
def test_elements(address, data_type, expected):
    """Each value has an address of its own, side by side or a stride apart, and a number."""
    assert addresses(address, data_type) == [(f"x.{at}", one) for at, one in enumerate(expected)]


def test_elements_keep_everything_else():
    """Type, unit and access of the line are those of every element."""
    tag = Tag("x", "hr:0[2]", DataType.INT32, unit="kW", access=Access.READ_WRITE)
    assert DRIVER.expand(tag)[1] == Tag(
        "x.1", "hr:2", DataType.INT32, unit="kW", access=Access.READ_WRITE
    )


def test_elements_can_be_planned():
    """The plan of an array reads all of it in one request."""
    tags = DRIVER.expand(Tag("x", "hr:0[60]", DataType.FLOAT32))
    plan = DRIVER.plan(ModbusConfig(driver="modbus", host="h"), tags, device="d", group="g")
    assert [(block.start, block.count) for block in plan.blocks] == [(0, 120)]


@pytest.mark.parametrize("address", ["hr:1", "nowhere", "hr:1/2[4]", "hr:1.h[2]"])
def test_what_is_no_array_comes_back(address):
    """One value, and what the plan refuses in its own words, is left as it is."""
    assert addresses(address) == [("x", address)]


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("hr:1[0]", "an array of 0 values"),
        ("hr:1[2001]", "an array of 2001 values"),
        ("hr:1[2:1]", "cannot stand 1 apart"),
        ("hr:1[2:0]", "cannot stand 0 apart"),
        ("hr:65533[2]", "ends above 65535"),
    ],
)
def test_refused(address, why):
    """An array of too many values, or of values over each other, names its tag and the reason."""
    with pytest.raises(AddressError, match=why) as caught:
        DRIVER.expand(Tag("x", address, DataType.INT32))
    (problem,) = caught.value.problems
    assert (problem.tag, problem.address) == ("x", address)
    assert problem.hint
    assert any("\u4e00" <= character <= "\u9fff" for character in problem.why_zh)
    assert any("\u4e00" <= character <= "\u9fff" for character in problem.hint_zh)
