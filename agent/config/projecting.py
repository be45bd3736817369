"""The rules of one device's state, from its own configuration and its preset; checked, compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.config.presets import preset_names, read_preset
from agent.config.problems import problem
from agent.config.translate import near
from agent.derive.expression import compile_expression
from agent.derive.grammar import ExpressionError
from agent.derive.projection import Rule
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.config.derived import States
    from agent.config.document import Node
    from agent.config.presets import Preset
    from agent.config.problems import Place, Problem
    from agent.config.reading import Reading

    Placed = tuple[Rule, Place, str]


def projection(states: States, node: Node, *, where: str, reading: Reading) -> list[Placed]:
    """Give the rules, each with the place it came from; none after a problem was told."""
    start = len(reading.problems)
    rules = _own(states, node, where, reading)
    if states.preset:
        rules += _of_preset(states, node, where, reading)
    elif not states.rules:
        known = ", ".join(preset_names())
        reading.problems.append(problem("E1258", node.place, where=where, known=known))
    return rules if len(reading.problems) == start else []


def _own(states: States, node: Node, where: str, reading: Reading) -> list[Placed]:
    section = node.entries.get("rules")
    found: list[Placed] = []
    for at, rule in enumerate(states.rules):
        place = section.items[at].place if section is not None else node.place
        path = f"{where}.rules[{at}]"
        try:
            expression = compile_expression(rule.when)
        except ExpressionError as error:
            reading.problems.append(
                problem("E1251", place, where=path, seen=rule.when, why=error.why)
            )
            continue
        named = {name: name for name in expression.names}
        found.append((Rule(rule.state, expression, named, {}), place, path))
    return found


def _of_preset(states: States, node: Node, where: str, reading: Reading) -> list[Placed]:
    named = node.entries["preset"].place
    if states.preset not in preset_names():
        known = preset_names()
        reading.problems.append(
            problem("E1255", named, where=f"{where}.preset", seen=states.preset,
                    known=", ".join(known), near=near(states.preset, known))
        )  # fmt: skip
        return []
    preset = read_preset(states.preset)
    if _disagrees(states, preset, node, where, reading):
        return []
    tags = node.entries.get("tags")
    found: list[Placed] = []
    for state, when in preset.rules:
        expression = compile_expression(when)
        asked = [name for name in expression.names if name not in states.limits]
        if not all(name in states.tags for name in asked):
            continue  # of an optional input that is not given
        points = {name: states.tags[name] for name in asked}
        limits = {name: states.limits[name] for name in expression.names if name in states.limits}
        place = tags.entries[asked[0]].place if tags is not None else named
        found.append((Rule(state, expression, points, limits), place, f"{where}.tags.{asked[0]}"))
    return found


def _disagrees(states: States, preset: Preset, node: Node, where: str, reading: Reading) -> bool:
    """Tell what the preset asks for and is not given, and what is given and not asked for."""
    place = node.entries["preset"].place
    found: list[Problem] = []
    for key in ("tags", "limits"):
        asked = preset.inputs if key == "tags" else preset.limits
        optional = preset.optional if key == "tags" else {}
        stated: Mapping[str, object] = states.tags if key == "tags" else states.limits
        found += [
            problem("E1256", place, where=f"{where}.{key}", preset=preset.name, key=name,
                    about=Message(*map(str.strip, about.split("|"))))
            for name, about in asked.items()
            if name not in stated
        ]  # fmt: skip
        names = [*asked, *optional]
        found += [
            problem("E1257", node.entries[key].entries[name].place, where=f"{where}.{key}.{name}",
                    preset=preset.name, seen=name, known=", ".join(names) or "-",
                    near=near(name, names))
            for name in stated
            if name not in names
        ]  # fmt: skip
    reading.problems.extend(found)
    return bool(found)
