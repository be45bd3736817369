"""The whole year: what the quarter shows, through spring festival, make-up days and to the end."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest
from proof import recompute
from year.played import play
from year.test_proof import material
from year.test_quarter import JULY, METHODS, RATES, SEPTEMBER, STANDINGS, standings, written

from agent.config.ledger import RateMethod
from agent.proof.build import data_members
from simulators.year import story

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

SPRING = written(STANDINGS[JULY]) | {"E1": ("verified", "verified")}
"""As in July, but that E1 works."""
SPRING_RATES = (*RATES[JULY][:2], "1/2 1/6 39/112 1/2 1/2", "5/8")
"""With E1: turning 3 of 8, milling 5 of 7, edm 2 of 2."""
EXPECTED = {
    date(2026, 2, 28): (SPRING, SPRING_RATES, 17),
    date(2026, 3, 31): (SPRING, SPRING_RATES, 22),
    date(2026, 6, 30): (SPRING, SPRING_RATES, 21),
    date(2026, 10, 31): (written(STANDINGS[SEPTEMBER]), RATES[SEPTEMBER], 18),
    date(2026, 12, 31): (written(STANDINGS[SEPTEMBER]), RATES[SEPTEMBER], 22),
}
"""Day -> standings, rates, production days of the window; all by hand."""


@pytest.fixture(scope="module")
def year(tmp_path_factory):
    return play(tmp_path_factory.mktemp("year"), story.FIRST, story.LAST)


@pytest.mark.parametrize("as_of", EXPECTED)
def test_every_machine_and_rate(year, as_of):
    """By name and digit by digit, with the days counted by hand."""
    by_name, (*fractions, coverage), scheduled = EXPECTED[as_of]
    result = year.result(as_of)
    found = result.headline_set
    assert standings(found) == by_name
    for key, expected in zip(("declared", "adjusted", "verified"), fractions, strict=True):
        given = [str(getattr(found.rates[RateMethod(m)], key)) for m in METHODS]
        assert " ".join(given) == expected
    assert str(found.coverage) == coverage
    assert (result.asked.scheduled_days, result.covered["l1"].days) == (scheduled, scheduled)


@pytest.mark.parametrize("as_of", [JULY, *EXPECTED])
def test_the_script_agrees_all_year(year, as_of):
    """Findings, statuses and fractions, machine by machine."""
    assert recompute.recompute(data_members(material(year, as_of))) == []


def test_a_file_over_the_whole_year(year):
    """One window of 365 days: the frauds are found, the honest stay, and the script agrees."""
    rate = year.config.rate.model_copy(update={"period_days": 365})
    whole = replace(
        material(year, story.LAST), config=year.config.model_copy(update={"rate": rate})
    )
    held = data_members(whole)
    assert recompute.recompute(held) == []
    strict = json.loads(held["result.json"])["sets"]["strict"]
    found = {one["id"]: one["reason"] for one in strict["machines"]}
    assert {id_: found[id_] for id_ in ("L1", "L3N", "V1", "V2", "V3", "V4", "V5", "V6", "E1")} == {
        "L1": "verified", "L3N": "too_few_days", "V1": "verified", "V2": "verified",
        "V3": "copied", "V4": "copied", "V5": "simulator", "V6": "identity_mismatch",
        "E1": "verified",
    }  # fmt: skip
    assert len(json.loads(held["history.json"])["days"]) <= 31
