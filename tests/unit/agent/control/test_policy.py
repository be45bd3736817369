"""The rules a value must pass before anything is sent."""

import math
import struct
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config.model import TagEntry
from agent.control import texts
from agent.control.inverse import INTEGER_RANGES, Inexact, exact, raw_of
from agent.control.policy import Refused, judge
from agent.normalize.convert import conversion_of
from drivers.api import DataType

FLOATS = {DataType.FLOAT16: "<e", DataType.FLOAT32: "<f", DataType.FLOAT64: "<d"}


def tag(type_="int16", write=None, **keys):
    return TagEntry(
        name="t", address="a", type=type_, write={"min": 0, "max": 100} | (write or {}), **keys
    )


def switch(**keys):
    return TagEntry(name="t", address="a", type="bool", write={}, **keys)


@pytest.mark.parametrize(
    ("entry", "text", "value", "raw"),
    [
        (tag(), "0", 0, 0),
        (tag(), " 100 ", 100, 100),
        (tag(), "４２", 42, 42),
        (tag(), "1e2", 100, 100),
        (tag(scale=0.1), "20.5", 20.5, 205),
        (tag(scale=0.1, offset=-5), "20.5", 20.5, 255),
        (tag(scale=-2), "8", 8, -4),
        (tag("uint16", {"step": 0.1}, scale=0.1), "0.3", 0.3, 3),
        (tag("uint16", {"min": 0.05, "step": 0.1}, scale=0.01), "0.35", 0.35, 35),
        (tag("float32"), "36.6", 36.6, 36.599998474121094),
        (tag("float64", scale=3), "1", 1.0, 1 / 3),
        (tag("bcd16", {"max": 9999}), "9999", 9999, 9999),
        (tag("int64", {"min": -(2.0**62), "max": 2.0**62}), "4611686018427387903", 2**62 - 1, None),
        (switch(), "1", True, True),
        (switch(), "OFF", False, False),
        (switch(), "开", True, True),
    ],
)
def test_what_may_be_written(entry, text, value, raw):
    """A value within the rules has the raw value that gives it."""
    wanted = judge(entry, text, since_last_s=None)
    assert wanted.value == value
    assert type(wanted.value) is type(value)
    assert wanted.raw == (value if raw is None else raw)


@pytest.mark.parametrize(
    ("entry", "text", "code", "said"),
    [
        (TagEntry(name="t", address="a", type="int16"), "1", "not_enabled", "write"),
        (TagEntry(name="t", address="a", type="int16", min=0, max=9), "1", "not_enabled", "write"),
        (tag(), "", "not_a_number", "''"),
        (tag(), "12,5", "not_a_number", "12,5"),
        (tag(), "0x10", "not_a_number", "0x10"),
        (tag(), "1_0", "not_a_number", "1_0"),
        (tag(), "nan", "not_a_number", "nan"),
        (tag(), "inf", "not_a_number", "inf"),
        (tag(), "1e999999999", "not_a_number", "1e999999999"),
        (tag(), "9" * 65, "not_a_number", "9999"),
        (tag(), "true", "not_a_number", "true"),
        (tag(), "-1", "out_of_range", "0 to 100"),
        (tag(), "100.0000000000000000001", "out_of_range", "0 to 100"),
        (tag("int16", {"max": 1e6}), "32768", "not_representable", "32767"),
        (tag("uint16", {"min": -5}), "-1", "not_representable", "0"),
        (tag("bcd16", {"max": 1e6}), "10000", "not_representable", "9999"),
        (tag(), "20.5", "not_representable", "20, 21"),
        (tag(scale=0.1), "20.55", "not_representable", "20.5, 20.6"),
        (tag("float32", {"max": 1e9}), "16777217", "not_representable", "16777216, 16777218"),
        (tag("float16", {"max": 1e9}), "65536", "not_representable", "65504"),
        (tag("float16", offset=-273.15), "99.95", "not_representable", "99.85, 100.1"),
        (tag("int16", {"step": 25}), "30", "off_step", "25, 50"),
        (tag("int16", {"min": 1, "max": 99, "step": 25}), "80", "off_step", "76"),
        (switch(), "2", "not_a_bool", "'2'"),
        (switch(), "", "not_a_bool", "''"),
    ],
)
def test_what_may_not_be_written(entry, text, code, said):
    """Each rule refuses by its code, saying what was seen and what could be written instead."""
    with pytest.raises(Refused) as refused:
        judge(entry, text, since_last_s=None)
    assert refused.value.code == code
    assert said in refused.value.message.en
    assert refused.value.message.zh


@pytest.mark.parametrize(
    ("since_s", "allowed"),
    [(None, True), (0.0, False), (4.99, False), (5.0, True), (-3.0, True)],
)
def test_the_rate_is_limited(since_s, allowed):
    """Two writes of a point lie its interval apart; a clock that was set back does not lock."""
    entry = tag(write={"min_interval_s": 5})
    if allowed:
        assert judge(entry, "1", since_last_s=since_s).raw == 1
    else:
        with pytest.raises(Refused, match="too_soon"):
            judge(entry, "1", since_last_s=since_s)


SCALES = st.one_of(
    st.sampled_from([1.0, 0.1, 0.01, 0.001, 10.0, -0.1, 0.5, 3.0, 1e-6]),
    st.floats(min_value=1e-6, max_value=1e6),
)
OFFSETS = st.one_of(
    st.just(0.0), st.sampled_from([-273.15, 32.0, 0.5]), st.floats(min_value=-1e6, max_value=1e6)
)
TYPES = st.sampled_from([*INTEGER_RANGES, *FLOATS])


@st.composite
def typed(draw):
    """Give a point and a number a person types: any, or one that the point can hold."""
    entry = TagEntry(
        name="t", address="a", type=draw(TYPES), scale=draw(SCALES), offset=draw(OFFSETS)
    )
    if draw(st.booleans()) and entry.type in INTEGER_RANGES:
        raw = draw(st.integers(*INTEGER_RANGES[entry.type]))
        number = Fraction(raw) * exact(entry.scale) + exact(entry.offset)
        text = Decimal(number.numerator) / Decimal(number.denominator)
    else:
        text = draw(
            st.decimals(min_value=-100_000, max_value=100_000, places=draw(st.integers(0, 6)))
        )
    return entry, text


@given(typed())
def test_what_is_agreed_to_reads_back(case):
    """A raw value that is agreed to fits its type and reads back as what was typed."""
    entry, number = case
    try:
        raw = raw_of(number, entry)
    except Inexact:
        return
    held = Fraction(raw) * exact(entry.scale) + exact(entry.offset)
    if entry.type in INTEGER_RANGES:
        least, greatest = INTEGER_RANGES[entry.type]
        assert least <= raw <= greatest
        assert held == Fraction(number)
    else:
        assert struct.unpack(FLOATS[entry.type], struct.pack(FLOATS[entry.type], raw))[0] == raw
        decimals = max(0, -number.as_tuple().exponent)
        assert abs(held - Fraction(number)) < Fraction(1, 2 * 10**decimals)
    shown = conversion_of(entry)(raw)
    assert math.isclose(shown, float(held), rel_tol=1e-9, abs_tol=1e-6)


@given(
    st.sampled_from(sorted(INTEGER_RANGES)),
    st.sampled_from([1.0, 0.1, 10.0]),
    st.decimals(min_value=-100_000, max_value=100_000, places=3),
)
def test_the_values_next_to_it_can_be_written(type_, scale, number):
    """What a refusal offers instead are values the point can hold."""
    entry = TagEntry(name="t", address="a", type=type_, scale=scale)
    try:
        raw_of(number, entry)
        near = ()
    except Inexact as error:
        near = error.near
    assert len(near) <= 2
    assert all(raw_of(Decimal(repr(one)), entry) is not None for one in near)


def test_every_text_speaks_both_languages():
    """Each refusal and each reason has a sentence in either language, with the same facts."""
    for text in (*texts.REFUSALS.values(), *texts.REASONS.values()):
        assert text.en
        assert any("\u4e00" <= char <= "\u9fff" for char in text.zh)
        assert text.en.count("{") == text.zh.count("{")
    assert "BadWhatever" in texts.reason("BadWhatever").zh
