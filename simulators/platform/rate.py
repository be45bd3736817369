"""The key-process CNC rate (关键工序数控化率), recomputed from the ledger and what arrived.

Written from the rules alone, without a look at the agent's own computation, so that the two can
check each other. Fractions are exact; None means "cannot be assessed", never 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from simulators.platform.evidence import Evidence, Proof

_DISCRETE: Final = frozenset({"NC", "CNC", "DNC", "FMC", "robot"})
_PROCESS: Final = frozenset({"PLC", "DCS", "PCS"})
_BY_KIND: Final = {"discrete": _DISCRETE, "process": _PROCESS, "mixed": _DISCRETE | _PROCESS}
METHODS: Final = ("any", "all", "mean", "pool", "dedup")


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine in service."""

    id: str
    device: str | None
    processes: frozenset[str]
    declared: bool
    """Whether its control type counts in the control set."""
    status: str
    """`verified`, `unverified`, `contradicted`, `not_assessable` or `not_claimed`."""
    proof: Proof | None


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
                    **(item.proof._asdict() if item.proof else {}),
                }
                for item in self.machines
            },
        }


def compute(
    meta: Mapping[str, Any], evidence: Evidence, *, today: date, control_set: str | None = None
) -> Rate:
    """Compute every formula, declared, adjusted and verified; `control_set` overrides meta's."""
    rules = meta["rate"]
    chosen = control_set or rules["control_set"]
    needed = needed_days(rules)
    assessable = rules["scheduled_days"] >= rules["min_days"]
    machines = _machines(meta, evidence, today=today, control_set=chosen)
    processes = key_processes(meta["ledger"]["processes"], today)

    def rates(counts: Callable[[Machine], bool]) -> dict[str, Fraction | None]:
        return formulas(processes, machines, counts)

    return Rate(
        as_of=today,
        method=rules["method"],
        control_set=chosen,
        needed_days=needed,
        assessable=assessable,
        declared=rates(lambda item: item.declared),
        adjusted=rates(lambda item: item.declared and item.status != "contradicted"),
        verified=rates(lambda item: item.status == "verified")
        if assessable
        else dict.fromkeys(METHODS),
        machines=machines,
    )


def needed_days(rules: Mapping[str, Any]) -> int:
    """Days with good values that a machine needs; the share is taken as the decimal it shows."""
    share = Fraction(str(rules["min_day_share"]))
    least: int = rules["min_days"]
    scheduled: int = rules["scheduled_days"]
    return max(least, ceil(share * scheduled))


def key_processes(processes: Sequence[Mapping[str, Any]], today: date) -> tuple[str, ...]:
    """Ids of the key processes done in-house and valid today."""
    return tuple(
        item["id"]
        for item in processes
        if item["key"]
        and not item.get("outsourced")
        and _within(today, item.get("valid_from"), item.get("valid_to"))
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


def _machines(
    meta: Mapping[str, Any], evidence: Evidence, *, today: date, control_set: str
) -> tuple[Machine, ...]:
    strict = _BY_KIND[meta["enterprise"]["industry_kind"]]
    types = strict if control_set == "strict" else _DISCRETE | _PROCESS
    in_service = [
        item
        for item in meta["ledger"]["equipment"]
        if _within(today, item.get("in_service_from"), item.get("in_service_to"))
    ]
    claims = [item["device"] for item in in_service if item["control_type"] in types]
    return tuple(
        _machine(item, meta["rate"], evidence, today=today, claims=claims, types=types)
        for item in in_service
    )


def _machine(
    item: Mapping[str, Any],
    rules: Mapping[str, Any],
    evidence: Evidence,
    *,
    today: date,
    claims: Sequence[str | None],
    types: frozenset[str],
) -> Machine:
    declared, device = item["control_type"] in types, item["device"]
    proof: Proof | None = None
    if device:
        proof = evidence.proof(
            device,
            first=today - timedelta(days=rules["period_days"] - 1),
            last=today,
            control_metrics=rules["control_metrics"],
        )
    if not declared:
        status = "not_claimed"
    elif device and claims.count(device) > 1:
        status = "contradicted"
    elif rules["scheduled_days"] < rules["min_days"]:
        status = "not_assessable"
    else:
        status = "verified" if _proven(proof, needed_days(rules)) else "unverified"
    return Machine(item["id"], device, frozenset(item["processes"]), declared, status, proof)


def _proven(proof: Proof | None, needed: int) -> bool:
    if proof is None:
        return False
    return proof.good_days >= needed and proof.changed and proof.control_values > 0


def _within(today: date, first: str | None, last: str | None) -> bool:
    starts = date.fromisoformat(first) if first else date.min
    ends = date.fromisoformat(last) if last else date.max
    return starts <= today <= ends


def _pair(value: Fraction | None) -> list[int] | None:
    return None if value is None else [value.numerator, value.denominator]
