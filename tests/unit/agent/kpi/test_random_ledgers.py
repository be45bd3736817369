"""The laws of the rates on random ledgers with dates, replacements and shared machines."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from agent.config.destination import Destination
from agent.config.ledger import (
    ControlSet,
    ControlType,
    Enterprise,
    Equipment,
    IndustryKind,
    Process,
    ProcessLink,
    Rate,
    RateMethod,
    Witness,
    within,
)
from agent.config.model import AgentConfig, Gateway
from agent.config.shifts import Shifts
from agent.kpi.deviceday import DeviceDay
from agent.kpi.identity import DeviceFacts
from agent.kpi.result import compute
from drivers.api import Identity

AS_OF = date(2028, 3, 2)
"""Behind a leap day."""
ONE = timedelta(days=1)
PARTS = ("declared", "adjusted", "verified")
DEVICES = ("d0", "d1", "d2", "d3")
PROCESSES = ("p0", "p1", "p2")
NEAR = st.integers(-12, 12).map(lambda n: AS_OF + n * ONE)
OPEN = st.none() | NEAR
SPANS = st.tuples(OPEN, OPEN).filter(lambda span: None in span or span[0] <= span[1])


@st.composite
def processes(draw):
    """Key and minor, outsourced and ended processes."""
    found = []
    for id_ in PROCESSES[: draw(st.integers(0, len(PROCESSES)))]:
        first, last = draw(SPANS)
        found.append(
            Process(
                id=id_,
                key=draw(st.integers(0, 3)) > 0,
                outsourced=draw(st.sampled_from(["", "", "elsewhere"])),
                valid_from=first,
                valid_to=last,
            )
        )
    return tuple(found)


@st.composite
def machines(draw, known):
    """Machines that run several processes, some for a time; some took another's place."""
    found: list[Equipment] = []
    for n in range(draw(st.integers(0, 7))):
        first, last = draw(SPANS)
        link_first, link_last = draw(SPANS)
        linked = draw(st.lists(st.sampled_from(known), max_size=2, unique=True)) if known else []
        one = Equipment(
            id=f"m{n}",
            control_type=draw(st.sampled_from([ControlType.CNC, *ControlType])),
            device=draw(st.sampled_from([None, *DEVICES])),
            processes=draw(st.lists(st.sampled_from(known), unique=True)) if known else (),
            links=tuple(
                ProcessLink(process=p, valid_from=link_first, valid_to=link_last) for p in linked
            ),
            in_service_from=first,
            in_service_to=last,
            witnessed=draw(st.sampled_from([(), (), (Witness(on=AS_OF - 3 * ONE, by="x"),)])),
        )
        found.append(one)
        if draw(st.integers(0, 3)) == 0:
            changed = draw(NEAR)
            found[-1] = one.model_copy(update={"in_service_from": None, "in_service_to": changed})
            taken = {"id": f"m{n}n", "in_service_from": changed + ONE, "in_service_to": None}
            found.append(one.model_copy(update=taken))
    return tuple(found)


@st.composite
def cases(draw):
    """A ledger with settings, what was observed, and who the devices say they are."""
    known = draw(processes())
    period = draw(st.integers(3, 10))
    config = AgentConfig(
        gateway=Gateway(id="gw1"),
        enterprise=Enterprise(id="e1", industry_kind=draw(st.sampled_from(IndustryKind))),
        publish=(Destination(url="mqtt://127.0.0.1:1883"),),
        rate=Rate(period_days=period, min_days=draw(st.integers(1, 3)),
                  control_set=draw(st.sampled_from(ControlSet))),
        shifts=Shifts(weekdays=draw(st.sampled_from([("mon", "tue", "wed", "thu", "fri"),
                                                     tuple(Shifts().weekdays)]))),
        processes=known,
        equipment=draw(machines([one.id for one in known])),
    )  # fmt: skip
    observed = [
        DeviceDay(device, AS_OF - n * ONE, 9, draw(st.booleans()), draw(st.integers(0, 1)), 0, 1)
        for device in DEVICES
        for n in range(draw(st.integers(0, period + 2)))
    ]
    facts = {
        device: DeviceFacts(
            Identity(uri=draw(st.sampled_from(["", "", "simulator"]))),
            unread=draw(st.integers(0, 5)) == 0,
        )
        for device in DEVICES
    }
    return config, observed, facts


def number(figure):
    return figure if isinstance(figure, Fraction) else None


@given(cases())
def test_the_order_of_the_rates(case):
    """Verified <= adjusted <= declared for every formula and set; a reason stands for all three."""
    config, observed, facts = case
    result = compute(config, observed, now_ms=0, as_of=AS_OF, facts=facts)
    for found in result.sets.values():
        for triple in found.rates.values():
            declared, adjusted, verified = (number(getattr(triple, part)) for part in PARTS)
            if declared is None:
                assert adjusted is verified is None
                continue
            assert 0 <= adjusted <= declared <= 1
            assert (verified is None) is not result.asked.assessable
            if verified is not None:
                assert 0 <= verified <= adjusted
                assert triple.gap == declared - verified


@given(cases())
def test_the_order_of_the_formulas(case):
    """All <= mean <= any for the declared, the adjusted and the verified rate."""
    config, observed, facts = case
    for found in compute(config, observed, now_ms=0, as_of=AS_OF, facts=facts).sets.values():
        for part in PARTS:
            every, mean, some = (
                number(getattr(found.rates[RateMethod(m)], part)) for m in ("all", "mean", "any")
            )
            if every is not None:
                assert every <= mean <= some


@given(cases())
def test_less_evidence_never_proves_more(case):
    """Whatever days are taken away, no machine becomes verified that was not."""
    config, observed, facts = case
    whole, part = (
        compute(config, days, now_ms=0, as_of=AS_OF, facts=facts).headline_set.verified
        for days in (observed, observed[::2])
    )
    assert part <= whole


@given(cases())
def test_who_is_counted_is_in_service_and_does_a_key_process(case):
    """Of a machine and the one that took its place, one at most counts on any day."""
    config, observed, facts = case
    found = compute(config, observed, now_ms=0, as_of=AS_OF, facts=facts).headline_set
    by_id = {one.id: one for one in config.equipment}
    for id_ in found.declared:
        machine = by_id[id_]
        assert within(AS_OF, machine.in_service_from, machine.in_service_to)
        assert any(machine.can_run(process.id, AS_OF) for process in found.processes)
    assert not [id_ for id_ in found.machines if f"{id_}n" in found.machines]
