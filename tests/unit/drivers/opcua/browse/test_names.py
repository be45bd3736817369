"""Texts of strangers, and units."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.opcua.browse.names import clean, level
from drivers.opcua.browse.units import UCUM, ucum_of, unece_of


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("主轴", "主轴"),
        ("a\x1b[31mb\x07", "a[31mb"),
        ("a\r\nb\tc", "a b c"),
        ("abc\u202egnp.exe", "abcgnp.exe"),
        ("a\u200b\u2066b\ufeff", "ab"),
        ("  a  ", "a"),
        ("x" * 1_000_000, "x" * 127 + "…"),
        ("\ud800", ""),
        (None, ""),
        (7, ""),
    ],
)
def test_what_cannot_be_seen_is_taken_out(text, shown):
    """Control characters, overrides and endless names do not reach a terminal."""
    assert clean(text) == shown


@given(st.text())
def test_a_cleaned_text_is_one_short_visible_line(text):
    """Whatever comes in, one line of at most 128 visible characters comes out."""
    shown = clean(text)
    assert len(shown) <= 128
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert "/" not in level(text)
    assert level(text)


@pytest.mark.parametrize(
    ("number", "unit"),
    [(4_408_652, "Cel"), (5_066_068, "mm"), (20_529, "%"), (5_394_509, "{rev}/min"),
     (4_732_977, "mm/min"), (4_937_544, "kW.h"), (5_457_219, "s"), (4_342_098, "bar")],
)  # fmt: skip
def test_units_of_the_standard_become_ucum(number, unit):
    """The UnitIds that the standard's own table gives are read."""
    assert ucum_of(number, "text") == unit


def test_unknown_units_keep_their_text():
    """What is no UNECE code, or none we know, is what the server wrote; never a guess."""
    assert ucum_of(-1, "Stück") == "Stück"
    assert ucum_of(0x5A5A5A, "foo\x07") == "foo"
    assert ucum_of(1 << 30, None) == ""


def test_the_table_is_of_codes():
    """Every code of the table is one that a UnitId can hold."""
    assert all(unece_of(int.from_bytes(code.encode(), "big")) == code for code in UCUM)
