"""Classes of economic activity."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config.codes import parse_industry
from agent.config.ledger import IndustryKind


@pytest.mark.parametrize(
    ("text", "code", "kind"),
    [
        ("C3484", "C3484", IndustryKind.DISCRETE),
        ("3484", "C3484", IndustryKind.DISCRETE),
        (" c34 ", "C34", IndustryKind.DISCRETE),
        ("C22", "C22", IndustryKind.PROCESS),
        ("C2611", "C2611", IndustryKind.PROCESS),
        ("C30", "C30", IndustryKind.PROCESS),
        ("C33", "C33", IndustryKind.DISCRETE),
        ("C13", "C13", IndustryKind.MIXED),
        ("C29", "C29", IndustryKind.MIXED),
        ("B06", "B06", IndustryKind.PROCESS),
        ("D44", "D44", IndustryKind.PROCESS),
        ("D46", "D46", IndustryKind.PROCESS),
    ],
)
def test_industry(text, code, kind):
    """A class of industry is written with its letter and has a usual kind of production."""
    found = parse_industry(text)
    assert (found.code, found.kind, found.valid, found.problems) == (code, kind, True, ())


@pytest.mark.parametrize("text", ["D3421", "B13", "C44", "C06", "A34"])
def test_letter_must_fit_the_division(text):
    """A letter whose range does not hold the division is an error that names the right one."""
    found = parse_industry(text)
    assert not found.valid
    assert [p.id for p in found.problems] == ["industry_letter"]


@pytest.mark.parametrize(
    "text", ["", "C", "C3", "C34841", "Z34", "C00", "C98", "机械", "34C", "U34"]
)
def test_malformed(text):
    """What is no class is an error, in both languages."""
    (found,) = parse_industry(text).problems
    assert found.id == "industry_form"
    assert found.message.zh


def test_outside_industry_is_a_warning():
    """A class outside B, C and D is valid, worth a warning, and has no kind of production."""
    found = parse_industry("I6510")
    assert (found.valid, found.kind) == (True, None)
    assert [p.id for p in found.problems] == ["industry_not_industrial"]


def test_unknown_edition_is_a_warning():
    """Letters of another edition are checked against 2017, and that is said."""
    found = parse_industry("C3484", "2002")
    assert found.edition == "2002"
    assert [p.id for p in found.problems] == ["industry_edition"]


@given(st.text(max_size=8))
def test_any_text_gives_an_answer(text):
    """Parsing never raises; an invalid class says why."""
    found = parse_industry(text)
    assert found.valid or found.problems
