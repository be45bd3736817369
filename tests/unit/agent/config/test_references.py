"""Codes and references: credit codes, regions, time zones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config.uscc import ALPHABET, check_character, malformed, normalized

VALID = [
    "91420106MA4K00010G",
    "91420606MA4900010G",
    "91420111MA4KXY216Y",
    "91420505MA4F000084",
    "91429004MA7A1B2C5N",
    "91420100MA4K0007XR",
    "91420100MA4K001250",
    "91110000600037341L",
]


@pytest.mark.parametrize("code", VALID)
def test_known_codes_are_valid(code):
    """Codes whose check character is known agree with ours."""
    assert malformed(code) is None
    assert check_character(code) == code[-1]


@given(st.sampled_from(VALID), st.integers(0, 17), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_always_found(code, at, char):
    """The check character tells every single mistyped character."""
    wrong = code[:at] + char + code[at + 1 :]
    if wrong != code and malformed(wrong) is None:
        assert check_character(wrong) != wrong[-1]


@pytest.mark.parametrize("code", ["", "914201061234567", VALID[0] + "X", "9142010OMA4K00010G"])
def test_what_is_no_code_is_told(code):
    """Length, letters that do not occur, and a region that is no number are told."""
    assert malformed(code) is not None
    assert malformed("9142AB06MA4K00010G") is not None


def test_a_code_is_read_as_people_type_it():
    """Blanks, hyphens, small letters and full-width digits do not matter."""
    assert normalized("９1420106-ma4k 00010g") == VALID[0]


@pytest.mark.parametrize(
    ("enterprise", "codes"),
    [
        ("{id: e, uscc: 91420106MA4K00010G, region: '420106'}", []),
        ("{id: e, uscc: 91420106MA4K0001OG}", ["E1207"]),
        ("{id: e, uscc: 91420106MA4K00010H}", ["W1604"]),
        ("{id: e, region: '4201'}", ["E1208"]),
        ("{id: e, region: 42O106}", ["E1208"]),
        ("{id: e, region: 420821}", ["W1609"]),
        ("{id: e, industry: D3421}", ["E1210"]),
        ("{id: e, industry: 3484}", []),
    ],
)
def test_codes_of_the_enterprise_are_checked(look, enterprise, codes):
    """A code that cannot be is an error; a check character that does not fit is a warning."""
    examined = look(
        f"""\
        gateway: {{id: g}}
        enterprise: {enterprise}
        publish: [{{url: "mqtts://b"}}]
        """,
        head=False,
    )
    assert [one.code for one in examined.problems if one.code != "W1605"] == codes


@pytest.mark.parametrize("zone", ["Asia/Wuhan", "../etc/passwd", "Asia", "x" * 300, "/etc"])
def test_an_unknown_time_zone_is_told(look, zone):
    """A name that is no zone, a path and a folder of the data base are refused alike."""
    examined = look(
        f"""\
        gateway: {{id: g, timezone: {zone}}}
        enterprise: {{id: e}}
        publish: [{{url: "mqtts://b"}}]
        """,
        head=False,
    )
    assert "E1206" in [one.code for one in examined.problems]
