"""`assert_frame_valid` lets every correct frame pass and names what is wrong with the others."""

from dataclasses import replace

import pytest

from drivers.api import ClockSource, DataType, Frame, Tag
from drivers.testing.expect import Violation
from drivers.testing.frames import assert_frame_valid, type_problem, values_by_tag
from drivers.testing.scripted import ScriptedPlan

TAGS = (Tag("a", "a", DataType.INT16), Tag("b", "b", DataType.FLOAT64), Tag("c", "c"))
PLAN = ScriptedPlan("m", "g", TAGS)
GOOD = Frame("m", "g", 1_700_000_000_000_000_000, (1, 2.0, "x"))
BAD_B = replace(GOOD, values=(1, None, "x"), qualities=bytes([192, 0, 192]), reasons={1: "lost"})
PARTIAL = replace(GOOD, values=("y", 5), columns=(2, 0))
STAMPED = replace(GOOD, times_ns=(1, 2, 3), clock=ClockSource.DEVICE)
DOUBTFUL = replace(BAD_B, values=(1, 2.5, "x"), qualities=bytes([192, 64, 192]))


@pytest.mark.parametrize("frame", [GOOD, BAD_B, PARTIAL, STAMPED, DOUBTFUL])
def test_correct_frame_passes(frame):
    """Whole, partial, stamped, bad and doubtful frames keep the contract."""
    assert_frame_valid(frame, PLAN)


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (replace(GOOD, device="other"), "belongs to m/g"),
        (replace(GOOD, values=[1, 2.0, "x"]), "not a tuple"),
        (replace(GOOD, values=(1, 2.0)), "2 values for 3 tags"),
        (replace(PARTIAL, columns=(2,)), "1 columns for 2 values"),
        (replace(PARTIAL, columns=(2, 3)), "outside the 3 tags"),
        (replace(BAD_B, qualities=bytes(2)), "2 qualities for 3 values"),
        (replace(STAMPED, times_ns=(1,)), "1 times_ns for 3 values"),
        (replace(BAD_B, reasons={3: "lost"}), "reasons point outside"),
        (replace(GOOD, overflow=-1), "overflow is -1"),
        (replace(GOOD, read_ns=1.7e18), "read_ns is"),
        (replace(GOOD, clock=ClockSource.DEVICE), "times_ns missing"),
        (replace(STAMPED, clock=ClockSource.AGENT), "times_ns given"),
        (replace(STAMPED, times_ns=(1, 0, 3)), "something else than UTC"),
        (replace(GOOD, qualities=bytes([192] * 3)), "leave it None"),
        (replace(BAD_B, qualities=bytes([192, 7, 192])), "quality 7"),
        (replace(BAD_B, reasons=None), "no reason given"),
        (replace(BAD_B, values=(1, 0.0, "x")), "an error is not a value"),
        (replace(BAD_B, reasons={0: "odd", 1: "lost"}), "good, yet with the reason"),
        (replace(GOOD, values=(1, None, "x")), "has no value"),
        (replace(GOOD, values=(40000, 2.0, "x")), "outside int16"),
    ],
)
def test_wrong_frame_is_named(frame, said):
    """Each way to break the contract is said in words."""
    with pytest.raises(Violation, match=said):
        assert_frame_valid(frame, PLAN)


def test_read_holds_every_tag_once():
    """A partial frame is no answer to a read."""
    with pytest.raises(Violation, match="exactly once"):
        assert_frame_valid(PARTIAL, PLAN, complete=True)


@pytest.mark.parametrize(
    ("data_type", "right", "wrong"),
    [
        (DataType.BOOL, (True,), (1, "x")),
        (DataType.BIT, (False,), (0,)),
        (DataType.UINT8, (0, 255), (-1, 256, True, 1.0)),
        (DataType.INT8, (-128, 127), (-129, 128)),
        (DataType.INT64, (-(2**63), 2**63 - 1), (2**63,)),
        (DataType.UINT64, (2**64 - 1,), (2**64,)),
        (DataType.FLOAT32, (1.5,), (1, True)),
        (DataType.FLOAT16, [1.5], [1, None]),
        (DataType.BCD16, [0, 9999], [-1, 10_000, 1.0]),
        (DataType.BCD64, [10**16 - 1], [10**16]),
        (DataType.DATETIME, ["2026-11-23T12:00:00"], [1, None]),
        (DataType.STRING, ("",), (b"", 1)),
        (DataType.AUTO, (1, 1.0, "", b"", True), ([1],)),
    ],
)
def test_types_are_exact(data_type, right, wrong):
    """A value is of its tag's type and range; 1 is neither True nor 1.0."""
    tag = Tag("t", "t", data_type)
    assert [type_problem(value, tag) for value in right] == [""] * len(right)
    assert all(type_problem(value, tag) for value in wrong)


def test_values_by_tag_follow_columns():
    """Values are found under the tags their columns name."""
    assert values_by_tag(GOOD, PLAN) == {"a": 1, "b": 2.0, "c": "x"}
    assert values_by_tag(PARTIAL, PLAN) == {"c": "y", "a": 5}
