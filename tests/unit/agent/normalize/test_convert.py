"""Scale, offset and state maps: compiled for a whole tuple, the same as one by one."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.agent.normalize.engineering import NUMBERS, tag, tags

from agent.config.model import MachineState
from agent.normalize.convert import (
    NOT_A_NUMBER,
    NOT_MAPPED,
    OUT_OF_RANGE,
    Conversion,
    Limits,
    compile_columns,
    conversion_of,
    state_map,
)
from drivers.api import DataType

STATES = {"3": MachineState.RUNNING, "0x10": MachineState.ALARM, "off": MachineState.OFF}
CONVERSIONS = st.sampled_from(
    [
        Conversion(),
        Conversion(scale=0.1),
        Conversion(scale=-2.5, offset=4),
        Conversion(offset=-273.15),
        Conversion(states=state_map(STATES)),
    ]
)


@given(st.lists(st.tuples(CONVERSIONS, NUMBERS), min_size=1, max_size=30))
def test_the_compiled_function_is_the_slow_one(columns):
    """Over any mix of columns the compiled conversion gives what converting one by one gives."""
    conversions = [c for c, _ in columns]
    values = tuple(v for _, v in columns)
    compiled = compile_columns(conversions)
    expected = tuple(c(v) for c, v in columns)
    if compiled is None:
        assert all(c.identity for c in conversions)
        assert expected == values
    else:
        got = compiled(values)
        assert got == expected
        assert [type(v) for v in got] == [type(v) for v in expected]


def test_nothing_to_do_compiles_to_nothing():
    """A group without conversions costs nothing."""
    assert compile_columns([Conversion(), Conversion()]) is None


def test_scale_comes_before_offset():
    """An engineering value is raw x scale + offset."""
    assert conversion_of(tag(scale=0.1, offset=5))(20) == 7.0


@pytest.mark.parametrize("value", [None, "text", b"\x01"])
def test_what_is_no_number_passes_a_scale(value):
    """Text, bytes and None are not scaled."""
    assert Conversion(scale=2.0, offset=1.0)(value) is value


@pytest.mark.parametrize(
    ("raw", "state"),
    [
        (3, "running"), (3.0, "running"), ("3", "running"), (16, "alarm"), ("0x10", "alarm"),
        ("off", "off"), (4, "unknown"), ("OFF", "unknown"), (b"3", "unknown"), (None, None),
    ],
)  # fmt: skip
def test_states_match_as_text_and_as_number(raw, state):
    """A key matches the text it is and the number it writes; what no key names is unknown."""
    assert Conversion(states=state_map(STATES))(raw) == state


@pytest.mark.parametrize(("raw", "state"), [(True, "running"), (False, "off"), ("true", "running")])
def test_states_of_a_switch(raw, state):
    """A boolean tag can have states, written as true and false in any case."""
    states = state_map({"True": MachineState.RUNNING, "false": MachineState.OFF})
    assert Conversion(states=states | {"true": "running"})(raw) == state


LIMITED = Limits(
    tags(
        {"min": 0, "max": 100},
        {"kind": DataType.FLOAT32},
        {"kind": DataType.INT32, "states": STATES},
        {"kind": DataType.INT32},
        {"min": -5},
        {"kind": DataType.AUTO},
    )
)
FINE = (50.0, 1.0, "running", 7, 0.0, 1.5)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        (0, 100, None), (0, 100.01, OUT_OF_RANGE), (0, -1, OUT_OF_RANGE), (0, None, None),
        (0, "text", None), (1, math.nan, NOT_A_NUMBER), (1, math.inf, NOT_A_NUMBER),
        (1, -math.inf, NOT_A_NUMBER), (0, math.nan, NOT_A_NUMBER), (1, 1e308, None),
        (2, "unknown", NOT_MAPPED), (2, "idle", None), (3, 2**63, None), (4, -6, OUT_OF_RANGE),
        (4, 1e300, None), (5, "unknown", None), (5, math.nan, NOT_A_NUMBER),
    ],
)  # fmt: skip
def test_what_must_not_count_as_good(column, value, reason):
    """Limits, missing states and numbers that are none are found, by the value and in the tuple."""
    assert LIMITED.reason(column, value) == reason
    values = (*FINE[:column], value, *FINE[column + 1 :])
    assert not LIMITED.suspicious(FINE)
    if reason is not None:
        assert LIMITED.suspicious(values)


@given(st.lists(st.floats() | st.integers(-(2**64), 2**64), min_size=6, max_size=6))
def test_a_tuple_that_is_not_suspicious_has_no_reason(values):
    """The quick look over the whole tuple never overlooks what the look at each value finds."""
    values[2], values[3] = "running", 7  # a whole-number column never holds a NaN
    reasons = [LIMITED.reason(i, v) for i, v in enumerate(values)]
    if any(reasons):
        assert LIMITED.suspicious(tuple(values))


def test_numbers_that_cannot_be_infinite_are_not_looked_at():
    """A group of integers without limits has nothing to find."""
    assert Limits(tags({"kind": DataType.UINT16}, {"kind": DataType.BOOL, "scale": 0.1})).harmless
    assert not Limits(tags({"kind": DataType.UINT16, "scale": 1e300})).harmless
    assert not Limits(tags({"kind": DataType.UINT16, "max": 5})).harmless
    assert not Limits(tags({"kind": DataType.FLOAT32})).harmless
