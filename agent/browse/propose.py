"""A point table from what was found: canonical names, units and states where a model says them.

What is not recognised keeps a name made of its path. Every proposal is a valid `TagEntry`; what
cannot be one is counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from agent.browse.mapping import Match, match, models, states_of
from agent.browse.naming import Names, level
from agent.config.model import TagEntry
from drivers.api import DataType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.api import FoundPoint

_MOST_DESCRIPTION: Final = 256
_UNIT: Final = re.compile(r"[^\s=+\-@][^\s]{0,31}")
"""What may stand as a unit in a table: one word, and nothing a spreadsheet takes for a formula."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One found point, and the row it makes."""

    point: FoundPoint
    tag: TagEntry
    machine: str
    """Path of the machine it belongs to; empty where none was recognised."""
    known: bool
    """Whether a companion model says what it is."""


@dataclass(slots=True)
class Proposals:
    """What was made of all points."""

    rows: list[Proposal] = field(default_factory=list)
    """Machine by machine, the recognised points first."""
    machines: dict[str, list[str]] = field(default_factory=dict)
    """Path of each recognised machine -> titles of its models."""
    unusable: int = 0
    """Points that no row of a table can hold, such as those with addresses of 1,000 characters."""


def propose(points: Sequence[FoundPoint]) -> Proposals:
    """Make rows of points."""
    found = Proposals(machines=_machines(points))
    machines = [_machine(point, found.machines) for point in points]
    matches = _chosen(points, machines)
    names = _names(points, machines, matches)
    for at in sorted(range(len(points)), key=lambda at: (machines[at], at not in matches)):
        matched = matches.get(at)
        try:
            tag = TagEntry(**_row(points[at], names[at], matched))
        except ValidationError:
            found.unusable += 1
            continue
        found.rows.append(Proposal(points[at], tag, machines[at], matched is not None))
    return found


def _names(
    points: Sequence[FoundPoint], machines: Sequence[str], matches: dict[int, Match]
) -> list[str]:
    """Name every point: canonically where it is recognised, else by its path."""
    names = Names()
    prefixes = _prefixes({machine for machine in machines if machine})
    before = [prefixes.get(machine, "") for machine in machines]
    given = {
        at: names.canonical(_metric(matched), before=before[at])
        for at, matched in sorted(matches.items())
    }
    rest = [at for at in range(len(points)) if at not in given]
    paths = [points[at].path.removeprefix(f"{machines[at]}/").split("/") for at in rest]
    told = names.from_paths(paths, before=[before[at] for at in rest])
    given.update(zip(rest, told, strict=True))
    return [given[at] for at in range(len(points))]


def _machines(points: Sequence[FoundPoint]) -> dict[str, list[str]]:
    """Find where machines begin: the outermost objects that known models describe."""
    roots: dict[str, set[str]] = {}
    for point in points:
        model = models().get(point.model)
        if model is None:
            continue
        levels = point.path.split("/")
        above = levels[: max(0, len(levels) - len(point.role.split("/")) + 1)]
        if model.parts:
            above = above[:-1]
            while above and above[-1] in model.groups:
                above = above[:-1]
        root = "/".join(above)
        roots.setdefault(root, set()).add(model.title)
    outer = [one for one in roots if not any(_is_below(one, other) for other in roots)]
    return {
        root: sorted({
            title for one, titles in roots.items() if one == root or _is_below(one, root)
            for title in titles
        })
        for root in outer
    }  # fmt: skip


def _is_below(path: str, above: str) -> bool:
    return path != above and (not above or path.startswith(f"{above}/"))


def _machine(point: FoundPoint, machines: dict[str, list[str]]) -> str:
    return next((root for root in machines if _is_below(point.path, root)), "")


def _chosen(points: Sequence[FoundPoint], machines: Sequence[str]) -> dict[int, Match]:
    """Give the points that are recognised; of several for one metric those of the lowest rank."""
    found = {at: one for at, point in enumerate(points) if (one := match(point)) is not None}
    best: dict[tuple[str, str], int] = {}
    for at, one in found.items():
        key = machines[at], _metric(one)
        best[key] = min(best.get(key, one.rule.rank), one.rule.rank)
    return {
        at: one for at, one in found.items() if one.rule.rank == best[machines[at], _metric(one)]
    }


def _metric(found: Match) -> str:
    metric = found.rule.metric
    for number, name in enumerate(found.names, start=1):
        metric = metric.replace(f"{{{number}}}", level(name) or "n")
    return metric


def _prefixes(machines: set[str]) -> dict[str, str]:
    """Give what tells several machines apart; nothing for one alone."""
    if len(machines) < 2:
        return {}
    given: dict[str, str] = {}
    for number, machine in enumerate(sorted(machines), start=1):
        levels = machine.split("/")
        last = level(levels[-1])
        alike = [one for one in machines if level(one.rpartition("/")[2]) == last]
        if len(alike) > 1:
            last = level("_".join(levels[-2:]))
        taken = last in given.values() or not last
        given[machine] = f"machine{number}" if taken else last
    return given


def _row(point: FoundPoint, name: str, found: Match | None) -> dict[str, Any]:
    """Give what a row states; what is as by default is left out."""
    row: dict[str, Any] = {"name": name, "address": point.address}
    if point.data_type is not DataType.AUTO:
        row["type"] = point.data_type
    unit = point.unit if found is None or not found.rule.unit else found.rule.unit
    if _UNIT.fullmatch(unit):
        row["unit"] = unit
    if found is not None:
        states = states_of(point, found.rule)
        if states:
            row["states"] = states
        elif found.rule.scale != 1:
            row["scale"] = found.rule.scale
    row["description"] = _plain(point.description or point.path)
    return row


def _plain(text: str) -> str:
    """Give a text that a spreadsheet does not take for a formula."""
    text = text[:_MOST_DESCRIPTION].strip()
    return f"'{text}"[:_MOST_DESCRIPTION] if text[:1] in {"=", "+", "-", "@"} else text
