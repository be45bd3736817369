"""Parts of values as addresses name them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.api import Access, AddressError, Tag
from drivers.opcua import DRIVER
from drivers.opcua.address import IdKind, parse
from drivers.opcua.structures.part import MAX_INDEX, format_part, parse_part

CONFIG = DRIVER.config(driver="opcua", url="opc.tcp://plc")


def plan(*tags):
    return DRIVER.plan(CONFIG, tags, device="cnc", group="fast")


@pytest.mark.parametrize(
    ("text", "identifier", "part"),
    [
        ("i=42[3]", 42, ((3,),)),
        ("i=42#[3]", 42, ((3,),)),
        ("ns=2;s=Arr#[1,2]", "Arr", ((1, 2),)),
        ("ns=2;s=Pos#X.Y", "Pos", ("X", "Y")),
        ("ns=2;s=Pos#[0].X[4]", "Pos", ((0,), "X", (4,))),
        ('ns=3;s="DB1"."Arr"[3]', '"DB1"."Arr"[3]', ()),
        ("ns=3;s=Motor##1", "Motor#1", ()),
        ("ns=3;s=Motor##1#[2]", "Motor#1", ((2,),)),
        ("ns=3;s=A#a&.b", "A", ("a.b",)),
        ("nsu=http://a#b/;s=A#X", "A", ("X",)),
    ],
)
def test_a_part_follows_the_node(text, identifier, part):
    """The part is told from the identifier; a bracket in a text belongs to the text."""
    address = parse(text)
    assert (address.identifier, address.part) == (identifier, part)


@pytest.mark.parametrize(
    "text", ["s=A#.X", "s=A#X.", "s=A#[", "s=A#[-1]", "s=A#[x]", "s=A#[0]X", "s=A#[0:3]", "i=1[",
             f"s=A#[{MAX_INDEX + 1}]", "s=A#" + "a." * 20 + "a", "s=A#[3:1]"],
)  # fmt: skip
def test_what_is_no_part_is_said(text):
    """A part that is none, or several, is refused in both languages with what to write."""
    with pytest.raises(AddressError) as caught:
        plan(Tag("a", text))
    (problem,) = caught.value.problems
    assert problem.why
    assert problem.why_zh
    assert problem.hint_zh


@given(st.lists(
    st.text(min_size=1, max_size=8) | st.tuples(st.integers(0, MAX_INDEX), st.integers(0, 9)),
    min_size=1, max_size=6,
))  # fmt: skip
def test_every_part_can_be_written_and_read(part):
    """Any field name and any index survives being written into an address."""
    assert parse_part(format_part(tuple(part)).removeprefix("#")) == tuple(part)


@given(st.sampled_from(list(IdKind)), st.text(min_size=1, max_size=20))
def test_every_address_can_be_written_and_read(kind, text):
    """What browsing writes of a node is the node, whatever its identifier and namespace hold."""
    import uuid

    from drivers.opcua.address import NodeAddress

    identifier = {
        IdKind.NUMERIC: 7, IdKind.STRING: text, IdKind.GUID: uuid.UUID(int=5),
        IdKind.OPAQUE: text.encode("utf-8", "replace"),
    }[kind]  # fmt: skip
    address = NodeAddress(f"urn:{text};%", 0, kind, identifier, part=("X", (1,)))
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    if not str(address).endswith(str(address).rstrip()):
        return
    assert parse(str(address)) == address


def test_an_array_becomes_one_tag_per_element():
    """`[0:2]` means the elements 0, 1 and 2, named after their indexes."""
    tags = DRIVER.expand(Tag("axis", "ns=2;s=Pos##1#[0:2].X"))
    assert [(tag.name, tag.address) for tag in tags] == [
        (f"axis.{n}", f"ns=2;s=Pos##1#[{n}].X") for n in range(3)
    ]
    tags = DRIVER.expand(Tag("m", "i=5[0:1,3]"))
    assert [(tag.name, tag.address) for tag in tags] == [
        ("m.0", "i=5#[0,3]"), ("m.1", "i=5#[1,3]"),
    ]  # fmt: skip
    plan(*tags)
    alone = Tag("a", "ns=2;s=Pos#[2]")
    assert DRIVER.expand(alone) == (alone,)


def test_an_array_of_too_many_values_is_refused():
    """An address cannot mean more values than a machine has."""
    with pytest.raises(AddressError, match="40000 values"):
        DRIVER.expand(Tag("m", "i=5[0:199,0:199]"))


def test_a_part_is_never_written():
    """An element or a field cannot be written: the rest would go with it."""
    with pytest.raises(AddressError) as caught:
        plan(Tag("a", "i=5[2]", access=Access.READ_WRITE))
    assert "不能只写" in caught.value.problems[0].why_zh


def test_namespace_indexes_are_warned_of():
    """Whoever names a namespace by its index is told what to write; the others are not."""
    found = plan(
        Tag("a", "ns=2;s=A"), Tag("b", "nsu=urn:a;s=A"), Tag("c", "i=2258"),
        Tag("d", "path=/Objects/2:Machine"), Tag("e", "path=/Objects/nsu=urn:a;Machine"),
    ).warnings()  # fmt: skip
    assert [one.tag for one in found] == ["a", "d"]
    assert all("nsu=" in one.hint and "nsu=" in one.hint_zh for one in found)
