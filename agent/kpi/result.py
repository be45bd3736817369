"""The rate of one enterprise on one day: ledger, evidence and formulas put together.

Pure. Both control sets and all five formulas are always computed; configuration only chooses
which of them is the headline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.config.ledger import ControlSet
from agent.kpi.calendar import ShopCalendar
from agent.kpi.copies import copies
from agent.kpi.coverage import Coverage, coverage_of
from agent.kpi.eased import eased
from agent.kpi.evidence import RULES, Standing, by_device, demand, seen_of
from agent.kpi.findings import findings_of
from agent.kpi.judge import assess
from agent.kpi.ledger import Ledger
from agent.kpi.neighbours import Neighbours, neighbours
from agent.kpi.rates import (
    Figure,
    NullReason,
    coverage,
    machines_able,
    machines_controlled,
    triples,
    unassessed,
)
from agent.kpi.sources import duplicates

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from agent.config.ledger import Process, RateMethod
    from agent.config.model import AgentConfig
    from agent.kpi.eased import Eased
    from agent.kpi.evidence import Demand, DeviceDay, Seen
    from agent.kpi.findings import Finding
    from agent.kpi.identity import DeviceFacts
    from agent.kpi.judge import Assessment
    from agent.kpi.rates import CoveredProcess, Processes, Triple
    from agent.losses.spans import LossSpan

_NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class SetResult:
    """Everything computed under one control set."""

    control_set: ControlSet
    processes: tuple[CoveredProcess, ...]
    """P, each with the machines able (D) and declared (C)."""
    assessments: tuple[Assessment, ...]
    """Every machine of the ledger, in its order."""
    rates: Mapping[RateMethod, Triple]
    coverage: Figure
    """Share of declared machines that are verified."""
    neighbours: Neighbours
    """Digital and networked equipment, with the points of the self-assessment."""

    @property
    def machines(self) -> frozenset[str]:
        """Distinct machines able to run a key process."""
        return machines_able(self.processes)

    @property
    def declared(self) -> frozenset[str]:
        """Distinct machines declared as numerically controlled."""
        return machines_controlled(self.processes)

    @property
    def verified(self) -> frozenset[str]:
        """Distinct machines whose declaration the data verify."""
        return self.standing(Standing.VERIFIED)

    def standing(self, standing: Standing) -> frozenset[str]:
        """Ids of the machines of one standing."""
        return frozenset(a.machine.id for a in self.assessments if a.standing is standing)


@dataclass(frozen=True, slots=True)
class RateResult:
    """The rate as of one day, under the rules it names."""

    rules: str
    computed_ms: int
    """When it was computed, UTC ms."""
    asked: Demand
    """The window of evidence; its last day is the day the rate is of."""
    method: RateMethod
    """The headline formula."""
    control_set: ControlSet
    """The headline set."""
    sets: Mapping[ControlSet, SetResult]
    dropped: tuple[Process, ...]
    """Key processes that counted inside the window and no longer do (`key_process_removed`)."""
    covered: Mapping[str, Coverage]
    """What the window holds of each device of the ledger, by device."""
    eased: tuple[Eased, ...] = ()
    """Settings that ask for less evidence than the rules do by themselves."""

    @property
    def headline_set(self) -> SetResult:
        """The result under the headline set."""
        return self.sets[self.control_set]

    @property
    def headline(self) -> Triple:
        """The headline rate: declared, adjusted, verified."""
        return self.headline_set.rates[self.method]

    @property
    def counted(self) -> tuple[int, int] | None:
        """Machines (verified, declared) of the headline set, unreduced; None without declared."""
        found = self.headline_set
        if isinstance(found.coverage, NullReason):
            return None
        return len(found.declared & found.verified), len(found.declared)


def compute(
    config: AgentConfig,
    observations: Iterable[DeviceDay],
    *,
    now_ms: int,
    as_of: date | None = None,
    facts: Mapping[str, DeviceFacts] | None = None,
    losses: Iterable[LossSpan] = (),
) -> RateResult:
    """Compute the rate as of a day; without one, of today in the gateway's time zone.

    `observations` holds at most one entry per device and day; those outside the window are left
    aside. `now_ms` is UTC. `facts` is what is known of each device beside its data, `losses` why
    days may be missing; without them nobody is accused by the one, or excused by the other.
    """
    calendar = ShopCalendar.of(config)
    today = as_of or calendar.day_of(now_ms * _NS_PER_MS)
    asked = demand(config.rate, today, calendar)
    days = by_device(observations, asked)
    scheduled = _every_day if config.rate.scheduled_days else calendar.scheduled
    inputs = _Inputs(
        Ledger.of(config), asked, seen_of(days, scheduled), _findings(days, calendar, facts or {}),
        facts or {},
    )  # fmt: skip
    spans = tuple(losses)
    devices = {one.device for one in config.equipment if one.device}
    return RateResult(
        rules=RULES,
        computed_ms=now_ms,
        asked=asked,
        method=config.rate.method,
        control_set=config.rate.control_set,
        sets={control_set: _set_result(inputs, control_set) for control_set in ControlSet},
        dropped=inputs.ledger.dropped_key_processes(asked.first, asked.last),
        covered={
            device: coverage_of(
                days.get(device, ()),
                asked,
                calendar,
                [span for span in spans if span.device in {device, ""}],
            )
            for device in sorted(devices)
        },
        eased=eased(config.rate, asked, calendar),
    )


def _every_day(_: date) -> bool:
    """Stand for a calendar where the number of production days is given as such."""
    return True


@dataclass(frozen=True, slots=True)
class _Inputs:
    """What both control sets are judged from."""

    ledger: Ledger
    asked: Demand
    seen: Mapping[str, Seen]
    findings: Mapping[str, tuple[Finding, ...]]
    facts: Mapping[str, DeviceFacts]


def _findings(
    days: Mapping[str, list[DeviceDay]],
    calendar: ShopCalendar,
    facts: Mapping[str, DeviceFacts],
) -> dict[str, tuple[Finding, ...]]:
    """Give everything found against each device, whoever claims it."""
    copied, doubled = copies(days), duplicates(facts)
    return {
        device: (
            *doubled.get(device, ()),
            *([copied[device]] if device in copied else ()),
            *findings_of(days.get(device, ()), calendar),
        )
        for device in {*days, *doubled}
    }


def _set_result(inputs: _Inputs, control_set: ControlSet) -> SetResult:
    ledger, asked = inputs.ledger, inputs.asked
    assessments = assess(
        ledger,
        inputs.seen,
        asked,
        control_set=control_set,
        findings=inputs.findings,
        facts=inputs.facts,
    )
    processes = ledger.covered(asked.last, control_set)
    verified = _of(assessments, Standing.VERIFIED)
    contradicted = _of(assessments, Standing.CONTRADICTED)
    rates = judged_rates(processes, asked, contradicted=contradicted, verified=verified)
    covered = (
        coverage(processes, verified) if asked.assessable else NullReason.TOO_FEW_SCHEDULED_DAYS
    )
    beside = neighbours(
        assessments,
        in_service=frozenset(one.id for one in ledger.units(asked.last)),
        counted=frozenset(one.id for one in ledger.counted(asked.last, control_set)),
    )
    return SetResult(control_set, processes, assessments, rates, covered, beside)


def judged_rates(
    processes: Processes, asked: Demand, *, contradicted: frozenset[str], verified: frozenset[str]
) -> dict[RateMethod, Triple]:
    """Apply the formulas to judged machines; no verified rate where the period allows none."""
    rates = triples(processes, contradicted=contradicted, verified=verified)
    return rates if asked.assessable else unassessed(rates)


def _of(assessments: tuple[Assessment, ...], standing: Standing) -> frozenset[str]:
    return frozenset(a.machine.id for a in assessments if a.standing is standing)
