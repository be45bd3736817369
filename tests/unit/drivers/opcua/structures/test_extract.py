"""Parts of arrays and structures, beside what the library encodes and against hostile bytes."""

from __future__ import annotations

import itertools
import struct
import time

import pytest
from asyncua import ua
from asyncua.common.structures104 import make_structure
from asyncua.ua.ua_binary import struct_to_binary, variant_to_binary
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.drivers.opcua.opcua_wire import SCALAR_VALUES, as_value

from drivers.opcua.decoding.items import read_items
from drivers.opcua.decoding.values import Compound
from drivers.opcua.structures.extract import MOST_STEPS, Budget, take_part, take_parts
from drivers.opcua.structures.layout import FieldLayout, Form, Layout, Layouts

TYPE, ENCODING = (2, 3_001), (2, 5_001)
INNER = (2, 3_002)
KINDS = sorted(SCALAR_VALUES, key=lambda kind: kind.value)
_numbers = itertools.count(10_000)


def wrapped(body, *, encoding=ENCODING, form=1):
    """Wrap the body of a structure in the head of a variant."""
    space, number = encoding
    head = b"\x16\x01" + struct.pack("<BH", space, number) + bytes([form])
    return Compound(head + struct.pack("<i", len(body)) + body, 0)


def layouts_of(fields, form=Form.PLAIN, **more):
    known = Layouts(by_type={TYPE: Layout("T", tuple(fields), form), **more})
    known.encodings = {ENCODING: TYPE}
    return known


field_kinds = st.lists(
    st.tuples(st.sampled_from(KINDS), st.sampled_from([-1, -1, 1])), min_size=1, max_size=6
)


@st.composite
def structures(draw, kind):
    """Draw a structure: its definition for the library, its layout for us, and a value."""
    drawn = draw(field_kinds)
    optional = [
        draw(st.booleans()) and kind is ua.StructureType.StructureWithOptionalFields for _ in drawn
    ]
    fields = [
        ua.StructureField(
            Name=f"F{n}", DataType=ua.NodeId(of.value), ValueRank=rank, IsOptional=optional[n]
        )
        for n, (of, rank) in enumerate(drawn)
    ]
    definition = ua.StructureDefinition(ua.NodeId(*reversed(ENCODING)), ua.NodeId(22), kind, fields)
    name = f"Drawn{next(_numbers)}"
    made = make_structure(ua.NodeId(next(_numbers), 9), name, definition)[name]()
    values = {}
    for n, (of, rank) in enumerate(drawn):
        one = SCALAR_VALUES[of]
        values[f"F{n}"] = draw(one if rank == -1 else st.lists(one, max_size=4))
        if optional[n] and draw(st.booleans()):
            values[f"F{n}"] = None
    layout = [
        FieldLayout(f"F{n}", of.value, rank=max(rank, 0), optional=optional[n])
        for n, (of, rank) in enumerate(drawn)
    ]
    return made, values, layout, drawn


def expected(value, kind):
    return as_value(ua.Variant(value, kind))


def check_fields(values, drawn, compound, known):
    for n, (kind, rank) in enumerate(drawn):
        value = values[f"F{n}"]
        if value is None:
            assert take_part(compound, (f"F{n}",), known) == (None, "BadNoData")
        elif rank == -1:
            assert take_part(compound, (f"F{n}",), known) == (expected(value, kind), "")
        else:
            for at, one in enumerate(value):
                taken = take_part(compound, (f"F{n}", (at,)), known)
                assert taken == (expected(one, kind), "")
            beyond = take_part(compound, (f"F{n}", (len(value),)), known)
            assert beyond == (None, "BadIndexRangeNoData")
            assert take_part(compound, (f"F{n}",), known)[1] == "BadTypeMismatch"


@settings(max_examples=60, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize(
    ("kind", "form"),
    [
        (ua.StructureType.Structure, Form.PLAIN),
        (ua.StructureType.StructureWithOptionalFields, Form.OPTIONAL),
    ],
)
def test_every_field_is_what_the_library_encoded(data, kind, form):
    """Each field and each element of each field comes back with the value that was encoded."""
    made, values, layout, drawn = data.draw(structures(kind))
    for name, value in values.items():
        setattr(made, name, value)
    body = struct_to_binary(made)
    known = layouts_of(layout, form)
    check_fields(values, drawn, wrapped(body), known)
    assert take_part(wrapped(body), ("Other",), known) == (None, "BadNotFound")
    # one byte more or less is another structure than the one that was explained
    assert take_part(wrapped(body + b"\0"), ("F0",), known) == (None, "BadDecodingError")
    if body:
        assert take_part(wrapped(body[:-1]), ("F0",), known)[0] is None


def test_only_the_chosen_field_of_a_union_has_a_value():
    """A union gives the field it holds; the others have no data."""
    known = layouts_of([FieldLayout("A", 6), FieldLayout("B", 12)], Form.UNION)
    held = wrapped(struct.pack("<Ii", 2, 2) + b"ab")
    assert take_part(held, ("B",), known) == ("ab", "")
    assert take_part(held, ("A",), known) == (None, "BadNoData")
    assert take_part(wrapped(struct.pack("<I", 3)), ("A",), known) == (None, "BadDecodingError")


def test_structures_in_structures_in_arrays():
    """A field of an element of an array of structures is found, and only that one."""
    inner = Layout("I", (FieldLayout("X", 11), FieldLayout("N", 12)))
    known = layouts_of(
        [FieldLayout("Before", 12), FieldLayout("Many", 22, INNER, rank=1), FieldLayout("Z", 6)],
    )
    known.by_type[INNER] = inner
    many = b"".join(struct.pack("<di", n / 2, 1) + b"ab"[n : n + 1] for n in range(2))
    body = struct.pack("<i", 2) + b"hi" + struct.pack("<i", 2) + many + struct.pack("<i", -7)
    one = wrapped(body)
    assert take_part(one, ("Many", (1,), "X"), known) == (0.5, "")
    assert take_part(one, ("Many", (1,), "N"), known) == ("b", "")
    assert take_part(one, ("Many", (2,), "N"), known) == (None, "BadIndexRangeNoData")
    assert take_part(one, ("Many", (0,), "M"), known) == (None, "BadNotFound")
    assert take_part(one, ("Z",), known) == (-7, "")


def test_a_structure_nobody_explained_has_no_value():
    """Another encoding, a body in XML, and no body at all are BAD, each with its reason."""
    known = layouts_of([FieldLayout("A", 6)])
    body = struct.pack("<i", 5)
    assert take_part(wrapped(body), ("A",), known) == (5, "")
    other = wrapped(body, encoding=(2, 5_002))
    assert take_part(other, ("A",), known) == (None, "BadDataTypeIdUnknown")
    assert take_part(wrapped(body, form=2), ("A",), known) == (None, "BadDataTypeIdUnknown")
    empty = Compound(b"\x16\x01\x02\x89\x13\x00", 0)
    assert take_part(empty, ("A",), known) == (None, "BadNoData")


ARRAYS = {
    "numbers": (ua.Variant([1, 2, 3], ua.VariantType.Int32), [1, 2, 3]),
    "texts": (ua.Variant(["a", "", "主轴"], ua.VariantType.String), ["a", "", "主轴"]),
    "variants": (
        ua.Variant([ua.Variant(7), ua.Variant("x")], ua.VariantType.Variant), [7, "x"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("variant", "values"), ARRAYS.values(), ids=ARRAYS)
def test_elements_of_arrays(variant, values):
    """Every element is found by its index, none behind the last."""
    held = Compound(variant_to_binary(variant), 0)
    for at, value in enumerate(values):
        assert take_part(held, ((at,),), Layouts()) == (value, "")
    assert take_part(held, ((len(values),),), Layouts()) == (None, "BadIndexRangeNoData")
    assert take_part(held, ((0, 0),), Layouts()) == (None, "BadIndexRangeNoData")
    assert take_part(held, ("Field",), Layouts()) == (None, "BadTypeMismatch")


@given(st.integers(1, 4), st.integers(1, 4), st.sampled_from(["Double", "String"]))
def test_elements_of_matrices(rows, columns, kind):
    """An element of a matrix is found by row and column, whatever the width of its values."""
    value = {"Double": float, "String": str}[kind]
    held = [[value(10 * row + column) for column in range(columns)] for row in range(rows)]
    variant = ua.Variant(held, ua.VariantType[kind], Dimensions=[rows, columns])
    compound = Compound(variant_to_binary(variant), 0)
    for row, column in itertools.product(range(rows), range(columns)):
        taken = take_part(compound, ((row, column),), Layouts())
        assert taken == (held[row][column], "")
    assert take_part(compound, ((0, columns),), Layouts()) == (None, "BadIndexRangeNoData")
    assert take_part(compound, ((0,),), Layouts()) == (None, "BadIndexRangeNoData")


def test_a_server_that_knows_ranges_sends_just_the_element():
    """Where ranges are known, an array of one is the element asked for; a longer one is whole."""
    known = Layouts(ranges=True)
    one = Compound(variant_to_binary(ua.Variant([42], ua.VariantType.Int32)), 0)
    whole = Compound(variant_to_binary(ua.Variant([1, 2, 3, 4], ua.VariantType.Int32)), 0)
    assert take_part(one, ((3,),), known) == (42, "")
    assert take_part(whole, ((3,),), known) == (4, "")
    assert take_part(one, ((3,),), Layouts()) == (None, "BadIndexRangeNoData")


@given(st.binary(max_size=60))
def test_any_bytes_give_a_value_or_a_reason(body):
    """No body makes the walk fail otherwise than with a reason."""
    known = layouts_of([
        FieldLayout("A", 24), FieldLayout("B", 22), FieldLayout("C", 12, rank=2),
        FieldLayout("D", 22, TYPE, rank=1),
    ])  # fmt: skip
    for part in (("A",), ("B", "X"), ("C", (0, 0)), ("D", (0,), "A")):
        value, reason = take_part(wrapped(body), part, known)
        assert reason or value is not None
        value, reason = take_part(Compound(b"\x96" + body, 0), ((0,), *part), known)
        assert reason


def test_work_is_bounded():
    """An array of structures without fields promises a million steps, and costs its bound."""
    known = layouts_of([FieldLayout("Many", 22, INNER, rank=1)])
    known.by_type[INNER] = Layout("Empty", ())
    body = struct.pack("<i", 2_000_000) + bytes(2_000_000)
    began = time.process_time()
    assert take_part(wrapped(body), ("Many", (1,), "X"), known) == (
        None, "BadEncodingLimitsExceeded",
    )  # fmt: skip
    assert time.process_time() - began < 5


def test_the_budget_is_shared_by_the_values_of_one_message():
    """Many long arrays in one message cost no more together than one."""
    budget = Budget()
    held = Compound(variant_to_binary(ua.Variant([""] * 15_000, ua.VariantType.String)), 0)
    assert take_part(held, ((14_999,),), Layouts(), budget)[1] == ""
    assert take_part(held, ((14_999,),), Layouts(), budget)[1] == "BadEncodingLimitsExceeded"
    assert budget.steps < MOST_STEPS


def test_columns_get_the_parts_their_tags_mean():
    """Each value is replaced by the part its tag means; the others stay as they are."""
    array = variant_to_binary(ua.Variant([5, 6], ua.VariantType.Int16))
    number = variant_to_binary(ua.Variant(9, ua.VariantType.Int16))
    data = b"".join(
        struct.pack("<IB", handle, 1) + value
        for handle, value in ((0, array), (1, number), (2, array), (3, number))
    )
    columns, _ = read_items(data, 0, 4)
    take_parts(columns, (((1,),), (), (), ((0,),)), columns.handles, Layouts())
    assert (columns.values[0], columns.values[1], columns.values[3]) == (6, 9, None)
    assert columns.unfit == {2: "BadTypeMismatch", 3: "BadTypeMismatch"}
