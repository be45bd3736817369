"""The ledger (台账): which processes are key and which machines can run them, as of a day.

Immutable and pure: it answers for any day, also a past one, and never guesses; what is a key
process is declared by the enterprise, software cannot infer it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from agent.config.ledger import ControlSet, ControlType, IndustryKind, within
from agent.kpi.rates import CoveredProcess

if TYPE_CHECKING:
    from datetime import date
    from typing import Self

    from agent.config.ledger import Equipment, Process
    from agent.config.model import AgentConfig

DISCRETE_NC = frozenset(
    {ControlType.NC, ControlType.CNC, ControlType.DNC, ControlType.FMC, ControlType.ROBOT}
)
"""Control types that count in discrete production. Source: docs/specs/rate, section 3."""
PROCESS_NC = frozenset({ControlType.PLC, ControlType.DCS, ControlType.PCS})
"""Control types that count in process production. Source: the same."""


def counted_types(kind: IndustryKind, control_set: ControlSet) -> frozenset[ControlType]:
    """Give the control types that count: the kind's own (strict) or all of them (broad, mixed)."""
    if control_set is ControlSet.BROAD or kind is IndustryKind.MIXED:
        return DISCRETE_NC | PROCESS_NC
    return PROCESS_NC if kind is IndustryKind.PROCESS else DISCRETE_NC


@dataclass(frozen=True, slots=True)
class Ledger:
    """Processes and machines of one enterprise; ids are unique in each."""

    industry_kind: IndustryKind
    processes: tuple[Process, ...]
    equipment: tuple[Equipment, ...]

    @classmethod
    def of(cls, config: AgentConfig) -> Self:
        """Take the ledger out of a validated configuration."""
        return cls(config.enterprise.industry_kind, config.processes, config.equipment)

    def key_processes(self, day: date) -> tuple[Process, ...]:
        """P: key processes valid on the day and done in the house."""
        return tuple(
            p
            for p in self.processes
            if p.key and not p.outsourced and within(day, p.valid_from, p.valid_to)
        )

    def in_service(self, day: date) -> tuple[Equipment, ...]:
        """Machines in service on the day; idle ones and those under repair are."""
        return tuple(e for e in self.equipment if within(day, e.in_service_from, e.in_service_to))

    def units(self, day: date) -> tuple[Equipment, ...]:
        """Machines in service that count as one each: a cell or line does, its parts do not."""
        return tuple(e for e in self.in_service(day) if e.part_of is None)

    def counted(self, day: date, control_set: ControlSet) -> tuple[Equipment, ...]:
        """Units in service whose control type counts in the set, whatever they do."""
        types = counted_types(self.industry_kind, control_set)
        return tuple(e for e in self.units(day) if e.control_type in types)

    def covered(self, day: date, control_set: ControlSet) -> tuple[CoveredProcess, ...]:
        """P with D_p and C_p of each, in the ledger's order."""
        machines = self.units(day)
        counted = {e.id for e in self.counted(day, control_set)}
        able = {
            p.id: frozenset(e.id for e in machines if e.can_run(p.id, day))
            for p in self.key_processes(day)
        }
        return tuple(CoveredProcess(id_, ids, ids & counted) for id_, ids in able.items())

    def dropped_key_processes(self, first: date, last: date) -> tuple[Process, ...]:
        """Key processes that counted on a day from `first` on and do not on `last`.

        Dropping a manual process raises the rate without any new machine, so it must be told.
        """
        now = {p.id for p in self.key_processes(last)}
        span = range((last - first).days)
        before = {p.id for n in span for p in self.key_processes(first + timedelta(days=n))}
        return tuple(p for p in self.processes if p.id in before - now)
