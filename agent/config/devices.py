"""One device of the file, from its nodes to a plan the agent can run.

Guarantees: the host's half, every tag, the driver's half and every address are checked even when
another of them is wrong, so that all problems show at once. No I/O to any machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pydantic import SecretStr

from agent.config.arrays import taken_apart
from agent.config.deriving import with_compression, with_derived
from agent.config.document import Node
from agent.config.grouping import plan_groups
from agent.config.model import DeviceEntry, TagEntry
from agent.config.plan import DevicePlan
from agent.config.problems import problem
from agent.config.secrets import fetch, has_login, without_login
from agent.config.templates import expand
from agent.config.translate import near, unknown_key
from agent.config.validate import validated
from agent.registry import Fault, Unusable
from drivers.api import API_VERSION, HOST_KEYS

if TYPE_CHECKING:
    from agent.config.problems import Problem
    from agent.config.reading import Reading
    from drivers.api import DeviceConfig, Driver

_HOST_KEYS = HOST_KEYS | {"driver"}


@dataclass(frozen=True, slots=True)
class Device:
    """One device as far as it could be understood."""

    node: Node
    """The device as written, template and point table merged in."""
    where: str
    """`devices[cnc-01]`."""
    entry: DeviceEntry | None
    """The host's half with its tags; None when it has errors."""
    plan: DevicePlan | None
    """None when the device is disabled or has errors."""


def read_device(raw: Node, *, index: int, reading: Reading) -> Device:
    """Understand one item of `devices`; every problem is added to the reading."""
    where = f"devices[{raw.text('id') or index}]"
    if not isinstance(raw.value, dict):
        validated(DeviceEntry, raw, where=where, problems=reading.problems)
        return Device(raw, where, None, None)
    start = len(reading.problems)
    node, complete = expand(raw, where=where, reading=reading)
    entry = _host_half(node, where=where, reading=reading)
    tags = _tags(node, where=where, reading=reading)
    if entry is not None and not entry.enabled:
        return Device(node, where, entry.model_copy(update={"tags": tags_of(tags)}), None)
    driver = _driver(node, where=where, reading=reading)
    config = None
    if driver is not None:
        _unknown_keys(node, driver, where=where, reading=reading)
        config = _driver_half(node, driver, where=where, reading=reading)
    tags = taken_apart(tags, driver=driver, where=where, reading=reading)
    tags = [(node_of, reading.packing.packed(tag)) for node_of, tag in tags]
    groups = plan_groups(node, tags, driver=driver, config=config, where=where, reading=reading)
    if not complete:
        found = [one for one in reading.problems[start:] if not _follows(one, where)]
        reading.problems[start:] = found
    if entry is None:
        return Device(node, where, None, None)
    entry = entry.model_copy(update={"tags": tags_of(tags)})
    if entry.computed or entry.states:
        groups = with_derived(node, entry, entry.tags, groups, where=where, reading=reading)
    if entry.compress:
        groups = with_compression(node, entry, groups, where=where, reading=reading)
    failed = any(one.is_error for one in reading.problems[start:])
    if failed or driver is None or config is None:
        return Device(node, where, entry, None)
    plan = DevicePlan(entry, driver, config, driver.link(config), groups)
    return Device(node, where, entry, plan)


def tags_of(pairs: list[tuple[Node, TagEntry]]) -> tuple[TagEntry, ...]:
    """Give the tags alone."""
    return tuple(tag for _, tag in pairs)


def _follows(one: Problem, where: str) -> bool:
    """Tell whether a problem only follows from a template or table that could not be read."""
    own_key = one.where.startswith(f"{where}.") and "[" not in one.where.removeprefix(where)
    return one.code == "W1603" or (one.code == "E1101" and own_key)


def _host_half(node: Node, *, where: str, reading: Reading) -> DeviceEntry | None:
    host = {key: child for key, child in node.entries.items() if key in _HOST_KEYS}
    tags = host.get("tags")
    if tags is not None and isinstance(tags.value, list):
        del host["tags"]  # checked one by one, so that one bad tag does not hide another
    half = Node(host, node.place, node.keys)
    entry = validated(DeviceEntry, half, where=where, problems=reading.problems)
    if entry is not None and entry.points is not None:
        points = reading.resolve(entry.points).absolute()
        entry = entry.model_copy(update={"points": points})
    return entry


def _tags(node: Node, *, where: str, reading: Reading) -> list[tuple[Node, TagEntry]]:
    pairs = []
    tags = node.entries.get("tags")
    for index, item in enumerate(tags.items if tags is not None else []):
        place = f"{where}.tags[{item.text('name') or index}]"
        tag = validated(TagEntry, item, where=place, problems=reading.problems)
        if tag is not None:
            pairs.append((item, tag))
    return pairs


def _driver(node: Node, *, where: str, reading: Reading) -> Driver[Any, Any, Any] | None:
    named = node.entries.get("driver")
    if named is None or not isinstance(named.value, str):
        return None  # the host's half tells
    try:
        return reading.registry.get(named.value)
    except Unusable as error:
        reading.problems.append(_unusable(error, named, where=f"{where}.driver", reading=reading))
        return None


def _unusable(error: Unusable, named: Node, *, where: str, reading: Reading) -> Problem:
    if error.fault is Fault.UNKNOWN:
        known = reading.registry.names()
        return problem("E1301", named.place, where=where, seen=error.name,
                       known=", ".join(known) or "-", near=near(error.name, known))  # fmt: skip
    if error.fault is Fault.OTHER_API:
        ours = ".".join(map(str, API_VERSION))
        return problem("E1303", named.place, where=where, seen=error.name, theirs=error.why,
                       ours=ours)  # fmt: skip
    return problem("E1302", named.place, where=where, seen=error.name, why=error.why)


def _unknown_keys(
    node: Node, driver: Driver[Any, Any, Any], *, where: str, reading: Reading
) -> None:
    """Refuse keys of neither half."""
    known = _HOST_KEYS | driver.config.model_fields.keys()
    for key in node.entries:
        if key not in known:
            wrong = unknown_key(node, key, known=known, where=f"{where}.{key}")
            reading.problems.append(wrong)


def _driver_half(
    node: Node, driver: Driver[Any, Any, Any], *, where: str, reading: Reading
) -> DeviceConfig | None:
    fields = driver.config.model_fields
    entries = {
        key: _prepared(child, fields[key].annotation, where=f"{where}.{key}", reading=reading)
        for key, child in node.entries.items()
        if key in fields
    }
    half = Node(entries, node.place, node.keys)
    return validated(driver.config, half, where=where, problems=reading.problems)


def _prepared(child: Node, annotation: Any, *, where: str, reading: Reading) -> Node:
    """Fetch a secret, anchor a path; what is wrong is added to the problems, and left out."""
    if not isinstance(child.value, str):
        return child
    if _mentions(annotation, SecretStr):
        secret = fetch(child.value, place=child.place, where=where, reading=reading)
        return Node(secret or "?", child.place)
    if has_login(child.value):
        reading.problems.append(problem("E1505", child.place, where=where))
        return Node(without_login(child.value), child.place)
    if _mentions(annotation, Path):
        return Node(str(reading.resolve(child.value).absolute()), child.place)
    return child


def _mentions(annotation: Any, wanted: type) -> bool:
    return annotation is wanted or any(_mentions(part, wanted) for part in get_args(annotation))
