"""The ledger as plain data: one document, and one record per thing declared.

Exact and JSON-able: dates as ISO texts, keys sorted, values at their default left out, records in
the ledger's own order. What `declared_of` reads from a document gives the same document again.
Figures that never leave the gateway stand in no document and no record of the journal.
Pure.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from agent.config.ledger import Enterprise, Equipment, Location, Process
from agent.kpi.ledger import Ledger
from drivers.api.shape import ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Self

    from agent.config.model import AgentConfig

VERSION = 1
"""Version of the document's shape."""

PRIVATE = "size"
"""Key of the enterprise's figures (revenue, staff) that never leave the gateway."""
Record: TypeAlias = dict[str, Any]
"""One record as JSON types."""
Model: TypeAlias = Enterprise | Location | Process | Equipment
"""One record as it was validated."""


class RecordKind(StrEnum):
    """What a record is about; the value is its word in journal and messages."""

    ENTERPRISE = "enterprise"
    LOCATION = "location"
    PROCESS = "process"
    EQUIPMENT = "equipment"

    @property
    def section(self) -> str:
        """Its section in the configuration file and in the document."""
        return SECTIONS[self]

    @property
    def model(self) -> type[Model]:
        """Its shape."""
        return _MODELS[self]


SECTIONS = {
    RecordKind.ENTERPRISE: "enterprise",
    RecordKind.LOCATION: "locations",
    RecordKind.PROCESS: "processes",
    RecordKind.EQUIPMENT: "equipment",
}
"""Section of the configuration file that holds the records of a kind."""
_MODELS: Mapping[RecordKind, type[Model]] = {
    RecordKind.ENTERPRISE: Enterprise,
    RecordKind.LOCATION: Location,
    RecordKind.PROCESS: Process,
    RecordKind.EQUIPMENT: Equipment,
}

Key: TypeAlias = tuple[RecordKind, str]
"""A record's kind and id; the enterprise's id is empty here, for there is one."""


@dataclass(frozen=True, slots=True)
class Declared:
    """Everything an enterprise declares, validated."""

    enterprise: Enterprise
    locations: tuple[Location, ...] = ()
    processes: tuple[Process, ...] = ()
    equipment: tuple[Equipment, ...] = ()

    @classmethod
    def of(cls, config: AgentConfig) -> Self:
        """Take it out of a validated configuration."""
        return cls(config.enterprise, config.locations, config.processes, config.equipment)

    def ledger(self) -> Ledger:
        """Give what the rate is computed from."""
        return Ledger(self.enterprise.industry_kind, self.processes, self.equipment)

    def records(self) -> dict[Key, Record]:
        """Give every record by kind and id, in the ledger's order, without the private figures."""
        return self.written() | {(RecordKind.ENTERPRISE, ""): record_of(self.enterprise)}

    def written(self) -> dict[Key, Record]:
        """Give the same with the private figures, as the configuration file has them."""
        found: dict[Key, Record] = {(RecordKind.ENTERPRISE, ""): written_of(self.enterprise)}
        for kind, models in (
            (RecordKind.LOCATION, self.locations),
            (RecordKind.PROCESS, self.processes),
            (RecordKind.EQUIPMENT, self.equipment),
        ):
            found |= {(kind, one.id): record_of(one) for one in models}
        return found


def record_of(model: Model) -> Record:
    """Give one record as JSON types, without defaults and private figures, keys sorted."""
    record = written_of(model)
    if isinstance(model, Enterprise):
        record.pop(PRIVATE, None)
    return record


def written_of(model: Model) -> Record:
    """Give the same with the private figures: for the enterprise's own file and spreadsheet."""
    plain = model.model_dump(mode="json", exclude_defaults=True)
    return {key: _sorted(plain[key]) for key in sorted(plain)}


def ledger_document(config: AgentConfig) -> dict[str, Any]:
    """Give the ledger of a configuration as one JSON-able document."""
    return document_of(Declared.of(config))


def document_of(declared: Declared) -> dict[str, Any]:
    """Give a ledger as one JSON-able document."""
    return {
        "enterprise": record_of(declared.enterprise),
        "equipment": [record_of(one) for one in declared.equipment],
        "locations": [record_of(one) for one in declared.locations],
        "processes": [record_of(one) for one in declared.processes],
        "v": VERSION,
    }


def declared_of(document: Mapping[str, Any]) -> Declared:
    """Read a document back.

    Raises:
        ValueError: it is not a ledger of a version known here.
    """
    if document.get("v") != VERSION:
        raise ValueError(f"a ledger of version {document.get('v')!r}, not {VERSION}")
    try:
        return Declared(
            Enterprise.model_validate(document["enterprise"]),
            tuple(Location.model_validate(one) for one in document["locations"]),
            tuple(Process.model_validate(one) for one in document["processes"]),
            tuple(Equipment.model_validate(one) for one in document["equipment"]),
        )
    except (KeyError, TypeError, ValidationError) as error:
        raise ValueError(f"not a ledger: {error}") from error


def declared_from(records: Iterable[tuple[Key, Record]]) -> Declared | None:
    """Put records together again; None where there is no enterprise among them.

    Raises:
        ValueError: a record does not have the shape of its kind.
    """
    document: dict[str, Any] = {"v": VERSION, "locations": [], "processes": [], "equipment": []}
    for (kind, _), record in records:
        if kind is RecordKind.ENTERPRISE:
            document["enterprise"] = record
        else:
            document[kind.section].append(record)
    return declared_of(document) if "enterprise" in document else None


def canonical(value: Any) -> bytes:
    """Give a value's one JSON form: sorted keys, no blanks, UTF-8."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_sorted(one) for one in value]
    return value
