"""The key-process CNC rate (关键工序数控化率), recomputed from the ledger and what arrived.

Written from the rules alone, without a look at the agent's own computation, so that the two can
check each other. Fractions are exact; None means "cannot be assessed", never 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from simulators.platform.judging import Machine, Window, machines_of, needed_days, within

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from simulators.platform.evidence import Evidence
    from simulators.platform.judging import Verdict

__all__ = ["METHODS", "Machine", "Rate", "compute", "formulas", "key_processes", "needed_days"]

METHODS: Final = ("any", "all", "mean", "pool", "dedup")


@dataclass(frozen=True, slots=True)
class Rate:
    """The result for one gateway's ledger on one day."""

    as_of: date
    method: str
    control_set: str
    needed_days: int
    assessable: bool
    """Whether enough production days are scheduled to verify anything."""
    declared: Mapping[str, Fraction | None]
    adjusted: Mapping[str, Fraction | None]
    verified: Mapping[str, Fraction | None]
    machines: tuple[Machine, ...]

    def as_dict(self) -> dict[str, Any]:
        """Give it as JSON values; a rate is [numerator, denominator] or null."""
        return {
            "as_of": self.as_of.isoformat(),
            "method": self.method,
            "control_set": self.control_set,
            "needed_days": self.needed_days,
            "assessable": self.assessable,
            **{
                name: {method: _pair(value) for method, value in rates.items()}
                for name, rates in (
                    ("declared", self.declared),
                    ("adjusted", self.adjusted),
                    ("verified", self.verified),
                )
            },
            "machines": {
                item.id: {
                    "device": item.device,
                    "declared": item.declared,
                    "status": item.status,
                    "reason": item.reason,
                    **(item.proof._asdict() if item.proof else {}),
                }
                for item in self.machines
            },
        }


def compute(
    meta: Mapping[str, Any],
    evidence: Evidence,
    *,
    today: date,
    control_set: str | None = None,
    told: Mapping[str, Verdict] | None = None,
) -> Rate:
    """Compute every formula, declared, adjusted and verified; `control_set` overrides meta's.

    `told` holds the agent's own verdicts: where it finds against a machine what nobody here can
    see, that is taken over; it never raises anything.
    """
    rules = meta["rate"]
    chosen = control_set or rules["control_set"]
    window = Window.of(rules, today)
    processes = key_processes(meta["ledger"]["processes"], today)
    machines = machines_of(
        meta, evidence, window, control_set=chosen, processes=processes, told=told or {}
    )

    def rates(counts: Callable[[Machine], bool]) -> dict[str, Fraction | None]:
        return formulas(processes, machines, counts)

    return Rate(
        as_of=today,
        method=rules["method"],
        control_set=chosen,
        needed_days=window.needed_days,
        assessable=window.assessable,
        declared=rates(lambda item: item.declared),
        adjusted=rates(lambda item: item.declared and item.status != "contradicted"),
        verified=rates(lambda item: item.status == "verified")
        if window.assessable
        else dict.fromkeys(METHODS),
        machines=machines,
    )


def key_processes(processes: Sequence[Mapping[str, Any]], today: date) -> tuple[str, ...]:
    """Ids of the key processes done in-house and valid today."""
    return tuple(
        item["id"]
        for item in processes
        if item["key"]
        and not item.get("outsourced")
        and within(today, item.get("valid_from"), item.get("valid_to"))
    )


def formulas(
    processes: Sequence[str], machines: Sequence[Machine], counts: Callable[[Machine], bool]
) -> dict[str, Fraction | None]:
    """Compute the five formulas; None without key processes, or without machines to divide by."""
    if not processes:
        return dict.fromkeys(METHODS)
    able = [[item for item in machines if process in item.processes] for process in processes]
    totals = [len(group) for group in able]
    controlled = [sum(counts(item) for item in group) for group in able]
    pairs = list(zip(controlled, totals, strict=True))
    everyone = {item.id: counts(item) for group in able for item in group}
    p = len(processes)
    return {
        "any": Fraction(sum(c >= 1 for c in controlled), p),
        "all": Fraction(sum(n > 0 and c == n for c, n in pairs), p),
        "mean": sum((Fraction(c, n) for c, n in pairs if n), Fraction(0)) / p,
        "pool": Fraction(sum(controlled), sum(totals)) if sum(totals) else None,
        "dedup": Fraction(sum(everyone.values()), len(everyone)) if everyone else None,
    }


def _pair(value: Fraction | None) -> list[int] | None:
    return None if value is None else [value.numerator, value.denominator]
