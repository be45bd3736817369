"""The result as a document: every figure as integers, every null with its reason, every machine.

The same functions make it for the file and compute it again when the file is checked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from agent.kpi.eased import eased_sentence
from agent.kpi.evidence import demand_of
from agent.kpi.rates import NullReason
from agent.kpi.reasons import null_sentence, sentence
from agent.kpi.region import RATE_TARGET
from agent.kpi.result import compute
from agent.ledger.entry import checked
from agent.ledger.findings import findings
from agent.ledger.history import History
from agent.proof.sealed_ledger import dated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from agent.config.model import AgentConfig
    from agent.kpi.evidence import Demand, DeviceDay
    from agent.kpi.identity import DeviceFacts
    from agent.kpi.judge import Assessment
    from agent.kpi.rates import Figure, Triple
    from agent.kpi.result import RateResult, SetResult
    from agent.losses.spans import LossSpan

HISTORY_DAYS: Final = 31
"""Of a period no longer than this the history has every day."""
HISTORY_POINTS: Final = 13
"""Most points of the history of a longer period: about one a month of a year."""
_TRIPLE: Final = ("declared", "adjusted", "verified", "gap")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything the figures follow from."""

    config: AgentConfig
    as_of: date
    days: Sequence[DeviceDay]
    facts: Mapping[str, DeviceFacts]
    losses: tuple[LossSpan, ...]
    journal: tuple[bytes, ...]
    digests: tuple[bytes, ...] = ()

    def computed(self, as_of: date) -> RateResult:
        """Compute the result as of a day."""
        return compute(
            self.config, self.days, now_ms=0, as_of=as_of, facts=self.facts, losses=self.losses
        )


def result_document(inputs: Inputs) -> dict[str, Any]:
    """Compute the result as of the day of the file."""
    result = inputs.computed(inputs.as_of)
    asked, seen = result.asked, _last_seen(inputs.days, result.asked)
    return {
        "rules": result.rules,
        "as_of": asked.last.isoformat(),
        "window": [asked.first.isoformat(), asked.last.isoformat()],
        "scheduled_days": asked.scheduled_days,
        "needed_days": asked.needed_days,
        "min_days": asked.min_days,
        "assessable": asked.assessable,
        "eased": _eased(result),
        "method": result.method.value,
        "control_set": result.control_set.value,
        "target": _targets(result.headline),
        "sets": {one.value: _set(result, found, seen) for one, found in result.sets.items()},
        "devices": {device: one.document() for device, one in result.covered.items()},
        "key_process_removed": [process.id for process in result.dropped],
        "outsourced": [p.id for p in inputs.config.processes if p.key and p.outsourced],
        "ledger_findings": list(_ledger_findings(inputs, result)),
    }


def _eased(result: RateResult) -> dict[str, Any] | None:
    """Give what the settings ease, with its sentence; null where they ease nothing."""
    said = eased_sentence(result.eased)
    if said is None:
        return None
    settings = [one.document() for one in result.eased]
    return {"settings": settings, "message": {"en": said.en, "zh": said.zh}}


def history_document(inputs: Inputs) -> dict[str, Any]:
    """Compute the headline figures as of days of the window, each with its own window."""
    asked = demand_of(inputs.config, inputs.as_of)
    daily = asked.period_days <= HISTORY_DAYS
    step = 1 if daily else -(-asked.period_days // HISTORY_POINTS)
    back = range(0, asked.period_days, step)
    days = [asked.last - timedelta(days=n) for n in reversed(back)]
    return {
        "every_days": step,
        "days": [
            {"as_of": day.isoformat(), **_triple(inputs.computed(day).headline)} for day in days
        ],
    }


def _ledger_findings(inputs: Inputs, result: RateResult) -> Iterator[dict[str, Any]]:
    """Give what the ledger's history makes one ask about, of edits inside the window."""
    entries = dated(inputs.digests, checked(line.decode() for line in inputs.journal).entries)
    for one in findings(History.of(entries), method=inputs.config.rate.method):
        if result.asked.first <= one.day <= result.asked.last:
            yield {
                "code": one.kind.value,
                "id": one.id,
                "day": one.day.isoformat(),
                "message": {"en": one.message.en, "zh": one.message.zh},
            }


def figure_document(figure: Figure) -> dict[str, Any]:
    """Give a figure as integers, or the reason why there is none."""
    if isinstance(figure, NullReason):
        said = null_sentence(figure)
        return {"null": figure.value, "message": {"en": said.en, "zh": said.zh}}
    return {"num": figure.numerator, "den": figure.denominator}


def _triple(one: Triple) -> dict[str, Any]:
    return {name: figure_document(getattr(one, name)) for name in _TRIPLE}


def _targets(headline: Triple) -> dict[str, Any]:
    return {
        "percent": RATE_TARGET.percent,
        "inclusive": RATE_TARGET.inclusive,
        "declared": RATE_TARGET.met(headline.declared),
        "adjusted": RATE_TARGET.met(headline.adjusted),
        "verified": RATE_TARGET.met(headline.verified),
    }


def _set(result: RateResult, found: SetResult, seen: Mapping[str, int]) -> dict[str, Any]:
    return {
        "rates": {method.value: _triple(one) for method, one in found.rates.items()},
        "coverage": figure_document(found.coverage),
        "neighbours": found.neighbours.document(),
        "processes": [
            {
                "id": process.id,
                "able": sorted(process.able),
                "declared": sorted(process.controlled),
                "verified": sorted(process.controlled & found.verified),
            }
            for process in found.processes
        ],
        "machines": [
            {**_machine(one, result.asked), "last_seen_ms": seen.get(one.machine.device or "")}
            for one in found.assessments
        ],
    }


def _machine(one: Assessment, asked: Demand) -> dict[str, Any]:
    return {
        "id": one.machine.id,
        "device": one.machine.device,
        "declared": one.declared,
        "status": one.standing.value,
        "reason": one.reason.value,
        "message": _message(one, asked),
        "level": one.level.value,
        "days": one.seen.days,
        "hours": one.seen.hours,
        "digital": one.digital,
        "networked": one.networked,
        "observed": one.observed,
        "rivals": list(one.rivals),
        "findings": [
            {
                "reason": against.reason.value,
                "message": _message(
                    replace(one, reason=against.reason, about=against.about, rivals=against.rivals),
                    asked,
                ),
            }
            for against in one.findings
        ],
    }


def _message(one: Assessment, asked: Demand) -> dict[str, str]:
    said = sentence(one, asked)
    return {"en": said.en, "zh": said.zh}


def _last_seen(days: Iterable[DeviceDay], asked: Demand) -> dict[str, int]:
    """Give each device's latest good value up to the day of the rate, UTC ms."""
    found: dict[str, int] = {}
    for one in days:
        if one.day <= asked.last and one.good:
            found[one.device] = max(found.get(one.device, one.last_ms), one.last_ms)
    return found
