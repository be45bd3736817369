"""Regions of Hubei."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config.codes import Severity, parse_region, prefecture
from agent.config.codes.hubei import COUNTIES, PREFECTURES, RETIRED


def test_seventeen_units_make_the_province():
    """Counties roll up to 13 prefectures and 4 counties that stand alone, 17 units in all."""
    assert len(COUNTIES) == 103
    units = {prefecture(code) for code in COUNTIES}
    assert len(units) == 17
    assert units - set(PREFECTURES) == {"429004", "429005", "429006", "429021"}


@pytest.mark.parametrize(
    ("county", "unit"), [("420606", "420600"), ("429005", "429005"), ("422822", "422800")]
)
def test_prefecture(county, unit):
    """A county belongs to its prefecture; those under the province stand for themselves."""
    assert prefecture(county) == unit


def test_current_county():
    """A county in use has a name and no problem."""
    found = parse_region("421088")
    assert (found.name, found.current, found.problems) == ("监利市", True, ())


@pytest.mark.parametrize(
    ("old", "new"),
    [("420821", "420882"), ("421023", "421088"), ("420321", "420304"), ("421302", "421303")],
)
def test_retired_county_names_its_successor(old, new):
    """A retired code is a warning with the code in use now."""
    found = parse_region(old)
    assert (found.current, found.successor) == (False, new)
    assert [(p.id, p.severity) for p in found.problems] == [("region_retired", Severity.WARNING)]
    assert new in found.problems[0].message.zh


def test_every_successor_is_in_use():
    """Successors are current, and no current code is called retired."""
    assert {new for new, _ in RETIRED.values() if new} <= set(COUNTIES)
    assert set(RETIRED).isdisjoint(COUNTIES)


@pytest.mark.parametrize(
    ("text", "id_"),
    [
        ("430100", "region_outside"),
        ("420400", "region_retired"),
        ("420100", "region_no_county"),
        ("420000", "region_no_county"),
        ("429000", "region_unknown"),
        ("420199", "region_unknown"),
        ("4201", "region_form"),
        ("42010a", "region_form"),
        ("武昌区", "region_form"),
        ("", "region_form"),
    ],
)
def test_problems(text, id_):
    """Each way to be wrong has its own name, in both languages."""
    (found,) = parse_region(text).problems
    assert found.id == id_
    assert found.message.en
    assert found.message.zh


def test_sand_city_has_no_single_successor():
    """420400 went to several counties: it is retired, without a successor."""
    assert parse_region("420400").successor == ""


@given(st.text(max_size=12))
def test_any_text_gives_an_answer(text):
    """A region is current, or it has a problem."""
    found = parse_region(text)
    assert found.current or found.problems
