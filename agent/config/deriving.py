"""Compiles what a device computes: computed tags and its state, put into the groups they belong to.

Guarantees: every name, kind, group and cycle is checked before anything runs, each problem at its
own line; a computed tag stands after what it needs. No I/O but the presets' own files.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from agent.config.derived import STATE_METRIC
from agent.config.model import MachineState, Mode, Report, TagEntry
from agent.config.problems import problem
from agent.config.projecting import projection
from agent.config.translate import near
from agent.derive.columns import Derivation
from agent.derive.expression import compile_expression
from agent.derive.grammar import ExpressionError, Kind
from agent.derive.kinds import kind_of
from agent.derive.projection import Calculation, Projection
from agent.telemetry.status import Message
from drivers.api import DataType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agent.config.derived import Compress
    from agent.config.document import Node
    from agent.config.model import DeviceEntry
    from agent.config.plan import GroupPlan
    from agent.config.problems import Place, Problem
    from agent.config.reading import Reading
    from agent.derive.expression import Expression

_TRUTHS = {DataType.BOOL, DataType.BIT}
_TEXTS = {DataType.STRING, DataType.DATETIME}
_TYPES = {Kind.NUMBER: DataType.FLOAT64, Kind.TRUTH: DataType.BOOL, Kind.TEXT: DataType.STRING}


class Conditions(NamedTuple):
    """An expression of a declaration, and what its names stand for."""

    expression: Expression
    points: Mapping[str, str]
    """Name -> point of the device."""
    place: Place
    where: str
    condition: bool = True
    """Whether it must hold or not hold; else it may give any value."""


@dataclass(frozen=True, slots=True)
class Declared:
    """Something to be computed, as far as its own text tells."""

    tag: TagEntry
    compute: Calculation | Projection
    conditions: tuple[Conditions, ...]
    place: Place
    where: str

    @property
    def points(self) -> tuple[str, ...]:
        """Every point it needs, each once."""
        return tuple(dict.fromkeys(p for one in self.conditions for p in one.points.values()))


def with_derived(
    node: Node,
    entry: DeviceEntry,
    tags: Sequence[TagEntry],
    groups: tuple[GroupPlan, ...],
    *,
    where: str,
    reading: Reading,
) -> tuple[GroupPlan, ...]:
    """Give the groups with what is computed in them; problems are added to the reading."""
    declared = _unlike(_declared(node, entry, where, reading), tags, reading)
    kinds = {tag.name: _kind(tag) for tag in tags}
    known = [*kinds, *(one.tag.name for one in declared)]
    if _unknown(declared, known, reading):
        return groups
    ordered = _ordered(declared, set(kinds), reading)
    group_of = {tag.name: tag.group for tag in tags}
    placed = [made for one in ordered if (made := _placed(one, group_of, kinds, reading))]
    return tuple(_extended(group, placed) for group in groups)


def with_compression(
    node: Node,
    entry: DeviceEntry,
    groups: tuple[GroupPlan, ...],
    *,
    where: str,
    reading: Reading,
) -> tuple[GroupPlan, ...]:
    """Give the groups with what is compressed in them; problems are added to the reading."""
    known = {tag.name for tag in entry.tags} | {t.name for group in groups for t in group.tags}
    columns = {tag.name: (group, at, tag) for group in groups for at, tag in enumerate(group.tags)}
    found: dict[str, dict[int, Compress]] = {}
    for name, settings in entry.compress.items():
        why = _not_found(name, known)
        if why is None and name in columns:
            group, at, tag = columns[name]
            found.setdefault(group.name, {})[at] = settings
            why = _incompressible(group, tag)
        if why is not None:
            place = node.entries["compress"].entries[name].place
            reading.problems.append(
                problem("E1259", place, where=f"{where}.compress.{name}", seen=name, why=why)
            )
    return tuple(replace(group, compress=found.get(group.name, {})) for group in groups)


def _not_found(name: str, known: set[str]) -> Message | None:
    if name in known:
        return None
    meant = near(name, sorted(known))
    return Message(en=f"there is none. {meant.en}".strip(), zh=f"没有这个点位。{meant.zh}")


def _incompressible(group: GroupPlan, tag: TagEntry) -> Message | None:
    if group.settings.mode is Mode.SUBSCRIBE or group.settings.report is not Report.ALL:
        return Message(
            en=f"the group {group.name} does not store every value",
            zh=f"采集组 {group.name} 并不存储每个值",
        )
    if _kind(tag) in {Kind.TEXT, Kind.TRUTH}:
        return Message(en="it is no number", zh="不是数值")
    return None


def _declared(node: Node, entry: DeviceEntry, where: str, reading: Reading) -> list[Declared]:
    found = []
    section = node.entries.get("computed")
    for item, one in zip(section.items if section is not None else [], entry.computed, strict=True):
        path = f"{where}.computed[{one.name}]"
        try:
            expression = compile_expression(one.value)
        except ExpressionError as error:
            reading.problems.append(
                problem("E1251", item.entries["value"].place, where=path, seen=one.value,
                        why=error.why)
            )  # fmt: skip
            continue
        tag = TagEntry(name=one.name, address=f"= {one.value}", unit=one.unit,
                       description=one.description)  # fmt: skip
        named = {name: name for name in expression.names}
        place = item.entries["value"].place
        conditions = (Conditions(expression, named, place, path, condition=False),)
        found.append(Declared(tag, Calculation(expression), conditions, place, path))
    return found + _state(node, entry, where, reading)


def _state(node: Node, entry: DeviceEntry, where: str, reading: Reading) -> list[Declared]:
    if entry.states is None:
        return []
    section = node.entries["states"]
    path = f"{where}.states"
    rules = projection(entry.states, section, where=path, reading=reading)
    if not rules:
        return []
    made = Projection(tuple(rule for rule, _, _ in rules))
    inputs = ", ".join(f"{name}={tag}" for name, tag in entry.states.tags.items())
    tag = TagEntry(
        name=STATE_METRIC,
        address=f"= {entry.states.preset or 'rules'}({inputs or ', '.join(made.points)})"[:512],
        type=DataType.STRING,
        states={state.value: state for state in MachineState},
    )
    conditions = tuple(
        Conditions(rule.when, rule.points, place, spot) for rule, place, spot in rules
    )
    return [Declared(tag, made, conditions, section.place, path)]


def _unlike(declared: list[Declared], tags: Sequence[TagEntry], reading: Reading) -> list[Declared]:
    """Leave out, and tell, what bears a name that is taken."""
    taken = {tag.name for tag in tags}
    kept = []
    for one in declared:
        if one.tag.name in taken:
            reading.problems.append(
                problem("E1202", one.place, where=one.where, seen=one.tag.name, first="tags")
            )
        else:
            kept.append(one)
        taken.add(one.tag.name)
    return kept


def _unknown(declared: Iterable[Declared], known: Sequence[str], reading: Reading) -> bool:
    found = [
        problem("E1252", one.place, where=one.where, seen=point, known=", ".join(known) or "-",
                near=near(point, known))
        for each in declared
        for one in each.conditions
        for point in one.points.values()
        if point not in known
    ]  # fmt: skip
    reading.problems.extend(found)
    return bool(found)


def _ordered(declared: Sequence[Declared], known: set[str], reading: Reading) -> list[Declared]:
    """Put each after what it needs; tell those that need each other."""
    left, ordered = list(declared), list[Declared]()
    while ready := [one for one in left if known.issuperset(one.points)]:
        ordered += ready
        known |= {one.tag.name for one in ready}
        left = [one for one in left if one not in ready]
    if left:
        names = ", ".join(one.tag.name for one in left)
        reading.problems.append(problem("E1253", left[0].place, where=left[0].where, names=names))
    return ordered


def _placed(
    one: Declared, group_of: dict[str, str], kinds: dict[str, Kind | None], reading: Reading
) -> Declared | None:
    """Find its group and its kind, which later ones may need; None after telling a problem."""
    groups = list(dict.fromkeys(group_of[point] for point in one.points))
    if len(groups) > 1:
        reading.problems.append(
            problem("E1254", one.place, where=one.where, seen=one.tag.name,
                    groups=", ".join(groups))
        )  # fmt: skip
    group_of[one.tag.name] = groups[0]
    wrong = [found for each in one.conditions if (found := _mixed(each, kinds)) is not None]
    reading.problems.extend(wrong)
    if wrong or len(groups) > 1:
        kinds[one.tag.name] = None
        return None
    kind: Kind | None = Kind.TEXT
    if isinstance(one.compute, Calculation):
        kind = kind_of(one.compute.expression, kinds)
    kinds[one.tag.name] = kind
    data_type = DataType.AUTO if kind is None else _TYPES[kind]
    tag = one.tag.model_copy(update={"group": groups[0], "type": data_type})
    return replace(one, tag=tag)


def _mixed(one: Conditions, kinds: Mapping[str, Kind | None]) -> Problem | None:
    named = {name: kinds.get(point) for name, point in one.points.items()}
    try:
        kind = kind_of(one.expression, named)
    except ExpressionError as error:
        why = error.why
    else:
        if kind is not Kind.TEXT or not one.condition:
            return None
        why = Message(en="yes or no is needed, not text", zh="此处需要“是/否”的条件，不是文字")
    return problem("E1251", one.place, where=one.where, seen=one.expression.text, why=why)


def _kind(tag: TagEntry) -> Kind | None:
    if tag.states or tag.type in _TEXTS:
        return Kind.TEXT
    if tag.type is DataType.AUTO:
        return None
    return Kind.TRUTH if tag.type in _TRUTHS else Kind.NUMBER


def _extended(group: GroupPlan, placed: Sequence[Declared]) -> GroupPlan:
    here = [one for one in placed if one.tag.group == group.name]
    if not here:
        return group
    tags = (*group.tags, *(one.tag for one in here))
    columns = {tag.name: at for at, tag in enumerate(tags)}
    derived = tuple(
        Derivation(
            one.tag.name,
            tuple((point, columns[point]) for point in one.points),
            one.compute,
            one.tag.address,
        )
        for one in here
    )
    return replace(group, tags=tags, derived=derived)
