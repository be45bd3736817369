"""Unified social credit codes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config.codes import Severity, parse_uscc
from agent.config.uscc import ALPHABET, check_character

VALID = (
    "91420106MA4K00010G", "91420606MA4900010G", "91420111MA4KXY216Y", "91420505MA4F000084",
    "91429004MA7A1B2C5N", "91420100MA4K0007XR", "91420100MA4K001250", "91110000600037341L",
)  # fmt: skip


@pytest.mark.parametrize("code", VALID)
def test_valid(code):
    """Codes with the right check characters have no problem at all."""
    parsed = parse_uscc(code)
    assert (parsed.code, parsed.valid, parsed.problems) == (code, True, ())
    assert parsed.region == code[2:8]


@pytest.mark.parametrize(
    ("text", "id_"),
    [
        ("91420106MA4K00010H", "uscc_check_digit"),
        ("91420106MA4K00010", "uscc_length"),
        ("", "uscc_length"),
        ("420106000012345", "uscc_old_number"),
        *((f"9142010{bad}MA4K00010G", "uscc_character") for bad in "IOSVZ"),
        ("914201A6MA4K00010G", "uscc_character"),
        ("91420106MA4K0001湖G", "uscc_character"),
    ],
)
def test_invalid(text, id_):
    """What cannot be right is named, in both languages, and nothing raises."""
    parsed = parse_uscc(text)
    (found,) = parsed.problems
    assert (parsed.valid, found.id, found.severity) == (False, id_, Severity.ERROR)
    assert found.message.en
    assert found.message.zh


@pytest.mark.parametrize(
    "text",
    [" 9142 0106 MA4K 0001 0G ", "91420106-ma4k00010g", "９１４２０１０６ＭＡ４Ｋ０００１０Ｇ"],
)
def test_traces_of_typing_are_removed(text):
    """Spaces, hyphens, small letters and full-width characters are no problem."""
    assert parse_uscc(text).code == "91420106MA4K00010G"
    assert parse_uscc(text).valid


def test_wrong_organization_digit_is_a_warning():
    """The inner organization code's own digit is checked and does not reject the code."""
    body = "91420106MA4K00011"
    parsed = parse_uscc(body + check_character(body + "0"))
    assert parsed.valid
    assert [p.id for p in parsed.problems] == ["uscc_organization_digit"]


def test_other_registrars_are_noted():
    """A code that was not given to a business is valid, with a note."""
    body = "12420106MA4K00010"
    parsed = parse_uscc(body + check_character(body + "0"))
    assert parsed.valid
    assert [(p.id, p.severity) for p in parsed.problems] == [("uscc_not_business", Severity.NOTE)]


@given(st.sampled_from(VALID), st.integers(0, 17), st.sampled_from(ALPHABET))
def test_any_single_mistyped_character_is_found(code, position, character):
    """No single wrong character passes."""
    typed = code[:position] + character + code[position + 1 :]
    assert parse_uscc(typed).valid == (typed == code)


@given(st.text(max_size=40))
def test_any_text_gives_an_answer(text):
    """Parsing never raises, and what is no code is not valid."""
    parsed = parse_uscc(text)
    assert parsed.valid == all(p.severity is not Severity.ERROR for p in parsed.problems)
