"""The five formulas of the key-process CNC rate and what is done with rates, on exact fractions.

Pure. A rate is a `Fraction` from 0 to 1, or the `NullReason` why there is none: never a 0 or a
100 that stands for "cannot be said". Nothing is rounded before it is shown.
Source: docs/specs/rate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import TypeAlias

from agent.config.ledger import RateMethod


class NullReason(StrEnum):
    """Why a rate cannot be given."""

    NO_KEY_PROCESS = "no_key_process"
    NO_MACHINE = "no_machine"
    """There are key processes, but no machine that could run one (formulas over machines)."""
    TOO_FEW_SCHEDULED_DAYS = "too_few_scheduled_days"
    """The period is too short for any judgement, so there is no verified rate."""
    NO_DECLARED_MACHINE = "no_declared_machine"
    """Nothing to cover: no machine is declared as numerically controlled."""
    NO_ENTERPRISE_ASSESSED = "no_enterprise_assessed"
    NO_ENTERPRISE_IN_SCOPE = "no_enterprise_in_scope"


Figure: TypeAlias = Fraction | NullReason
"""A rate from 0 to 1, exact, or why there is none."""


@dataclass(frozen=True, slots=True)
class CoveredProcess:
    """One key process with the ids of machines able to run it (D) and those controlled (C)."""

    id: str
    able: frozenset[str]
    controlled: frozenset[str]
    """A subset of `able`."""


Processes: TypeAlias = Sequence[CoveredProcess]


def keep(processes: Processes, machines: frozenset[str]) -> tuple[CoveredProcess, ...]:
    """Give the same processes and machines, controlled only where the machine is one of these."""
    return tuple(replace(p, controlled=p.controlled & machines) for p in processes)


def any_rate(processes: Processes) -> Figure:
    """Share of key processes with at least one controlled machine."""
    if not processes:
        return NullReason.NO_KEY_PROCESS
    return Fraction(sum(1 for p in processes if p.controlled), len(processes))


def all_rate(processes: Processes) -> Figure:
    """Share of key processes whose machines are all controlled; one without machines is not."""
    if not processes:
        return NullReason.NO_KEY_PROCESS
    whole = sum(1 for p in processes if p.able and p.controlled == p.able)
    return Fraction(whole, len(processes))


def mean_rate(processes: Processes) -> Figure:
    """Mean over key processes of the share of machines controlled; without machines it is 0."""
    if not processes:
        return NullReason.NO_KEY_PROCESS
    shares = (Fraction(len(p.controlled), len(p.able)) for p in processes if p.able)
    return sum(shares, Fraction(0)) / len(processes)


def pool_rate(processes: Processes) -> Figure:
    """Share of (machine, process) pairs that are controlled; shared machines count repeatedly."""
    if not processes:
        return NullReason.NO_KEY_PROCESS
    pairs = sum(len(p.able) for p in processes)
    if not pairs:
        return NullReason.NO_MACHINE
    return Fraction(sum(len(p.controlled) for p in processes), pairs)


def dedup_rate(processes: Processes) -> Figure:
    """Share of distinct machines that are controlled (关键设备数控化率)."""
    if not processes:
        return NullReason.NO_KEY_PROCESS
    able = machines_able(processes)
    if not able:
        return NullReason.NO_MACHINE
    return Fraction(len(machines_controlled(processes)), len(able))


FORMULAS: Mapping[RateMethod, Callable[[Processes], Figure]] = {
    RateMethod.ANY: any_rate,
    RateMethod.ALL: all_rate,
    RateMethod.MEAN: mean_rate,
    RateMethod.POOL: pool_rate,
    RateMethod.DEDUP: dedup_rate,
}
"""Every formula by its id."""


def machines_able(processes: Processes) -> frozenset[str]:
    """Give the distinct machines that can run any of the processes."""
    return frozenset().union(*(p.able for p in processes))


def machines_controlled(processes: Processes) -> frozenset[str]:
    """Give the distinct machines counted as controlled in any of the processes."""
    return frozenset().union(*(p.controlled for p in processes))


@dataclass(frozen=True, slots=True)
class Triple:
    """One formula's declared, adjusted and verified rate; verified <= adjusted <= declared."""

    declared: Figure
    adjusted: Figure
    """Without machines whose declaration the data contradict."""
    verified: Figure
    """With verified machines only."""

    @property
    def gap(self) -> Figure:
        """Declared minus verified."""
        if isinstance(self.declared, NullReason):
            return self.declared
        if isinstance(self.verified, NullReason):
            return self.verified
        return self.declared - self.verified


def triples(
    processes: Processes, *, contradicted: frozenset[str], verified: frozenset[str]
) -> dict[RateMethod, Triple]:
    """Compute every formula three times, with the same processes and the same machines able."""
    adjusted = keep(processes, machines_controlled(processes) - contradicted)
    proven = keep(processes, verified)
    return {
        method: Triple(formula(processes), formula(adjusted), formula(proven))
        for method, formula in FORMULAS.items()
    }


def unassessed(rates: Mapping[RateMethod, Triple]) -> dict[RateMethod, Triple]:
    """Give the same without verified rates, where the period allows no judgement."""
    reason = NullReason.TOO_FEW_SCHEDULED_DAYS
    return {
        method: one if isinstance(one.verified, NullReason) else replace(one, verified=reason)
        for method, one in rates.items()
    }


def coverage(processes: Processes, verified: frozenset[str]) -> Figure:
    """Share of the distinct declared machines that are verified."""
    declared = machines_controlled(processes)
    if not declared:
        return NullReason.NO_DECLARED_MACHINE
    return Fraction(len(declared & verified), len(declared))
