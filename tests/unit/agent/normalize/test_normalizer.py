"""Raw frames to engineering frames: converted, judged, never invented, never changed in place."""

from __future__ import annotations

import copy
import math

from hypothesis import given
from hypothesis import strategies as st
from unit.agent.normalize.engineering import (
    ANYTHING,
    BAD,
    GOOD,
    T_NS,
    UNCERTAIN,
    check_frame,
    full,
    part,
    seen,
    tag,
    tags,
)

from agent.config.model import MachineState
from agent.normalize.normalizer import Normalizer
from drivers.api import ClockSource, DataType, Frame

STATES = {"1": MachineState.RUNNING, "2": MachineState.IDLE}
MIXED = tags(
    {"kind": DataType.INT32},
    {"scale": 0.1, "min": 0, "max": 10},
    {"kind": DataType.INT16, "states": STATES},
    {"kind": DataType.AUTO},
    {"kind": DataType.AUTO, "scale": 2.0, "offset": 1.0},
)


def raw_frames(most=6):
    """Frames a driver may hand over: any columns, repeats, qualities and times."""
    entry = st.tuples(
        st.integers(0, len(MIXED) - 1),
        ANYTHING,
        st.sampled_from([GOOD, GOOD, UNCERTAIN, BAD]),
        st.integers(0, 2**60),
    )
    return st.lists(entry, min_size=1, max_size=most).map(_partial)


def _partial(entries):
    marks = [mark for _, _, mark, _ in entries]
    return part(
        [column for column, _, _, _ in entries],
        *(None if mark == BAD else value for _, value, mark, _ in entries),
        marks=marks if set(marks) != {GOOD} else None,
        reasons={i: f"Why{i}" for i, mark in enumerate(marks) if mark != GOOD} or None,
        times_ns=tuple(t for *_, t in entries),
        clock=ClockSource.DEVICE,
    )


def test_a_good_frame_is_converted_whole():
    """Scale, offset and states are applied; time and identity of the frame stay."""
    done = Normalizer(MIXED).apply(full(7, 50, 1, "text", 3))
    assert done.values == (7, 5.0, "running", "text", 7.0)
    assert (done.device, done.group, done.read_ns, done.qualities) == ("d", "g", T_NS, None)


def test_text_in_a_column_of_numbers_passes():
    """A tag whose type the server decides may give text: it is not scaled, and no error."""
    done = Normalizer(MIXED).apply(full(7, 50, 1, 1.5, "E05"))
    assert done.values == (7, 5.0, "running", 1.5, "E05")
    assert done.good


def test_limits_and_maps_lower_the_quality_and_say_why():
    """Out of range and not mapped are uncertain, with the value; no number is bad, without."""
    done = Normalizer(MIXED).apply(full(7, 101, 9, math.nan, math.inf))
    assert seen(done) == [
        (0, 7, GOOD, "", T_NS),
        (1, 101 * 0.1, UNCERTAIN, "UncertainEngineeringUnitsExceeded", T_NS),
        (2, "unknown", UNCERTAIN, "UncertainStateNotMapped", T_NS),
        (3, None, BAD, "BadNotANumber", T_NS),
        (4, None, BAD, "BadNotANumber", T_NS),
    ]


def test_an_overflow_by_scaling_is_found():
    """An integer that its scale makes infinite is bad, not a silent nothing."""
    done = Normalizer([tag(kind=DataType.INT64, scale=1e300)]).apply(full(2**62))
    assert seen(done) == [(0, None, BAD, "BadNotANumber", T_NS)]


def test_a_quality_is_never_raised():
    """What the driver called bad or uncertain stays so, with the driver's reason."""
    raw = full(None, 500, 1, 2, 3, marks=[BAD, UNCERTAIN, GOOD, GOOD, GOOD],
               reasons={0: "BadDeviceFailure", 1: "UncertainLastUsableValue"})  # fmt: skip
    done = Normalizer(MIXED).apply(raw)
    assert seen(done)[:2] == [
        (0, None, BAD, "BadDeviceFailure", T_NS),
        (1, 50.0, UNCERTAIN, "UncertainLastUsableValue", T_NS),
    ]


def test_a_partial_frame_keeps_columns_order_and_times():
    """Columns may come in any order and repeatedly; each is treated by its own tag."""
    raw = part([2, 1, 1], 1, 10, 20, times_ns=(5, 6, 7))
    done = Normalizer(MIXED).apply(raw)
    assert seen(done) == [(2, "running", GOOD, "", 5), (1, 1.0, GOOD, "", 6), (1, 2.0, GOOD, "", 7)]


def test_the_same_tuple_in_is_the_same_tuple_out():
    """A driver that hands over the same object gets the same object on, converted or not."""
    for group, values in ((MIXED, (1, 2, 1, 4, 5)), (tags({"kind": DataType.INT16}), (1,))):
        normalizer = Normalizer(group)
        first = normalizer.apply(Frame("d", "g", 1, values))
        second = normalizer.apply(Frame("d", "g", 2, values))
        assert second.values is first.values
        assert (first.read_ns, second.read_ns) == (1, 2)


def test_a_group_without_work_hands_the_frame_on():
    """Where nothing is to be done the frame itself goes on."""
    normalizer = Normalizer(tags({"kind": DataType.INT16}, {"kind": DataType.BOOL}))
    good, some = full(1, True), part([1], None, marks=[BAD], reasons={0: "Bad"})
    assert normalizer.apply(good) is good
    assert normalizer.apply(some) is some


def test_a_suspicious_tuple_is_judged_every_time():
    """A value out of range stays uncertain when the driver hands over the same object again."""
    normalizer, values = Normalizer(MIXED), (1, 500, 1, 4, 5)
    for read_ns in (1, 2, 3):
        done = normalizer.apply(full(*values, read_ns=read_ns))
        assert done.qualities[1] == UNCERTAIN
        assert done.read_ns == read_ns


@given(raw_frames())
def test_any_frame_keeps_its_shape_and_is_never_changed(raw):
    """Columns, order, times, clock and overflow stay; the frame handed in is left as it was."""
    before = copy.deepcopy(seen(raw))
    done = Normalizer(MIXED).apply(raw)
    check_frame(done)
    assert str(seen(raw)) == str(before)
    assert [(c, t) for c, _, _, _, t in seen(done)] == [(c, t) for c, _, _, _, t in before]
    assert (done.clock, done.overflow, done.read_ns) == (raw.clock, raw.overflow, raw.read_ns)
    for (_, value, mark, _, _), (_, raw_value, raw_mark, _, _) in zip(
        seen(done), before, strict=True
    ):
        assert mark <= raw_mark
        assert (raw_value is None) <= (value is None), "nothing is invented"
        assert not (isinstance(value, float) and not math.isfinite(value))


@given(st.lists(ANYTHING, min_size=5, max_size=5))
def test_the_quick_way_is_the_careful_way(values):
    """A full good frame gives the same as the same values named column by column."""
    quick = Normalizer(MIXED).apply(full(*values))
    careful = Normalizer(MIXED).apply(part(range(5), *values))
    assert seen(quick) == seen(careful)
