"""What becomes of values, statuses and times in a frame."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.api import ClockSource, DataType, Quality, Tag
from drivers.opcua import DRIVER
from drivers.opcua.decoding.items import Columns
from drivers.opcua.frames import MOST_SKEW_S, bad_frame, make_frame, source_times
from drivers.testing.frames import assert_frame_valid

READ_NS = 1_750_000_000_000_000_000
TICKS = (READ_NS + 11_644_473_600 * 10**9) // 100


def plan_of(count, data_type=DataType.AUTO):
    config = DRIVER.config(driver="opcua", url="opc.tcp://plc")
    tags = [Tag(f"t{n}", f"i={n}", data_type) for n in range(count)]
    return DRIVER.plan(config, tags, device="d", group="g")


def frame_of(columns, *, data_type=DataType.AUTO):
    plan = plan_of(len(columns.values), data_type)
    frame, restamped = make_frame(plan, columns, read_ns=READ_NS, tags=None, layouts=None)
    assert_frame_valid(frame, plan, complete=True)
    return frame, restamped


def test_plain_values_need_no_qualities():
    """Good values with fresh source times keep them, and nothing else is said."""
    frame, restamped = frame_of(Columns((), [1, 2.5, "x"], None, [TICKS, TICKS - 10, TICKS]))
    assert frame.values == (1, 2.5, "x")
    assert frame.times_ns == (READ_NS, READ_NS - 1000, READ_NS)
    assert (frame.good, frame.clock, restamped) == (True, ClockSource.DEVICE, 0)


@pytest.mark.parametrize(
    ("code", "quality", "reason", "value"),
    [
        (0x40900000, Quality.UNCERTAIN, "UncertainLastUsableValue", 7),
        (0x80310000, Quality.BAD, "BadNoCommunication", None),
        (0x808B0000, Quality.BAD, "BadDeviceFailure", None),
        (0xC0000000, Quality.BAD, "Bad0xC0000000", None),
        (0x80FE1234, Quality.BAD, "Bad0x80FE0000", None),
    ],
)
def test_status_is_quality_and_name(code, quality, reason, value):
    """The two upper bits are the quality, the name is the reason, and bad is no value."""
    frame, _ = frame_of(Columns((), [7, 7], [code, 0]))
    assert frame.values == (value, 7)
    assert frame.qualities == bytes([quality, Quality.GOOD])
    assert frame.reasons == {0: reason}


def test_overflow_bit_is_counted():
    """Each value that reports lost samples before it counts one, and stays good."""
    frame, _ = frame_of(Columns((), [1, 2, 3], [0x480, 0, 0x480]))
    assert (frame.overflow, frame.good) == (2, True)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("company", [1.0, "x", 2**64 - 1, None])
def test_not_a_number_is_no_value(number, company):
    """NaN and infinities are BAD among whatever company, never 0 and never sent on."""
    unfit = {1: "BadNoData"} if company is None else {}
    frame, _ = frame_of(Columns((), [number, company], unfit=unfit))
    assert frame.values == (None, company)
    assert frame.reasons is not None
    assert frame.reasons[0] == "BadNotANumber"


def test_sum_beyond_floats_is_no_fault():
    """Finite values whose sum is infinite stay good."""
    frame, _ = frame_of(Columns((), [1.7e308, 1.7e308]))
    assert (frame.values, frame.good) == ((1.7e308, 1.7e308), True)


@pytest.mark.parametrize(
    ("sources", "times_ns", "restamped"),
    [
        (None, None, 2),
        ([0, 0], None, 2),
        ([TICKS, 0], (READ_NS, READ_NS), 1),
        ([TICKS - 3001 * 10**6, TICKS - 10], (READ_NS, READ_NS - 1000), 1),
        ([TICKS + 3001 * 10**6, TICKS - 2999 * 10**6], (READ_NS, READ_NS - 2999 * 10**8), 1),
        ([2**62, -(2**62)], None, 2),
    ],
)
def test_strange_source_times_are_replaced(sources, times_ns, restamped):
    """A time that is absent or 300 s off is the time of receipt, counted, quality unchanged."""
    frame, counted = frame_of(Columns((), [1, 2], None, sources))
    assert (frame.times_ns, counted, frame.good) == (times_ns, restamped, True)


@given(
    st.lists(st.integers(-(2**62), 2**62) | st.integers(TICKS - 10**9, TICKS + 10**9), min_size=1)
)
def test_times_are_always_near_receipt(sources):
    """No frame bears a time more than 300 s from its receipt."""
    frame, _ = frame_of(Columns((), [1] * len(sources), None, sources))
    assert all(abs(time_ns - READ_NS) <= 300 * 10**9 for time_ns in frame.times_ns or ())


@pytest.mark.parametrize(
    ("declared", "value", "kept", "reason"),
    [
        (DataType.BOOL, True, True, None),
        (DataType.BOOL, 1, None, "BadTypeMismatch"),
        (DataType.INT16, 5, 5, None),
        (DataType.INT16, True, None, "BadTypeMismatch"),
        (DataType.INT16, 5.5, None, "BadTypeMismatch"),
        (DataType.FLOAT32, 5, 5.0, None),
        (DataType.FLOAT64, "5", None, "BadTypeMismatch"),
        (DataType.STRING, "5", "5", None),
        (DataType.STRING, 5, None, "BadTypeMismatch"),
    ],
)
def test_declared_types_are_held_to(declared, value, kept, reason):
    """A value of another kind than the point table declares is not taken for it."""
    frame, _ = frame_of(Columns((), [value]), data_type=declared)
    assert (frame.values, type(frame.values[0])) == ((kept,), type(kept))
    assert (frame.reasons or {}).get(0) == reason


def test_refused_tags_are_a_frame():
    """Tags that cannot be monitored are BAD, each with its reason, under its own column."""
    plan = plan_of(5)
    frame = bad_frame(plan, {4: "BadNodeIdUnknown", 1: "BadNotReadable"}, read_ns=READ_NS)
    assert_frame_valid(frame, plan)
    assert frame.columns == (1, 4)
    assert frame.reasons == {0: "BadNotReadable", 1: "BadNodeIdUnknown"}


@given(
    st.lists(st.sampled_from([0, 5, -7, 2 * MOST_SKEW_S * 10**7]), min_size=1, max_size=6),
    st.integers(1, 4),
    st.integers(0, 3),
)
def test_times_that_repeat_are_those_worked_out_one_by_one(pattern, again, cut):
    """Samplings that come again and again, cut anywhere, give each value its own time."""
    sources = tuple(([TICKS + late for late in pattern] * again)[cut:]) or (TICKS,)
    strange = [abs(ticks - TICKS) > MOST_SKEW_S * 10**7 for ticks in sources]
    expected = tuple(
        READ_NS if odd else READ_NS + (ticks - TICKS) * 100
        for ticks, odd in zip(sources, strange, strict=True)
    )
    found = source_times(sources, len(sources), READ_NS)
    assert found == (None if all(strange) else expected, sum(strange))
