"""The rate of one shop day as it is remembered: headline figures, and what moved to get there.

Immutable, JSON-able, some 300 bytes; `document` and `of_document` are each other's inverse.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, TypeAlias

from agent.kpi.rates import NullReason
from agent.kpi.report import pair
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from agent.kpi.result import RateResult

Share: TypeAlias = tuple[int, int]
"""An exact fraction: numerator, denominator."""


@dataclass(frozen=True, slots=True)
class Change:
    """One reason why a rate may differ from the one before."""

    kind: str
    """Code, stable: `standing`, `machine_added`, `machine_removed`, `ledger`, `rules`, `settings`,
    `more`, or a finding's."""
    id: str
    """Machine or process it is about; empty where it is about the whole."""
    message: Message

    def document(self) -> dict[str, str]:
        """Give it as JSON types."""
        return {"kind": self.kind, "id": self.id, "en": self.message.en, "zh": self.message.zh}


@dataclass(frozen=True, slots=True)
class DayRate:
    """The headline figures as of one shop day."""

    day: date
    rules: str
    method: str
    control_set: str
    declared: Share | None
    adjusted: Share | None
    verified: Share | None
    counted: Share | None
    """Machines verified and declared, unreduced."""
    why: str
    """Code of the reason where a figure is missing; empty where none is."""
    ledger: str
    """Hash of the ledger it follows from, as the indicator tells it."""
    changes: tuple[Change, ...] = ()

    @classmethod
    def of(cls, result: RateResult, *, ledger: str, changes: tuple[Change, ...]) -> Self:
        """Take the headline of a result."""
        one = result.headline
        figures = (one.declared, one.adjusted, one.verified)
        return cls(
            result.asked.last,
            result.rules,
            result.method.value,
            result.control_set.value,
            pair(one.declared),
            pair(one.adjusted),
            pair(one.verified),
            result.counted,
            next((f.value for f in figures if isinstance(f, NullReason)), ""),
            ledger,
            changes,
        )

    def document(self) -> dict[str, Any]:
        """Give everything as JSON types."""
        return {
            "day": self.day.isoformat(),
            "rules": self.rules,
            "method": self.method,
            "control_set": self.control_set,
            "declared": _listed(self.declared),
            "adjusted": _listed(self.adjusted),
            "verified": _listed(self.verified),
            "counted": _listed(self.counted),
            "why": self.why,
            "ledger": self.ledger,
            "changes": [one.document() for one in self.changes],
        }

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> Self:
        """Take what `document` gave.

        Raises:
            ValueError: it is no such document.
        """
        try:
            return cls(
                date.fromisoformat(document["day"]),
                str(document["rules"]),
                str(document["method"]),
                str(document["control_set"]),
                _share(document["declared"]),
                _share(document["adjusted"]),
                _share(document["verified"]),
                _share(document["counted"]),
                str(document["why"]),
                str(document["ledger"]),
                tuple(_change(one) for one in document["changes"]),
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"not the rate of a day: {error!r}") from error


def _listed(share: Share | None) -> list[int] | None:
    return None if share is None else list(share)


def _share(found: Any) -> Share | None:
    if found is None:
        return None
    numerator, denominator = found
    share = int(numerator), int(denominator)
    if share[1] < 1:
        raise ValueError(f"a denominator of {share[1]}")
    return share


def _change(document: Mapping[str, Any]) -> Change:
    message = Message(en=str(document["en"]), zh=str(document["zh"]))
    return Change(str(document["kind"]), str(document["id"]), message)
