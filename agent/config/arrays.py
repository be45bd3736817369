"""Tags whose address names an array become one tag per value, before anything is planned.

Guarantees: an element has its array's settings and a name no other tag of the device has; an
array that cannot be taken apart is a problem at its own line. Only drivers that are `Expands` have
arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from agent.config.plan import tag_of
from agent.config.problems import Problem, problem
from agent.config.section import MetricName
from agent.telemetry.status import Message
from drivers.api import AddressError, Expands

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.config.document import Node
    from agent.config.model import TagEntry
    from agent.config.reading import Reading
    from drivers.api import Driver, Tag

    Pairs = list[tuple[Node, TagEntry]]

_TAKEN = Message(en="another point has that name", zh="该名称已被其他点位使用")
_TOO_LONG = Message(
    en="a name has seven levels and 128 characters at most", zh="名称最多七级、128 个字符"
)
_WHOLE = Message(
    en="leave is given point by point, not to an array", zh="必须逐个点位允许写，不能对整个数组"
)
_ALONE = Message(
    en="Remove write, or give the one value a tag of its own.",
    zh="请删去 write，或为要写的那一个值单独建点位。",
)
_NAME: TypeAdapter[str] = TypeAdapter(MetricName)


def taken_apart(
    tags: Pairs, *, driver: Driver[Any, Any, Any] | None, where: str, reading: Reading
) -> Pairs:
    """Give the tags with every array replaced by its elements; problems go to the reading."""
    expands: object = driver
    if not isinstance(expands, Expands):
        return tags
    names = [tag.name for _, tag in tags]
    found: Pairs = []
    for node, tag in tags:
        try:
            elements = expands.expand(tag_of(tag))
        except AddressError as error:
            reading.problems.extend(_refused(error, node, where=where))
            continue
        if len(elements) == 1 and elements[0].name == tag.name:
            found.append((node, tag))
            continue
        path = f"{where}.tags[{tag.name}]"
        if tag.write is not None:
            place = node.keys.get("write", node.place)
            reading.problems.append(
                problem("E1308", place, where=f"{path}.write", seen=tag.address, why=_WHOLE,
                        how=_ALONE)
            )  # fmt: skip
            continue
        wrong = next(_misnamed(elements, names, node, tag=tag, where=path), None)
        if wrong is not None:
            reading.problems.append(wrong)
            continue
        names += [one.name for one in elements]
        found += [(node, _element(tag, one)) for one in elements]
    return found


def _element(array: TagEntry, one: Tag) -> TagEntry:
    stated = {"name": one.name, "address": one.address, "type": one.data_type}
    return array.model_copy(update=stated)


def _misnamed(
    elements: Sequence[Tag], names: list[str], node: Node, *, tag: TagEntry, where: str
) -> Iterator[Problem]:
    """Tell the elements whose names are taken, or are none."""
    place = node.entries["name"].place
    for one in elements:
        why = _TAKEN if one.name in names else None
        try:
            _NAME.validate_python(one.name)
        except ValidationError:
            why = _TOO_LONG
        if why is not None:
            yield problem("E1310", place, where=where, seen=tag.name, name=one.name, why=why)


def _refused(error: AddressError, node: Node, *, where: str) -> Iterator[Problem]:
    place = node.entries["address"].place
    for one in error.problems:
        yield problem(
            "E1305", place, where=f"{where}.tags[{one.tag}].address", seen=one.address,
            why=Message(en=one.why, zh=one.why_zh or one.why),
            how=Message(en=one.hint, zh=one.hint_zh or one.hint),
        )  # fmt: skip
