"""Companion models as data: which point of a model is which metric, and what its values mean.

One file per model in `models/`. A point is recognised by the URI of the model and the end of its
place in it, never by its value or its text.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from agent.config.model import MachineState
from drivers.api import DataType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drivers.api import FoundPoint


@dataclass(frozen=True, slots=True)
class Rule:
    """One point of a model."""

    at: tuple[str, ...]
    """The end of its place, level by level; `*` stands for any one name."""
    metric: str
    """Canonical metric; `{1}` is the name the first `*` stood for."""
    rank: int = 1
    """Of several points for one metric the lowest rank is taken."""
    scale: float = 1.0
    unit: str = ""
    """Unit after scaling; empty: what the server says."""
    states: Mapping[str, MachineState] | None = None
    """Number or name of a value -> state of the machine."""


@dataclass(frozen=True, slots=True)
class Model:
    """One companion model."""

    uri: str
    title: str
    rules: tuple[Rule, ...]
    parts: bool = False
    """Whether its objects are parts of a machine, not machines."""
    groups: tuple[str, ...] = ()
    """Names of what holds parts together within a machine."""


@dataclass(frozen=True, slots=True)
class Match:
    """A point that was recognised."""

    rule: Rule
    names: tuple[str, ...]
    """What each `*` of the rule stood for."""


@cache
def models() -> dict[str, Model]:
    """Give every model that is known, by its URI."""
    from ruamel.yaml import YAML

    reader = YAML(typ="safe", pure=True)
    folder = files("agent.browse") / "models"
    found = [
        _model(reader.load(one.read_text("utf-8")))
        for one in sorted(folder.iterdir(), key=lambda one: one.name)
        if one.name.endswith(".yaml")
    ]
    return {model.uri: model for model in found}


def match(point: FoundPoint) -> Match | None:
    """Tell which point of its model a point is; None where it is none that is known."""
    model = models().get(point.model)
    if model is None:
        return None
    place = point.role.split("/")
    for rule in model.rules:
        end = place[-len(rule.at) :]
        pairs = list(zip(rule.at, end, strict=False))
        if len(end) != len(rule.at) or not all(want in {"*", name} for want, name in pairs):
            continue
        if rule.states is None or states_of(point, rule):  # a state nobody can name is none
            return Match(rule, tuple(name for want, name in pairs if want == "*"))
    return None


def states_of(point: FoundPoint, rule: Rule) -> dict[str, MachineState]:
    """Give the state map of a point; empty where its values are not told by the rule."""
    told = rule.states or {}
    if all(key.isdigit() for key in told) or point.data_type is DataType.STRING:
        return dict(told)
    numbers = {name: str(number) for number, name in point.states}
    return {numbers[name]: state for name, state in told.items() if name in numbers}


def _model(document: Mapping[str, Any]) -> Model:
    return Model(
        document["uri"],
        document["title"],
        tuple(map(_rule, document["points"])),
        bool(document.get("parts", False)),
        tuple(document.get("groups", ())),
    )


def _rule(entry: Mapping[str, Any]) -> Rule:
    states = entry.get("states")
    return Rule(
        at=tuple(entry["at"].split("/")),
        metric=entry["metric"],
        rank=int(entry.get("rank", 1)),
        scale=float(entry.get("scale", 1)),
        unit=entry.get("unit", ""),
        states=states and {str(key): MachineState(word) for key, word in states.items()},
    )
