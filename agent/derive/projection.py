"""What a computation does: one expression, or rules of which the first that holds gives a state.

Pure. The rules come from a preset or from a device's own configuration; a state no rule gives is
`unknown`, and uncertain: it is never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from agent.derive.columns import Computed
from drivers.api import Quality

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.derive.expression import Expression
    from drivers.api import Value

UNKNOWN = "unknown"
NOT_MAPPED = "UncertainStateNotMapped"
"""Reason of a state no rule gives."""


@dataclass(frozen=True, slots=True)
class Calculation:
    """A computed tag's expression over points of its device."""

    expression: Expression

    def __call__(self, values: Mapping[str, Value]) -> Computed:
        """Give its value; `EvaluationError` where there is none."""
        return Computed(self.expression(values))


class Rule(NamedTuple):
    """Gives its state while its condition holds."""

    state: str
    when: Expression
    points: Mapping[str, str]
    """Name in the condition -> point of the device."""
    limits: Mapping[str, Value]
    """Numbers the condition names."""

    def holds(self, values: Mapping[str, Value]) -> bool:
        """Tell whether the condition holds for these values of points."""
        named = {name: values[point] for name, point in self.points.items()}
        return bool(self.when(named | dict(self.limits)))


@dataclass(frozen=True, slots=True)
class Projection:
    """Rules, the first that holds winning."""

    rules: tuple[Rule, ...]

    @property
    def points(self) -> tuple[str, ...]:
        """Give every point the rules ask for, each once."""
        return tuple(dict.fromkeys(p for rule in self.rules for p in rule.points.values()))

    def __call__(self, values: Mapping[str, Value]) -> Computed:
        """Give the state; `EvaluationError` where a condition before it cannot be computed."""
        for rule in self.rules:
            if rule.holds(values):
                return Computed(rule.state)
        return Computed(UNKNOWN, int(Quality.UNCERTAIN), NOT_MAPPED)
