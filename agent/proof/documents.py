"""What goes into a proof file, and its inputs as documents; and back, for whoever checks one.

Ledger, settings, counts, times and readings of counters are among them; program names, parameters
of a process, drawings, prices, staff and revenue are not.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from agent.config.codes.size import above_threshold, scale
from agent.config.ledger import ControlSet, IndustryKind
from agent.config.model import AgentConfig
from agent.kpi.calendar import ShopCalendar
from agent.kpi.evidence import CONTROL_METRICS, RULES, demand_of
from agent.kpi.identity import DeviceFacts, signatures
from agent.kpi.ledger import counted_types
from agent.kpi.region import RATE_TARGET
from agent.losses.spans import LossSpan
from agent.proof.rulings import RULINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from agent.config.ledger import Size
    from agent.kpi.evidence import DeviceDay

_LEDGER = ("enterprise", "locations", "processes", "equipment")
"""Sections of the configuration that are the ledger."""
_PRIVATE = {"enterprise": {"size"}}
"""What of it never leaves the gateway: revenue and staff."""
_SETTINGS = ("rate", "shifts")
"""Sections that decide how it is judged."""
_NS_PER_MS = 1_000_000
_NOWHERE = ({"url": "mqtt://127.0.0.1:1883"},)
"""A configuration must name a destination; nothing is ever sent by who checks a proof file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Everything a proof file is made of; equal material gives equal bytes."""

    config: AgentConfig
    as_of: date
    days: tuple[DeviceDay, ...]
    """What each device delivered on each day; those outside `evidence_span` are left out."""
    facts: Mapping[str, DeviceFacts] = field(default_factory=dict)
    """What is known of each device beside its data."""
    losses: tuple[LossSpan, ...] = ()
    journal: tuple[bytes, ...] = ()
    """The ledger's history, one JSON text each, oldest first."""
    digests: tuple[bytes, ...] = ()
    """The chained, signed digests of the days, one JSON text each, oldest first."""
    made_ms: int
    """When the file is made, UTC ms."""
    made_by: str
    """Program and version."""


def evidence_span(config: AgentConfig, as_of: date) -> tuple[date, date]:
    """Give the first and last day whose evidence the figures need, the history's included."""
    asked = demand_of(config, as_of)
    return asked.first - timedelta(days=asked.period_days - 1), asked.last


def size_document(size: Size | None) -> dict[str, Any]:
    """Give the tiers an enterprise's figures put it in, and never the figures; null if unknown."""
    if size is None:
        return {"scale": None, "above_threshold": None, "year": None}
    tier = scale(size.staff, size.revenue_wan)
    return {
        "scale": None if tier is None else tier.value,
        "above_threshold": above_threshold(size.revenue_wan),
        "year": size.year,
    }


def ledger_document(config: AgentConfig) -> dict[str, Any]:
    """Give the ledger as declared."""
    return config.model_dump(mode="json", include=set(_LEDGER), exclude=_PRIVATE)


def settings_document(config: AgentConfig, as_of: date) -> dict[str, Any]:
    """Give everything beside ledger and evidence that decides a figure, and the rulings."""
    return {
        **config.model_dump(mode="json", include=set(_SETTINGS)),
        "as_of": as_of.isoformat(),
        "gateway": config.gateway.model_dump(mode="json", include={"id", "timezone"}),
        **rule_documents(),
    }


def rule_documents() -> dict[str, Any]:
    """Give the rules of this program, as far as they are data."""
    strict = ControlSet.STRICT
    return {
        "rules": RULES,
        "control_metrics": list(CONTROL_METRICS),
        "control_sets": {
            kind.value: sorted(t.value for t in counted_types(kind, strict))
            for kind in IndustryKind
        },
        "target": {"percent": RATE_TARGET.percent, "inclusive": RATE_TARGET.inclusive},
        "signatures": signatures(),
        "rulings": [ruling.document() for ruling in RULINGS],
    }


def config_of(ledger: Mapping[str, Any], settings: Mapping[str, Any]) -> AgentConfig:
    """Make the configuration these documents were made of, as far as it decides a figure.

    Raises:
        ValueError: a section does not hold what it must (pydantic names what).
    """
    sections = {name: settings[name] for name in _SETTINGS if settings.get(name) is not None}
    return AgentConfig.model_validate(
        {**ledger, **sections, "gateway": settings.get("gateway"), "publish": _NOWHERE}
    )


def days_documents(days: list[DeviceDay]) -> Iterator[dict[str, Any]]:
    """Give the evidence by day and device, one by one, and take each out of the list."""
    days.sort(key=lambda one: (one.day, one.device), reverse=True)
    while days:
        yield days.pop().document()


def facts_document(facts: Mapping[str, DeviceFacts]) -> dict[str, Any]:
    """Give what is known of each device beside its data."""
    return {device: one.document() for device, one in facts.items()}


def facts_of_document(document: Mapping[str, Any]) -> dict[str, DeviceFacts]:
    """Read what `facts_document` gave; raises ValueError."""
    return {device: DeviceFacts.of_document(one) for device, one in document.items()}


def within_window(
    losses: Iterable[LossSpan], config: AgentConfig, as_of: date
) -> tuple[LossSpan, ...]:
    """Give the spans of loss that reach into the window of evidence, oldest first."""
    asked, calendar = demand_of(config, as_of), ShopCalendar.of(config)
    from_ms = calendar.span(asked.first).from_ns // _NS_PER_MS
    until_ms = calendar.span(asked.last).until_ns // _NS_PER_MS
    found = (span for span in losses if span.from_ms < until_ms and span.to_ms >= from_ms)
    return tuple(sorted(found, key=lambda one: (one.from_ms, one.cause, one.device, one.to_ms)))


def losses_documents(losses: Iterable[LossSpan]) -> list[dict[str, Any]]:
    """Give spans of loss."""
    return [asdict(span) for span in losses]


def loss_of_document(document: Mapping[str, Any]) -> LossSpan:
    """Read what `losses_documents` gave; raises TypeError where a field is missing or unknown."""
    return LossSpan(**document)
