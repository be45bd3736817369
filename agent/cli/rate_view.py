"""What `chulian rate` shows, as one value, and as one JSON document for programs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from agent.kpi.calendar import ShopCalendar
from agent.kpi.eased import eased
from agent.kpi.evidence import RULES, demand_of
from agent.kpi.ledger import Ledger
from agent.kpi.rates import Figure, NullReason, coverage, machines_controlled
from agent.kpi.region import percent_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from agent.config.ledger import Process, RateMethod
    from agent.config.model import AgentConfig
    from agent.kpi.eased import Eased
    from agent.kpi.rates import CoveredProcess, Triple
    from agent.telemetry.status import EquipmentRate, Message


class Origin(StrEnum):
    """Where the evidence comes from."""

    AGENT = "agent"
    STORE = "store"
    LEDGER = "ledger"
    """Nowhere: only declarations are known."""


@dataclass(frozen=True, slots=True)
class View:
    """All that is shown, under one control set."""

    origin: Origin
    config: AgentConfig
    as_of: date
    processes: tuple[CoveredProcess, ...]
    verified: frozenset[str]
    rates: Mapping[RateMethod, Triple]
    machines: tuple[EquipmentRate, ...]
    notes: tuple[Message, ...] = ()
    neighbours: Mapping[str, Any] | None = None

    @property
    def headline(self) -> Triple:
        """The headline formula's figures."""
        return self.rates[self.config.rate.method]

    @property
    def proven(self) -> bool:
        """Whether evidence was at hand; without it only declared figures mean anything."""
        return self.origin is not Origin.LEDGER

    @property
    def judged(self) -> bool:
        """Whether machines could be verified at all: evidence at hand, the period long enough."""
        return self.proven and demand_of(self.config, self.as_of).assessable

    @property
    def eased(self) -> tuple[Eased, ...]:
        """Settings that ask for less evidence than the rules do by themselves."""
        asked = demand_of(self.config, self.as_of)
        return eased(self.config.rate, asked, ShopCalendar.of(self.config))

    def noting(self, notes: tuple[Message, ...]) -> View:
        """Give the view with remarks."""
        return replace(self, notes=notes)

    def without_evidence(self, notes: tuple[Message, ...]) -> View:
        """Give the view as one that knows only declarations."""
        return replace(self, origin=Origin.LEDGER, notes=notes)


def excluded(view: View) -> tuple[Process, ...]:
    """Key processes left out because they are done outside."""
    return tuple(p for p in view.config.processes if p.key and p.outsourced)


def dropped(view: View) -> tuple[Process, ...]:
    """Key processes that counted inside the window and no longer do."""
    asked = demand_of(view.config, view.as_of)
    return Ledger.of(view.config).dropped_key_processes(asked.first, asked.last)


def document(view: View) -> dict[str, Any]:
    """Give everything shown as plain JSON types; what is not known is null."""
    rate, asked = view.config.rate, demand_of(view.config, view.as_of)
    figures = (view.headline.declared, view.headline.verified)
    missing = (f.value for f in figures if isinstance(f, NullReason))
    return {
        "rules": RULES,
        "origin": view.origin.value,
        "as_of": view.as_of.isoformat(),
        "window": [asked.first.isoformat(), asked.last.isoformat()],
        "needed_days": asked.needed_days,
        "eased": [one.document() for one in view.eased],
        "method": rate.method.value,
        "control_set": rate.control_set.value,
        **_triple(view.headline, proven=view.proven),
        "null_reason": next(missing, ""),
        "coverage": counts(view),
        "by_method": {m.value: _triple(t, proven=view.proven) for m, t in view.rates.items()},
        "processes": [
            {
                "id": p.id,
                "machines": sorted(p.able),
                "declared": sorted(p.controlled),
                "verified": sorted(p.controlled & view.verified) if view.judged else None,
            }
            for p in view.processes
        ],
        "machines": [_machine(m, proven=view.proven) for m in view.machines],
        "neighbours": view.neighbours if view.proven else None,
        "excluded": [{"id": p.id, "outsourced": p.outsourced} for p in excluded(view)],
        "key_process_removed": [p.id for p in dropped(view)],
        "notes": [{"en": n.en, "zh": n.zh} for n in view.notes],
    }


def _machine(machine: EquipmentRate, *, proven: bool) -> dict[str, Any]:
    known = proven or not machine.declared
    return {
        "id": machine.id,
        "device": machine.device,
        "control_type": machine.control_type,
        "declared": machine.declared,
        "level": machine.level if proven else None,
        "status": machine.status if known else None,
        "reason": machine.reason if known else None,
        "message": {"en": machine.message.en, "zh": machine.message.zh} if known else None,
        "facts": machine.facts if proven else None,
        "findings": list(machine.findings) if proven else None,
        "coverage": machine.coverage if proven else None,
    }


def _triple(one: Triple, *, proven: bool) -> dict[str, Any]:
    return {
        "declared": _json(one.declared),
        "adjusted": _json(one.adjusted) if proven else None,
        "verified": _json(one.verified) if proven else None,
        "gap": _json(one.gap) if proven else None,
    }


def _json(figure: Figure) -> dict[str, Any] | None:
    if isinstance(figure, NullReason):
        return None
    return {"num": figure.numerator, "den": figure.denominator, "percent": percent_text(figure)}


def counts(view: View) -> dict[str, Any] | None:
    """Machines verified and declared, and the share of the first in the second."""
    if not view.judged:
        return None
    share = coverage(view.processes, view.verified)
    if isinstance(share, NullReason):
        return None
    declared = machines_controlled(view.processes)
    return {"verified": len(declared & view.verified), "declared": len(declared),
            "percent": percent_text(share)}  # fmt: skip
