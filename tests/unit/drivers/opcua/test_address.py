"""Addresses as integrators write them."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.api import AddressError, DataType, Tag
from drivers.opcua import DRIVER
from drivers.opcua.address import IdKind, NodeAddress, parse

CONFIG = DRIVER.config(driver="opcua", url="opc.tcp://plc")
GUID = "72962b91-fa75-4ae6-8d28-b404dc7daf63"


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("i=2258", NodeAddress(None, 0, IdKind.NUMERIC, 2258)),
        ("ns=2;s=Spindle.Speed", NodeAddress(None, 2, IdKind.STRING, "Spindle.Speed")),
        (" ns=2;i=0 ", NodeAddress(None, 2, IdKind.NUMERIC, 0)),
        ("nsu=urn:maker:plc;s=主轴", NodeAddress("urn:maker:plc", 0, IdKind.STRING, "主轴")),
        ('ns=3;s="DB1"."x;y=1"', NodeAddress(None, 3, IdKind.STRING, '"DB1"."x;y=1"')),
        ("nsu=http://a/%3Bb%25;i=85", NodeAddress("http://a/;b%", 0, IdKind.NUMERIC, 85)),
        (f"nsu=urn:a;g={GUID}", NodeAddress("urn:a", 0, IdKind.GUID, UUID(GUID))),
        ("ns=1;b=AAH+/w==", NodeAddress(None, 1, IdKind.OPAQUE, b"\x00\x01\xfe\xff")),
        ("nsu=http://opcfoundation.org/UA/;i=2258", NodeAddress(None, 0, IdKind.NUMERIC, 2258)),
    ],
)  # fmt: skip
def test_every_form_is_parsed(text, node):
    """Each notation of the standard gives its node."""
    assert parse(text) == node


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not a NodeId"),
        ("Spindle.Speed", "not a NodeId"),
        ("hr:100", "not a NodeId"),
        ("ns=2;x=5", "not a NodeId"),
        ("ns=70000;i=1", "index"),
        ("ns=-1;i=1", "index"),
        ("ns=;i=1", "index"),
        ("nsu=;i=1", "URI is empty"),
        ("i=4294967296", "not a number"),
        ("i=１", "not a number"),
        ("ns=2;s=", "empty"),
        ("ns=2;s=" + "x" * 4097, "longer than 4096"),
        ("ns=2;g=72962b91", "not a GUID"),
        ("ns=2;b=***", "not base64"),
        ("ns=2;b=", "empty"),
        ("ns=2;s=\ud800", "Unicode"),
    ],
)
def test_what_is_wrong_is_said(text, why):
    """A bad address is refused with the reason."""
    with pytest.raises(ValueError, match=why):
        parse(text)


@given(st.text(max_size=40))
def test_any_text_is_parsed_or_refused(text):
    """No text makes the parser fail otherwise than by ValueError."""
    try:
        node = parse(text)
    except ValueError:
        return
    assert isinstance(node, NodeAddress)


def test_all_bad_addresses_are_told_together():
    """A plan names every bad address at once, in both languages, with what to write instead."""
    tags = [Tag("a", "i=1"), Tag("b", "nope"), Tag("c", "ns=x;i=1"), Tag("d", "i=2", DataType.BIT)]
    with pytest.raises(AddressError) as caught:
        DRIVER.plan(CONFIG, tags, device="cnc", group="fast")
    problems = caught.value.problems
    assert [problem.tag for problem in problems] == ["b", "c", "d"]
    assert all(p.why and p.why_zh and p.hint and p.hint_zh for p in problems)
    assert caught.value.device == "cnc"


@pytest.mark.parametrize(
    "data_type", [DataType.FLOAT16, DataType.BCD16, DataType.BCD32, DataType.BCD64]
)
def test_types_of_registers_are_refused(data_type):
    """A type that only registers have is refused, in both languages, with what to write instead."""
    with pytest.raises(AddressError, match=data_type) as caught:
        DRIVER.plan(CONFIG, [Tag("a", "i=1", data_type)], device="cnc", group="fast")
    (problem,) = caught.value.problems
    assert "auto" in problem.hint
    assert "auto" in problem.hint_zh


def test_a_date_is_read_as_text():
    """Type datetime asks the server's DateTime, which comes as text."""
    tag = Tag("a", "i=1", DataType.DATETIME)
    assert DRIVER.plan(CONFIG, [tag], device="cnc", group="fast").kinds == (str,)
