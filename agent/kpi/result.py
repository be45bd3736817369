"""The rate of one enterprise on one day: ledger, evidence and formulas put together.

Pure. Both control sets and all five formulas are always computed; configuration only chooses
which of them is the headline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.config.ledger import ControlSet
from agent.kpi.days import Calendar
from agent.kpi.evidence import RULES, Standing, assess, demand, summarize
from agent.kpi.ledger import Ledger
from agent.kpi.rates import (
    Figure,
    NullReason,
    coverage,
    machines_able,
    machines_controlled,
    triples,
    unassessed,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from agent.config.ledger import Process, RateMethod
    from agent.config.model import AgentConfig
    from agent.kpi.evidence import Assessment, Demand, DeviceDay
    from agent.kpi.rates import CoveredProcess, Processes, Triple

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
) -> RateResult:
    """Compute the rate as of a day; without one, of today in the gateway's time zone.

    `observations` holds at most one entry per device and day; those outside the window are left
    aside. `now_ms` is UTC.
    """
    today = as_of or Calendar(config.gateway.timezone).day(now_ms * _NS_PER_MS).date
    asked = demand(config.rate, today)
    ledger = Ledger.of(config)
    seen = summarize(observations, asked)
    sets: dict[ControlSet, SetResult] = {}
    for control_set in ControlSet:
        judged = assess(ledger, seen, asked, control_set=control_set)
        sets[control_set] = _set_result(ledger, judged, asked, control_set=control_set)
    return RateResult(
        rules=RULES,
        computed_ms=now_ms,
        asked=asked,
        method=config.rate.method,
        control_set=config.rate.control_set,
        sets=sets,
        dropped=ledger.dropped_key_processes(asked.first, asked.last),
    )


def _set_result(
    ledger: Ledger,
    assessments: tuple[Assessment, ...],
    asked: Demand,
    *,
    control_set: ControlSet,
) -> SetResult:
    processes = ledger.covered(asked.last, control_set)
    verified = _of(assessments, Standing.VERIFIED)
    contradicted = _of(assessments, Standing.CONTRADICTED)
    rates = judged_rates(processes, asked, contradicted=contradicted, verified=verified)
    covered = (
        coverage(processes, verified) if asked.assessable else NullReason.TOO_FEW_SCHEDULED_DAYS
    )
    return SetResult(control_set, processes, assessments, rates, covered)


def judged_rates(
    processes: Processes, asked: Demand, *, contradicted: frozenset[str], verified: frozenset[str]
) -> dict[RateMethod, Triple]:
    """Apply the formulas to judged machines; no verified rate where the period allows none."""
    rates = triples(processes, contradicted=contradicted, verified=verified)
    return rates if asked.assessable else unassessed(rates)


def _of(assessments: tuple[Assessment, ...], standing: Standing) -> frozenset[str]:
    return frozenset(a.machine.id for a in assessments if a.standing is standing)
