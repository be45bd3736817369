"""Device templates: what a type of machine has in common, merged below what a device says.

Order, the later over the earlier: template, point table, the device's own keys. Groups are merged
by name and tags by name, key by key: a device states only what differs. `{id}` in a template's
addresses is the device's id. Nothing here is validated beyond being a mapping or a list.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from agent.config.document import MAX_BYTES, Node, parse
from agent.config.problems import Place, Problem, problem
from agent.config.reading import read_bounded, why
from agent.config.translate import near
from agent.config.words import WANTED

if TYPE_CHECKING:
    from agent.config.reading import Reading

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FOLDER = "templates"
_OWN_KEYS = ("id", "name", "enabled", "template", "points")
"""Keys that make one device; a template speaks for many."""

_SHAPES = (("tags", list, "list_type"), ("groups", dict, "dict_type"))
"""What is merged must be of these shapes; a device's own is checked by its model."""

_HERE = Path(__file__).resolve().parent
_PACKAGED = (_HERE / _FOLDER, _HERE.parents[1] / "configs" / _FOLDER)
"""In an installed wheel, and in a source tree."""


def expand(device: Node, *, where: str, reading: Reading) -> tuple[Node, bool]:
    """Give a device with its template and point table merged in, and whether both were readable.

    Problems are added to the reading.
    """
    lower = _template(device, where=where, reading=reading)
    rows = _points(device, where=where, reading=reading)
    complete = lower is not None and rows is not None
    lower = lower or Node({}, device.place)
    merged, keys = {**lower.entries, **device.entries}, {**lower.keys, **device.keys}
    if "groups" in device.entries:
        merged["groups"] = _over(lower.entries.get("groups"), device.entries["groups"], depth=2)
    own = device.entries.get("tags")
    if own is None or isinstance(own.value, list):
        inherited = _addressed(lower, device.text("id"))
        stated = own.items if own is not None else []
        reading.problems.extend(repeated_tags(stated, where=where))
        merged["tags"] = Node(_merge_tags(inherited, rows or [], stated), device.place)
    return Node(merged, device.place, keys), complete


def available(reading: Reading) -> list[str]:
    """Give the names of all templates, sorted."""
    folders = (reading.resolve(_FOLDER), *_PACKAGED)
    return sorted({path.stem for folder in folders for path in folder.glob("*.yaml")})


def _template(device: Node, *, where: str, reading: Reading) -> Node | None:
    """Give the template a device names, empty when it names none; None when it is unreadable."""
    node = device.entries.get("template")
    if node is None or not isinstance(node.value, str):
        return Node({}, device.place)
    name, where = node.value, f"{where}.template"
    if not _NAME.fullmatch(name):
        reading.problems.append(problem("E1402", node.place, where=where, seen=name))
        return None
    if name not in reading.templates:
        reading.templates[name] = _read_template(name, node.place, where=where, reading=reading)
    return reading.templates[name]


def _read_template(name: str, place: Place, *, where: str, reading: Reading) -> Node | None:
    folders = (reading.resolve(_FOLDER), *_PACKAGED)
    path = next((p for p in (folder / f"{name}.yaml" for folder in folders) if p.is_file()), None)
    if path is None:
        known = available(reading)
        reading.problems.append(
            problem("E1401", place, where=where, seen=name, known=", ".join(known) or "-",
                    near=near(name, known), folder=f"{_FOLDER}/")
        )  # fmt: skip
        return None
    try:
        data = read_bounded(path, limit_bytes=MAX_BYTES)
    except OSError as error:
        reading.problems.append(problem("E1001", Place(str(path)), why=why(error)))
        return None
    root, problems = parse(data, file=str(path))
    reading.problems.extend(problems)
    if root is None:
        return None
    if not isinstance(root.value, dict):
        reading.problems.append(problem("E1009", root.place))
        return None
    for key in (key for key in _OWN_KEYS if key in root.entries):
        reading.problems.append(problem("E1403", root.keys[key], where=key, seen=key))
    for key, kind, wanted in _SHAPES:
        node = root.entries.get(key)
        if node is not None and not isinstance(node.value, kind):
            reading.problems.append(
                problem("E1103", node.place, where=key, seen=node.value, wanted=WANTED[wanted],
                        advice="")
            )  # fmt: skip
    tags = root.entries.get("tags")
    reading.problems.extend(repeated_tags(tags.items if tags is not None else [], where=name))
    for tag in tags.items if tags is not None else []:
        if "write" in tag.keys:  # leave to write is given device by device, by a person
            named = f"tags[{tag.text('name')}].write"
            reading.problems.append(problem("E1403", tag.keys["write"], where=named, seen="write"))
    return root.without(*_OWN_KEYS)


def _points(device: Node, *, where: str, reading: Reading) -> list[Node] | None:
    """Give the rows of the point table a device names; None when it is unreadable."""
    node = device.entries.get("points")
    if node is None or not isinstance(node.value, str):
        return []
    from agent.config.points import read_points  # a shop without tables does not pay for it

    path = reading.resolve(node.value)
    rows, problems = read_points(path, named_at=node.place, where=where)
    reading.problems.extend([*problems, *repeated_tags(rows, where=where)])
    return None if problems and not rows else rows


def _addressed(template: Node, device: str) -> list[Node]:
    """Give a template's tags with `{id}` in their addresses replaced by the device's id."""
    tags = []
    listed = template.entries.get("tags")
    for tag in listed.items if listed is not None else []:
        address = tag.text("address")
        if "{id}" in address:
            node = Node(address.replace("{id}", device), tag.entries["address"].place)
            tags.append(Node({**tag.entries, "address": node}, tag.place, tag.keys))
        else:
            tags.append(tag)
    return tags


def repeated_tags(tags: list[Node], *, where: str) -> list[Problem]:
    """Tell every tag whose name an earlier one of the same list has."""
    first: dict[str, Place] = {}
    problems = []
    for tag in tags:
        name = tag.text("name")
        if not name:
            continue
        place = tag.entries["name"].place
        earlier = first.setdefault(name, place)
        if earlier is not place:
            shown = earlier.cell or f"{earlier.file}:{earlier.line}"
            path = f"{where}.tags[{name}]".lstrip(".")
            problems.append(problem("E1202", place, where=path, seen=name, first=shown))
    return problems


def _merge_tags(*layers: list[Node]) -> list[Node]:
    """Merge tags by name, later layers over earlier ones; order of first appearance."""
    named: dict[str, Node] = {}
    nameless: list[Node] = []
    for tag in (tag for layer in layers for tag in layer):
        name = tag.text("name")
        if not name:
            nameless.append(tag)
        else:
            named[name] = _over(named.get(name), tag, depth=1)
    return [*named.values(), *nameless]


def _over(lower: Node | None, upper: Node, *, depth: int) -> Node:
    """Lay one mapping over another, key by key, `depth` levels deep."""
    if lower is None or not isinstance(lower.value, dict) or not isinstance(upper.value, dict):
        return upper
    entries = dict(lower.entries)
    for key, child in upper.entries.items():
        below = entries.get(key)
        entries[key] = child if depth == 1 else _over(below, child, depth=depth - 1)
    return Node(entries, upper.place, {**lower.keys, **upper.keys})
