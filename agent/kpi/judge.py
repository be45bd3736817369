"""The standing of each machine of the ledger, from its evidence and from what speaks against it.

Pure. "Not proven" is never called "false": `contradicted` is only who claims what another also
claims, or whose data cannot be that machine's. Source: docs/specs/rate, section 5.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from agent.kpi.evidence import Level, Seen, Standing
from agent.kpi.identity import DeviceFacts, mismatch, names_controller, simulator
from agent.kpi.rates import machines_controlled
from agent.kpi.reasons import CONTRADICTING, DOUBTFUL, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from agent.config.ledger import ControlSet, Equipment, Witness
    from agent.kpi.evidence import Demand
    from agent.kpi.findings import Finding
    from agent.kpi.ledger import Ledger

WITNESS_DAYS: Final = 366
"""So long after the visit a witness counts."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """One machine of the ledger, judged."""

    machine: Equipment
    level: Level
    standing: Standing
    reason: Reason
    seen: Seen
    rivals: tuple[str, ...] = ()
    """Other machines or devices the reason is about."""
    about: Mapping[str, str] = field(default_factory=dict)
    """Numbers and texts seen, for the sentence."""
    findings: tuple[Finding, ...] = ()
    """Everything that speaks against the machine, whether or not it decided."""
    nc: bool = False
    """Whether its control type counts as numerical control."""
    digital: bool = False
    """Whether it is a digital machine: it has a digital control, whoever reads it."""

    @property
    def declared(self) -> bool:
        """Whether it is one of C: counted, in service, and able to run a key process."""
        return self.standing is not Standing.NOT_CLAIMED

    @property
    def networked(self) -> bool:
        """Whether good values came from its device within the window."""
        return self.seen.first_ms is not None

    @property
    def observed(self) -> bool:
        """Whether good values came on enough days."""
        return self.level in {Level.OBSERVED, Level.LIVE}


def assess(
    ledger: Ledger,
    seen: Mapping[str, Seen],
    asked: Demand,
    *,
    control_set: ControlSet,
    findings: Mapping[str, tuple[Finding, ...]] | None = None,
    facts: Mapping[str, DeviceFacts] | None = None,
) -> tuple[Assessment, ...]:
    """Judge every machine of the ledger as of the window's last day, in the ledger's order.

    `findings` and `facts` are by device; without them nothing speaks against anybody.
    """
    judge = _Judge(ledger, asked, control_set, seen=seen, findings=findings or {})
    judge.facts = facts or {}
    return tuple(judge.assess(machine) for machine in ledger.equipment)


def witness_of(machine: Equipment, day: date) -> Witness | None:
    """Give the latest visit that still counts on a day."""
    oldest = day - timedelta(days=WITNESS_DAYS)
    counting = [one for one in machine.witnessed if oldest < one.on <= day]
    return max(counting, key=lambda one: one.on, default=None)


class _Judge:
    """What all machines of one assessment share."""

    def __init__(
        self,
        ledger: Ledger,
        asked: Demand,
        control_set: ControlSet,
        *,
        seen: Mapping[str, Seen],
        findings: Mapping[str, tuple[Finding, ...]],
    ) -> None:
        counted = ledger.counted(asked.last, control_set)
        self._seen = seen
        self._asked = asked
        self._findings = findings
        self.facts: Mapping[str, DeviceFacts] = {}
        self._in_service = {e.id for e in ledger.in_service(asked.last)}
        self._counted = {e.id: e.device for e in counted}
        self._claims = Counter(e.device for e in counted if e.device)
        self._owners = {e.device: e.id for e in counted if e.device}
        self._declared = machines_controlled(ledger.covered(asked.last, control_set))

    def assess(self, machine: Equipment) -> Assessment:
        seen = self._seen.get(machine.device or "", _NOTHING)
        against = tuple(self._against(machine))
        standing, reason = self._standing(machine, seen, against)
        decided = next((one for one in against if one.reason is reason), None)
        about = {} if decided is None else decided.about
        if reason is Reason.SAME_SOURCE:
            rivals = self._rivals(machine)
        else:
            rivals = () if decided is None else decided.rivals
        witness = witness_of(machine, self._asked.last)
        if reason is Reason.WITNESSED and witness is not None:
            about = {"by": witness.by, "on": witness.on.isoformat()}
        if reason is Reason.PART_OF and machine.part_of is not None:
            about = {"whole": machine.part_of}
        return Assessment(
            machine, self._level(machine, seen, against), standing, reason, seen, rivals, about,
            against, nc=machine.id in self._counted,
            digital=machine.control_type.value not in {"manual", "relay"},
        )  # fmt: skip

    def _against(self, machine: Equipment) -> Iterator[Finding]:
        """Yield what speaks against a machine; another device matters if it is declared too."""
        if machine.device is None:
            return
        facts = self.facts.get(machine.device, _NO_FACTS)
        own = [one for one in (simulator(facts), mismatch(machine, facts)) if one is not None]
        found: dict[Reason, Finding] = {}
        for one in (*self._findings.get(machine.device, ()), *own):
            if one.reason not in _BETWEEN_DECLARED or set(one.rivals) & self._owners.keys():
                found.setdefault(one.reason, one)
        yield from (found[reason] for reason in (*CONTRADICTING, *DOUBTFUL) if reason in found)

    def _standing(
        self, machine: Equipment, seen: Seen, against: tuple[Finding, ...]
    ) -> tuple[Standing, Reason]:
        if machine.id not in self._declared:
            return Standing.NOT_CLAIMED, self._why_not_claimed(machine)
        if machine.device and self._claims[machine.device] > 1:
            return Standing.CONTRADICTED, Reason.SAME_SOURCE
        if against and against[0].reason in CONTRADICTING:
            return Standing.CONTRADICTED, against[0].reason
        if witness_of(machine, self._asked.last) is not None:
            return Standing.VERIFIED, Reason.WITNESSED
        missing = self._missing(machine, seen, against)
        if missing is not None:
            return Standing.UNVERIFIED, missing
        return Standing.VERIFIED, Reason.VERIFIED

    def _why_not_claimed(self, machine: Equipment) -> Reason:
        if machine.id not in self._in_service:
            return Reason.NOT_IN_SERVICE
        if machine.part_of is not None:
            return Reason.PART_OF
        return Reason.NO_KEY_PROCESS if machine.id in self._counted else Reason.NOT_CLAIMED

    def _missing(
        self, machine: Equipment, seen: Seen, against: tuple[Finding, ...]
    ) -> Reason | None:
        """Give the first thing that keeps a declared machine from being verified."""
        doubt = next((one.reason for one in against), Reason.NO_CHANGE)
        facts = self.facts.get(machine.device or "", _NO_FACTS)
        tests = (
            (machine.device is None, Reason.NO_DEVICE),
            (not self._asked.assessable, Reason.TOO_FEW_SCHEDULED_DAYS),
            (seen.first_ms is None, Reason.NO_DATA),
            (seen.days < self._asked.needed_days, Reason.TOO_FEW_DAYS),
            (not seen.changed, Reason.NO_CHANGE),
            (bool(against), doubt),
            (facts.unread, Reason.IDENTITY_UNREAD),
            (
                seen.control_days < self._asked.needed_days
                and not names_controller(machine, facts),
                Reason.NO_CONTROL_IDENTITY,
            ),
        )
        return next((reason for failed, reason in tests if failed), None)

    def _level(self, machine: Equipment, seen: Seen, against: tuple[Finding, ...]) -> Level:
        if witness_of(machine, self._asked.last) is not None:
            return Level.WITNESSED
        if seen.first_ms is None:
            return Level.DOCUMENTED if machine.documents else Level.DECLARED
        if not self._asked.assessable or seen.days < self._asked.needed_days:
            return Level.REACHED
        return Level.LIVE if seen.changed and not against else Level.OBSERVED

    def _rivals(self, machine: Equipment) -> tuple[str, ...]:
        return tuple(
            id_
            for id_, device in self._counted.items()
            if device == machine.device and id_ != machine.id
        )


_NOTHING: Final = Seen()
_NO_FACTS: Final = DeviceFacts()
_BETWEEN_DECLARED: Final = (Reason.DUPLICATE_ENDPOINT, Reason.DUPLICATE_SERIAL)
"""Findings between two devices that matter only where a declared machine names the other too."""
