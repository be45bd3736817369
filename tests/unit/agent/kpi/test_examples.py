"""Every worked example and edge ruling has a test: the list of them, and those left over."""

from __future__ import annotations

import ast
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from agent.config.ledger import (
    ControlSet,
    ControlType,
    Equipment,
    IndustryKind,
    Location,
    Process,
    Rate,
    RateMethod,
)
from agent.kpi.evidence import demand
from agent.kpi.ledger import Ledger
from agent.kpi.region import percent_text
from agent.kpi.result import compute

AS_OF = date(2026, 7, 31)
UNIT = Path(__file__).parents[2]
KPI, CODES, LEDGER = "agent/kpi/", "agent/config/codes/", "agent/ledger/"

TESTED = {
    "A: machining shop, declared": KPI + "test_rates.py::test_machining_shop",
    "A: verified, gap, coverage": KPI + "test_rates.py::test_machining_shop_verified",
    "A: digital and networked": KPI + "test_findings.py::test_example_a_digital_and_networked",
    "B: process plant": KPI + "test_rates.py::test_process_plant",
    "C: shared machine": KPI + "test_rates.py::test_shared_machine",
    "D: key process without machine": KPI + "test_rates.py::test_process_without_machine",
    "E: no key process": KPI + "test_rates.py::test_no_key_process",
    "E: no machine": KPI + "test_rates.py::test_no_machine_at_all",
    "F: region": KPI + "test_region.py::test_region",
    "F: weighted by revenue": KPI + "test_region.py::test_weighted_by_revenue",
    "F: in scope and not assessed": KPI
    + "test_region.py::test_no_key_process_is_in_scope_not_assessed",
    "G: 75 % on the fraction": KPI + "test_region.py::test_target_compares_the_fraction",
    "G: cloud above 50 %": KPI + "test_region.py::test_cloud_target_must_be_exceeded",
    "G: halves round up": KPI + "test_region.py::test_halves_round_up",
    "H: PLC in a discrete plant": KPI + "test_rates.py::test_plc_in_a_discrete_plant",
    "I: key process dropped": KPI + "test_rates.py::test_dropped_key_process",
    "I: as an edit of the ledger": LEDGER + "test_findings.py::test_example_i",
    "I: beside a new machine": LEDGER
    + "test_findings.py::test_a_new_machine_does_not_hide_deleted_ones",
    "I: a process and machines in one edit": LEDGER
    + "test_findings.py::test_a_process_taken_out_does_not_hide_deleted_machines",
    "I: dated ahead": LEDGER
    + "test_findings.py::test_machines_that_leave_on_a_later_day_are_told_today",
    "A-I, the proof file": "agent/proof/test_examples.py::test_the_script_agrees_digit_by_digit",
    "ruling: key processes of a day": KPI + "test_ledger.py::test_key_processes_of_a_day",
    "ruling: dropped on any day": KPI
    + "test_ledger.py::test_dropped_key_process_is_found_on_any_day_of_the_window",
    "ruling: outsourced": KPI + "test_rates.py::test_machining_shop",
    "ruling: retired": KPI
    + "test_ledger.py::test_retired_machine_leaves_both_numerator_and_denominator",
    "ruling: two enterprises": "simulators/platform/"
    "test_claims.py::test_two_enterprises_claim_one_machine",
    "ruling: one machine, two devices": KPI
    + "test_findings.py::test_one_serial_at_two_addresses_is_a_doubt",
    "ruling: one device, two machines": KPI
    + "test_examples.py::test_a_device_that_two_machines_claim",
    "ruling: robot cell": KPI + "test_examples.py::test_a_robot_cell_counts_for_its_process",
    "ruling: several sites": KPI + "test_examples.py::test_sites_are_counted_together",
    "ruling: idle or under repair": KPI + "test_examples.py::test_idle_machines_stay_in_the_total",
    "ruling: cell or line": LEDGER + "test_units.py::test_a_cell_counts_as_one",
    "ruling: mixed plant is the union": KPI + "test_ledger.py::test_counted_types",
    "ruling: manual and relay never": KPI + "test_ledger.py::test_no_set_counts_manual_or_relay",
    "ruling: meter on a manual lathe": KPI
    + "test_evidence.py::test_meter_on_a_manual_lathe_is_live_and_not_claimed",
    "2.1: bins": KPI + "test_findings.py::test_bins_of_the_form",
    "2.3: OEE and its parts": KPI + "test_oee.py::test_the_worked_example_digit_by_digit",
    "2.3: terms of the shop": KPI + "test_oee.py::test_the_terms_of_the_shop_digit_by_digit",
    "2.3: nothing to divide by": KPI + "test_oee.py::test_what_cannot_be_given_has_a_reason",
    "2.3: no part counter": KPI + "test_oee.py::test_without_a_part_counter_availability_remains",
    "3: ladder": KPI + "test_evidence.py::test_ladder",
    "3: 22 scheduled days": KPI + "test_evidence.py::test_enough_days",
    "3: period too short": KPI + "test_evidence.py::test_too_short_period_judges_nobody",
    "3: identity is asked first": KPI + "test_identity_unread.py::test_the_answer_decides",
    "3: declared against its own counts": KPI
    + "test_examples.py::test_a_record_whose_counts_say_otherwise",
    "3: a jump without an edit": "agent/indicator/"
    "test_past.py::test_a_jump_without_an_edit_is_told",
    "3: stamps of another time": KPI + "test_attacks.py::test_a_month_of_stamps_in_a_minute",
    "3: late data in its shift": KPI
    + "test_late_shifts.py::test_an_outage_is_filled_shift_by_shift",
    "3: days, leap days, years": KPI + "test_shop_days.py::test_a_window_of_366_days",
    "3: late data": KPI + "test_observe.py::test_replayed_values_count_on_the_day_they_are_of",
    "3: clock nobody vouched for": KPI
    + "test_live_clock.py::test_what_an_unset_clock_stamped_is_of_no_day",
    "3: frauds and accidents": KPI + "test_examples_frauds.py::test_a_decoy_hides_no_double",
    "4.1: social credit code": CODES + "test_uscc.py::test_valid",
    "4.1: wrong codes": CODES + "test_uscc.py::test_invalid",
    "4.2: regions": CODES + "test_region.py::test_prefecture",
    "4.2: successors": CODES + "test_region.py::test_retired_county_names_its_successor",
    "4.3: industries": CODES + "test_industry.py::test_industry",
    "4.3: letter": CODES + "test_industry.py::test_letter_must_fit_the_division",
    "4.4: size tiers": LEDGER + "test_codes.py::test_scale_and_threshold",
    "4.4: levels by output": LEDGER + "test_codes.py::test_level_by_output_value",
    "order of the rates": KPI + "test_rates.py::test_verified_never_exceeds_declared",
    "order of the formulas": KPI + "test_rates.py::test_all_is_below_mean_below_any",
    "order, with dates and replacements": KPI
    + "test_random_ledgers.py::test_the_order_of_the_rates",
    "order, whatever is found": KPI
    + "test_findings.py::test_rates_keep_their_order_whatever_is_found",
}
"""What must hold -> where it is tested, below tests/unit."""


@pytest.mark.parametrize("what", TESTED)
def test_every_example_has_its_test(what):
    """The test that the list names is there."""
    file, _, name = TESTED[what].partition("::")
    tree = ast.parse((UNIT / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(
    ("scheduled", "needed", "assessable"),
    [(22, 11, True), (21, 11, True), (6, 5, True), (5, 5, True), (4, 5, False)],
)
def test_days_needed(scheduled, needed, assessable):
    """max(5, half of the scheduled days, rounded up); below five nobody is judged."""
    asked = demand(Rate(scheduled_days=scheduled), AS_OF)
    assert (asked.needed_days, asked.assessable) == (needed, assessable)


@pytest.mark.parametrize(
    ("count", "text", "typed_in"), [(117, "78.00", "82.0"), (128, "85.33", "85.0")]
)
def test_a_record_whose_counts_say_otherwise(count, text, typed_in):
    """Of 150 machines: what was typed in beside the counts is not what they give."""
    assert percent_text(Fraction(count, 150)) == text != typed_in


def ledger(machines, kind=IndustryKind.DISCRETE):
    return Ledger(kind, (Process(id="p"),), tuple(Equipment(**one) for one in machines))


def test_a_robot_cell_counts_for_its_process():
    """A robot is numerically controlled in the strict set of a discrete plant."""
    book = ledger([{"id": "R", "control_type": ControlType.ROBOT, "processes": ("p",)}])
    assert book.covered(AS_OF, ControlSet.STRICT)[0].controlled == {"R"}


@pytest.mark.parametrize("control_type", list(ControlType))
def test_a_mixed_plant_counts_both_kinds(control_type):
    """Everything but manual and relay, in the strict set too."""
    machine = {"id": "M", "control_type": control_type, "processes": ("p",)}
    book = ledger([machine], IndustryKind.MIXED)
    counts = bool(book.covered(AS_OF, ControlSet.STRICT)[0].controlled)
    assert counts is (control_type.value not in {"manual", "relay"})


def test_sites_are_counted_together(make_config):
    """One code, two sites: processes and machines are pooled, wherever the machine stands."""
    config = make_config({"turn": {"L1": "CNC", "L2": "manual"}})
    places = tuple(Location(id=id_, kind="site") for id_ in ("s1", "s2"))
    machines = tuple(
        one.model_copy(update={"location": place.id})
        for one, place in zip(config.equipment, places, strict=True)
    )
    split = config.model_copy(update={"locations": places, "equipment": machines})
    result = compute(split, (), now_ms=0, as_of=AS_OF)
    assert result.headline_set.rates[RateMethod.POOL].declared == Fraction(1, 2)


def test_a_device_that_two_machines_claim(make_config):
    """Nobody knows whose data they are: both are contradicted, and each names the other."""
    config = make_config({"p": {"M": "CNC", "N": "CNC"}}, devices={"M": "d1", "N": "d1"})
    result = compute(config, (), now_ms=0, as_of=AS_OF)
    assert [(a.reason.value, a.rivals) for a in result.headline_set.assessments] == [
        ("same_source", ("N",)), ("same_source", ("M",)),
    ]  # fmt: skip
    assert (result.headline.declared, result.headline.adjusted) == (1, 0)


def test_idle_machines_stay_in_the_total(make_config):
    """Without data a machine in service counts as declared and is not verified."""
    result = compute(make_config({"p": {"M": "CNC"}}), (), now_ms=0, as_of=AS_OF)
    assert (result.headline.declared, result.headline.verified) == (1, 0)
