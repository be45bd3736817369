"""A quarter of a 30-person shop: every machine's status and reason by name, every rate by hand."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import pytest

from agent.config.ledger import ControlSet, RateMethod
from agent.config.shifts import Shifts
from simulators.year import story
from simulators.year.days import days, works

JULY, AUGUST, SEPTEMBER = date(2026, 7, 31), date(2026, 8, 31), date(2026, 9, 30)
pytestmark = pytest.mark.timeout(600)
METHODS = ("any", "all", "mean", "pool", "dedup")

STANDINGS = {
    JULY: """
        L1 verified verified        L2 verified verified          L3 verified verified
        L3N not_claimed not_in_service                            L4 unverified no_device
        L5 not_claimed not_claimed  L6 unverified no_control_identity
        L7 contradicted same_source L8 contradicted same_source
        V1 verified verified        V2 verified verified          V3 contradicted copied
        V4 verified verified        V5 contradicted simulator     V6 verified verified
        K1 verified verified        K1-A not_claimed part_of
        G1 not_claimed not_claimed  G2 not_claimed not_claimed
        E1 unverified no_transition E2 verified verified          P1 not_claimed not_claimed
    """,
    AUGUST: """
        L1 verified verified        L2 verified verified          L3 not_claimed not_in_service
        L3N verified verified                                     L4 unverified no_device
        L5 not_claimed not_claimed  L6 unverified no_control_identity
        L7 contradicted same_source L8 contradicted same_source
        V1 verified verified        V2 verified verified          V3 contradicted copied
        V4 contradicted copied      V5 contradicted simulator     V6 verified verified
        K1 verified verified        K1-A not_claimed part_of
        G1 not_claimed not_claimed  G2 not_claimed not_claimed
        E1 unverified no_transition E2 verified verified          P1 not_claimed not_claimed
    """,
    SEPTEMBER: """
        L1 verified verified        L2 verified verified          L3 not_claimed not_in_service
        L3N verified verified                                     L4 unverified no_device
        L5 not_claimed not_claimed  L6 unverified no_control_identity
        L7 contradicted same_source L8 contradicted same_source
        V1 verified verified        V2 verified verified          V3 contradicted copied
        V4 contradicted copied      V5 contradicted simulator     V6 contradicted identity_mismatch
        K1 verified verified        K1-A not_claimed part_of
        G1 not_claimed not_claimed  G2 not_claimed not_claimed
        E1 verified verified        E2 verified verified          P1 not_claimed not_claimed
    """,
}
"""Machine, standing, reason; strict set."""

RATES = {
    JULY: (
        "1/2 1/3 23/48 4/5 4/5",
        "1/2 1/6 131/336 3/5 3/5",
        "1/2 0 89/336 9/20 9/20",
        "9/16",
    ),
    AUGUST: (
        "3/5 2/5 23/40 8/9 8/9",
        "3/5 1/5 123/280 11/18 11/18",
        "3/5 0 81/280 4/9 4/9",
        "1/2",
    ),
    SEPTEMBER: (
        "3/5 2/5 23/40 8/9 8/9",
        "3/5 1/5 23/56 5/9 5/9",
        "3/5 1/5 101/280 4/9 4/9",
        "1/2",
    ),
}
"""Declared, adjusted, verified by METHODS, and the coverage; strict set, computed by hand.

July: six processes. turning 7 of 8 declared, less L7 and L8, with L1 L2 L3; milling 7 of 7, less
V3 and V5, with V1 V2 V4 V6 K1; grinding 0 of 2; edm 2 of 2, with E2; press 0 of 1; assembly none.
August: grinding is no key process any more, V4 copies. September: V6 is another machine, E1 runs.
"""


def standings(found):
    return {a.machine.id: (a.standing.value, a.reason.value) for a in found.assessments}


def written(text):
    words = text.split()
    return {words[n]: (words[n + 1], words[n + 2]) for n in range(0, len(words), 3)}


@pytest.fixture(scope="module")
def results(quarter):
    return {as_of: quarter.result(as_of) for as_of in STANDINGS}


@pytest.mark.parametrize("as_of", STANDINGS)
def test_every_machine_by_name(results, as_of):
    """Each machine has the standing and the reason that its story asks for."""
    assert standings(results[as_of].headline_set) == written(STANDINGS[as_of])


@pytest.mark.parametrize("as_of", RATES)
def test_every_rate_digit_by_digit(results, as_of):
    """All five rates, three times each, and the coverage are the fractions computed by hand."""
    found = results[as_of].headline_set
    *expected, coverage = RATES[as_of]
    for key, fractions in zip(("declared", "adjusted", "verified"), expected, strict=True):
        given = [str(getattr(found.rates[RateMethod(m)], key)) for m in METHODS]
        assert " ".join(given) == fractions
    assert found.coverage == Fraction(coverage)


def test_the_press_counts_in_the_broad_set_only(results):
    """A PLC is no numerical control in a discrete plant, unless the broad set is asked for."""
    broad = results[JULY].sets[ControlSet.BROAD]
    assert standings(broad)["P1"] == ("verified", "verified")
    assert broad.rates[RateMethod.MEAN].declared == Fraction(31, 48)
    assert broad.rates[RateMethod.MEAN].verified == Fraction(145, 336)
    assert broad.coverage == Fraction(10, 17)


def test_days_are_those_of_the_calendar(results):
    """Holidays, make-up days, the power cut and the week without a clock are counted by hand."""
    july, august, september = (results[as_of] for as_of in STANDINGS)
    assert [one.asked.scheduled_days for one in (july, august, september)] == [22, 21, 22]
    assert [one.asked.needed_days for one in (july, august, september)] == [11, 11, 11]
    assert [one.covered["l1"].days for one in (july, august, september)] == [
        22 - 2 - 5, 21 - 2, 22,
    ]  # fmt: skip


def test_the_free_clock_is_no_evidence(quarter):
    """A week that nobody could date has no record at all."""
    free = set(days(*story.CLOCK_FREE))
    assert not [one for one in quarter.days if one.day in free]


def test_late_data_count_for_their_own_days(quarter):
    """Ten days without a cable: too few days, until the machine's own history was read."""
    out = set(days(*story.CABLE_OUT))
    own = {one.day for one in quarter.days if one.device == "l2"}
    assert {day for day in out if works(day)} <= own
    before = [one for one in quarter.days if one.device != "l2" or one.day not in out]
    as_of = story.CABLE_OUT[1]
    fewer = quarter.result(as_of, before).covered["l2"].days
    assert quarter.result(as_of).covered["l2"].days == fewer + 8


def test_gaps_have_their_causes(results):
    """Every evening the machines fall silent; agent, queue and the unknown are told apart."""
    july, august, september = (results[as_of].covered["v1"].gaps for as_of in STANDINGS)
    evening_s = 7 * 3600
    assert july["device_down"] == 15 * evening_s
    assert july["unknown"] == (2 + 5) * 86_400, "power cut, and the week without a clock"
    assert august["agent_down"] > 86_400
    assert september["buffer_overflow"] == 86_400


def test_a_night_shift_belongs_to_the_day_it_began_on(quarter):
    """With the day from 08:00 to 08:00 no machine has a record of a day off."""
    assert all(works(one.day) for one in quarter.days)
    friday = next(o for o in quarter.days if (o.device, o.day) == ("l1", date(2026, 7, 10)))
    assert friday.hours == (1 << 17) - 1


def test_a_make_up_day_is_worked(quarter):
    """Sunday the 20th of September is a working day, the holiday after it is none."""
    own = {one.day for one in quarter.days if one.device == "l1"}
    assert date(2026, 9, 20) in own
    assert not own & {date(2026, 9, 25), date(2026, 9, 26), date(2026, 9, 27)}


def test_counters_wrap_and_are_set_back(quarter):
    """A 16-bit counter runs over once, and nobody's counter goes back."""
    counters = {
        device: [c for o in quarter.days if o.device == device for c in o.counters]
        for device in ("e2", "l1")
    }
    assert sum(one.wraps for one in counters["e2"]) == 2
    assert sum(one.back for found in counters.values() for one in found) == 0
    assert all(one.first == 0 for one in counters["l1"])


def test_equal_parts_make_no_copy(results):
    """Two machines that make equal parts in equal times are both verified, every month."""
    for result in results.values():
        found = {a.machine.id: a for a in result.headline_set.assessments}
        assert found["V1"].findings == found["V2"].findings == ()


def test_a_copy_names_what_it_is_copied_from(results):
    """The copy of another names it, the copy of itself names nobody."""
    found = {a.machine.id: a for a in results[SEPTEMBER].headline_set.assessments}
    assert found["V3"].rivals == ("v1",)
    assert found["V4"].rivals == ()
    assert found["V4"].about["other"] == "v4"


def test_a_process_dropped_is_told_while_it_matters(results):
    """The rate rose without a machine: it is said in August, and no more in September."""
    told = {as_of: [p.id for p in result.dropped] for as_of, result in results.items()}
    assert told == {JULY: [], AUGUST: ["grind"], SEPTEMBER: []}


def test_the_rate_of_every_day_keeps_its_order(quarter):
    """Whatever the day, verified <= adjusted <= declared and all <= mean <= any."""
    for offset in range(0, 92, 7):
        result = quarter.result(date(2026, 7, 1) + timedelta(days=offset))
        for found in result.sets.values():
            parts = ("declared", "adjusted", "verified")
            for triple in found.rates.values():
                verified = triple.verified if result.asked.assessable else 0
                assert verified <= triple.adjusted <= triple.declared
            for part in parts if result.asked.assessable else parts[:2]:
                every, mean, some = (
                    getattr(found.rates[RateMethod(m)], part) for m in ("all", "mean", "any")
                )
                assert every <= mean <= some


def test_shifts_entered_wrongly_are_a_doubt_and_no_more(quarter):
    """Where the shifts are those of another plant, the machines are doubted, not contradicted."""
    night = Shifts.model_validate(
        quarter.config.shifts.model_dump(mode="json")
        | {"shifts": [{"name": "夜班", "start": "02:00", "end": "06:00"}]}
    )
    found = quarter.result(SEPTEMBER, shifts=night).headline_set
    assert standings(found)["L1"] == ("unverified", "outside_shifts")
    assert found.rates[RateMethod.MEAN].adjusted == Fraction(23, 56)
