"""The history of the rate by day, month or year, out of the days remembered. Pure.

A month shows its last day, for a rate is of a day; what changed is gathered from all of its days.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from agent.indicator.changes import rules_changed
from agent.indicator.dayrate import Change

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.indicator.dayrate import DayRate

MOST_CHANGES: Final = 40
"""Changes told of one period, the newest of each machine; beyond, they stand under their days."""


class Span(StrEnum):
    """How much time one line of a history is about."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


_ISO_LENGTH: Final = {Span.DAY: 10, Span.MONTH: 7, Span.YEAR: 4}
"""How much of an ISO date names a period."""


@dataclass(frozen=True, slots=True)
class Period:
    """One line of a history."""

    name: str
    """The day, month or year as ISO 8601 writes it."""
    rate: DayRate
    """As of the last day remembered in it."""
    changes: tuple[Change, ...]

    def document(self) -> dict[str, Any]:
        """Give it as JSON types."""
        changes = [one.document() for one in self.changes]
        return {"period": self.name, **self.rate.document(), "changes": changes}


def periods(days: Iterable[DayRate], span: Span) -> tuple[Period, ...]:
    """Gather days into periods, oldest first."""
    length = _ISO_LENGTH[span]
    ordered = sorted(days, key=lambda one: one.day)
    found: list[Period] = []
    for name, group in groupby(ordered, key=lambda one: one.day.isoformat()[:length]):
        members = list(group)
        moved = list(_newest(change for one in members for change in one.changes))
        rules = members[-1].rules
        if found and found[-1].rate.rules != rules:
            message = rules_changed(found[-1].rate.rules, rules)
            moved = [Change("rules", "", message), *(c for c in moved if c.kind != "rules")]
        found.append(Period(name, members[-1], tuple(moved[-MOST_CHANGES:])))
    return tuple(found)


def _newest(changes: Iterable[Change]) -> Iterable[Change]:
    """Keep the last change of each kind and machine, in the order of their coming."""
    kept: dict[tuple[str, str], Change] = {}
    for one in changes:
        kept.pop((one.kind, one.id), None)
        kept[one.kind, one.id] = one
    return kept.values()
