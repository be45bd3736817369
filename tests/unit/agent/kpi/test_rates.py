"""The formulas: worked examples, digit by digit, and their laws on random ledgers."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config.ledger import ControlSet, IndustryKind, Process, RateMethod
from agent.kpi.evidence import DeviceDay
from agent.kpi.rates import (
    FORMULAS,
    CoveredProcess,
    NullReason,
    coverage,
    machines_controlled,
    triples,
)
from agent.kpi.region import percent_text
from agent.kpi.result import compute

AS_OF = date(2026, 7, 31)


def shown(figures):
    return {
        m.value: f.value if isinstance(f, NullReason) else percent_text(f)
        for m, f in figures.items()
    }


def declared(config, control_set=ControlSet.STRICT):
    result = compute(config, (), now_ms=0, as_of=AS_OF)
    return {m: t.declared for m, t in result.sets[control_set].rates.items()}


def month(device, *, days=30, control=1):
    return [
        DeviceDay(device, AS_OF - timedelta(days=n), 100, True, control, 0, 1) for n in range(days)
    ]


def test_machining_shop(make_config, shop_a):
    """Example A: one shop, 75 or 50 by definition alone; the outsourced process is left out."""
    processes = (
        *(Process(id=p) for p in shop_a),
        Process(id="heat", outsourced="某热处理厂：无炉"),
        Process(id="inspect", key=False),
    )
    config = make_config(shop_a, processes=processes)
    assert shown(declared(config)) == {
        "any": "75.00", "all": "50.00", "mean": "66.67", "pool": "69.23", "dedup": "69.23",
    }  # fmt: skip
    assert declared(config)[RateMethod.MEAN] == Fraction(2, 3)
    assert declared(config)[RateMethod.POOL] == Fraction(9, 13)


def test_machining_shop_verified(make_config, shop_a):
    """Example A-verified: telemetry from six of nine machines gives 37.50, coverage 66.67."""
    devices = {id_: id_.lower() for id_ in ("L1", "L2", "L3", "V1", "V2", "V3")}
    config = make_config(shop_a, devices=devices)
    days = [one for device in devices.values() for one in month(device)]
    found = compute(config, days, now_ms=0, as_of=AS_OF).headline_set
    verified = {m: t.verified for m, t in found.rates.items()}
    assert shown(verified) == {
        "any": "50.00", "all": "25.00", "mean": "37.50", "pool": "46.15", "dedup": "46.15",
    }  # fmt: skip
    assert found.rates[RateMethod.MEAN].verified == Fraction(3, 8)
    assert found.coverage == Fraction(6, 9)
    assert percent_text(found.coverage) == "66.67"
    assert percent_text(found.rates[RateMethod.MEAN].gap) == "29.17"


def test_process_plant(make_config):
    """Example B: a process plant counts PLC and DCS."""
    shop = {
        "batch": {"B1": "PLC"},
        "react": {"R1": "DCS", "R2": "DCS"},
        "dry": {"D1": "manual"},
        "pack": {"P1": "PLC"},
    }
    assert shown(declared(make_config(shop, kind=IndustryKind.PROCESS))) == {
        "any": "75.00", "all": "75.00", "mean": "75.00", "pool": "80.00", "dedup": "80.00",
    }  # fmt: skip


def test_shared_machine(make_config):
    """Example C: a machine in two processes counts twice in `pool` and once in `dedup`."""
    shop = {"p1": {"M1": "CNC"}, "p2": {"M1": "CNC", "X1": "manual"}}
    assert shown(declared(make_config(shop))) == {
        "any": "100.00", "all": "50.00", "mean": "75.00", "pool": "66.67", "dedup": "50.00",
    }  # fmt: skip


def test_process_without_machine(make_config):
    """Example D: a manual process without a machine counts as 0 in a mean over processes."""
    assert shown(declared(make_config({"turn": {"T1": "CNC"}, "asm": {}}))) == {
        "any": "50.00", "all": "50.00", "mean": "50.00", "pool": "100.00", "dedup": "100.00",
    }  # fmt: skip


def test_no_key_process(make_config):
    """Example E: without key processes there is no rate, neither 0 nor 100."""
    assert set(shown(declared(make_config({}))).values()) == {"no_key_process"}


def test_no_machine_at_all(make_config):
    """Key processes without any machine: 0 of the processes, and no rate over machines."""
    assert shown(declared(make_config({"asm": {}}))) == {
        "any": "0.00", "all": "0.00", "mean": "0.00", "pool": "no_machine", "dedup": "no_machine",
    }  # fmt: skip


def test_plc_in_a_discrete_plant(make_config):
    """Example H: strict 50, broad 100; both are always computed."""
    config = make_config({"press": {"H1": "PLC"}, "mill": {"V1": "CNC"}})
    assert shown(declared(config))["mean"] == "50.00"
    assert shown(declared(config, ControlSet.BROAD))["mean"] == "100.00"


def test_dropped_key_process(make_config, shop_a):
    """Example I: dropping the manual process raises 2/3 to 8/9, and is told by name."""
    processes = tuple(
        Process(id=p, valid_to=date(2026, 7, 20) if p == "grind" else None) for p in shop_a
    )
    before = compute(make_config(shop_a), (), now_ms=0, as_of=AS_OF)
    after = compute(make_config(shop_a, processes=processes), (), now_ms=0, as_of=AS_OF)
    assert before.headline.declared == Fraction(2, 3)
    assert before.dropped == ()
    assert after.headline.declared == Fraction(8, 9)
    assert percent_text(after.headline.declared) == "88.89"
    assert [p.id for p in after.dropped] == ["grind"]


MACHINES = st.integers(0, 7).map("M{}".format)


@st.composite
def ledgers(draw):
    """Random key processes, with random machines judged in every possible way."""
    able = draw(st.lists(st.frozensets(MACHINES, max_size=6), max_size=6))
    counted = draw(st.frozensets(MACHINES))
    processes = tuple(CoveredProcess(f"p{i}", ids, ids & counted) for i, ids in enumerate(able))
    contradicted = draw(st.frozensets(MACHINES))
    verified = draw(st.frozensets(MACHINES)) - contradicted
    return processes, contradicted, verified


@given(ledgers())
def test_verified_never_exceeds_declared(case):
    """Verified <= adjusted <= declared, and the gap is what lies between, for every formula."""
    processes, contradicted, verified = case
    for one in triples(processes, contradicted=contradicted, verified=verified).values():
        if isinstance(one.declared, NullReason):
            assert one.adjusted == one.verified == one.gap == one.declared
        else:
            assert 0 <= one.verified <= one.adjusted <= one.declared <= 1
            assert one.gap == one.declared - one.verified


@given(ledgers())
def test_all_is_below_mean_below_any(case):
    """`all` is the strictest and `any` the most lenient of the formulas over processes."""
    processes, _, _ = case
    if processes:
        rate = {method: formula(processes) for method, formula in FORMULAS.items()}
        assert rate[RateMethod.ALL] <= rate[RateMethod.MEAN] <= rate[RateMethod.ANY]


@given(ledgers())
def test_null_exactly_without_key_process_or_machine(case):
    """A rate is missing exactly if there is no key process, or no machine to count."""
    processes, _, _ = case
    any_machine = any(p.able for p in processes)
    for method, formula in FORMULAS.items():
        over_machines = method in {RateMethod.POOL, RateMethod.DEDUP}
        expected = (
            NullReason.NO_KEY_PROCESS
            if not processes
            else NullReason.NO_MACHINE if over_machines and not any_machine else None
        )  # fmt: skip
        figure = formula(processes)
        assert (figure if isinstance(figure, NullReason) else None) is expected


@given(ledgers())
def test_one_machine_each_makes_formulas_agree(case):
    """With exactly one machine per process, `any`, `all`, `mean` and `pool` are one number."""
    single = tuple(
        CoveredProcess(p.id, ids, ids & p.controlled)
        for p in case[0]
        if (ids := frozenset(sorted(p.able)[:1]))
    )
    rate = {method: formula(single) for method, formula in FORMULAS.items()}
    assert len({rate[m] for m in RateMethod if m is not RateMethod.DEDUP}) == 1


@given(ledgers())
def test_coverage_counts_distinct_declared_machines(case):
    """Coverage is the verified share of distinct declared machines, missing if there are none."""
    processes, _, verified = case
    declared_ = machines_controlled(processes)
    if declared_:
        assert coverage(processes, verified) * len(declared_) == len(declared_ & verified)
    else:
        assert coverage(processes, verified) is NullReason.NO_DECLARED_MACHINE


@pytest.mark.parametrize("method", list(RateMethod))
def test_every_method_has_a_formula(method):
    """Each method id of the configuration is computed."""
    half = (CoveredProcess("p", frozenset({"a", "b"}), frozenset({"a", "b"})),)
    assert FORMULAS[method](half) == 1
