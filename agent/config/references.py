"""What must agree between the sections of one file: ids, references, dates, codes.

Works on the file's nodes, not on models, so that it tells everything even where a section has
other errors. Pure but for the time zone data of the system.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from agent.config.codes import Severity, parse_industry, parse_region, parse_uscc
from agent.config.ledger_checks import ledger_problems
from agent.config.lines import line_costs
from agent.config.problems import Problem, excerpt, problem
from agent.config.translate import near

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping

    from agent.config.codes import Industry, Region, Uscc
    from agent.config.document import Node
    from agent.config.plan import DevicePlan

_SECTIONS_WITH_IDS = ("devices", "locations", "processes", "equipment")
_SPANS = (("valid_from", "valid_to"), ("in_service_from", "in_service_to"))
_CODES: Mapping[str, Callable[[str], Uscc | Region | Industry]] = {
    "uscc": parse_uscc,
    "region": parse_region,
    "industry": parse_industry,
}
_DOUBTS = {"uscc": "W1604", "region": "W1609", "industry": "W1610"}
_MOST_IDS = 4
"""Most devices of one line that a message names."""
_MISTYPED = {"uscc_check_digit"}
"""Wrong for certain, and no reason to stop collecting: told as a warning."""


def reference_problems(root: Node) -> list[Problem]:
    """Give every disagreement within the file."""
    return [
        *_repeated_ids(root),
        *_equipment(root),
        *_dates(root),
        *_gateway(root),
        *_enterprise(root),
        *ledger_problems(root),
    ]


def shared_points(devices: list[tuple[Node, DevicePlan]]) -> list[Problem]:
    """Warn where two devices have equal settings, so equal wires, and read one address both."""
    first: dict[tuple[Hashable, str, str], str] = {}
    problems = []
    for node, device in devices:
        settings = device.config.model_dump_json()  # secrets are masked in it
        addresses = sorted({tag.address for group in device.groups for tag in group.tags})
        owners = {one: first.setdefault((device.link, settings, one), device.id)
                  for one in addresses}  # fmt: skip
        taken = next((one for one in addresses if owners[one] != device.id), None)
        if taken is not None:
            problems.append(
                problem("W1601", node.entries["id"].place, where=f"devices[{device.id}]",
                        seen=taken, first=owners[taken], second=device.id)
            )  # fmt: skip
    return problems


def disagreeing_lines(devices: list[tuple[Node, DevicePlan]]) -> list[Problem]:
    """Tell devices that name one line and disagree on how it is spoken to."""
    first: dict[tuple[str, str], DevicePlan] = {}
    problems = []
    for node, device in devices:
        line = str(device.link)
        earlier = first.setdefault((device.entry.driver, line), device)
        if earlier.link != device.link:
            differs = ", ".join(_differences(earlier.link, device.link)) or "-"
            problems.append(
                problem("E1309", node.entries["id"].place, where=f"devices[{device.id}]",
                        first=earlier.id, second=device.id, line=line, differs=differs)
            )  # fmt: skip
    return problems


def overloaded_lines(devices: list[tuple[Node, DevicePlan]]) -> list[Problem]:
    """Warn of lines that are asked for more than they can carry."""
    places = {device.id: node.entries["id"].place for node, device in devices}
    problems = []
    for cost in line_costs(device for _, device in devices):
        if cost.load is None or cost.fastest_s is None or cost.load <= 1:
            continue
        ids = ", ".join(cost.devices[:_MOST_IDS]) + (" …" if len(cost.devices) > _MOST_IDS else "")
        problems.append(
            problem("W1611", places[cost.devices[0]], where=f"devices[{ids}]", seen=cost.name,
                    need=f"{cost.load * cost.fastest_s:.3g}", interval=f"{cost.fastest_s:g}",
                    load=f"{cost.load:.0%}".rstrip("%"))
        )  # fmt: skip
    return problems


def _differences(one: object, other: object, path: str = "") -> Iterator[str]:
    """Name what differs between two links, as far as they are dataclasses."""
    if not (is_dataclass(one) and is_dataclass(other)) or type(one) is not type(other):
        if one != other:
            yield f"{path} {excerpt(one)} / {excerpt(other)}".strip()
        return
    for field in (field for field in fields(one) if field.compare):
        inner, theirs = getattr(one, field.name), getattr(other, field.name)
        yield from _differences(inner, theirs, f"{path}.{field.name}".lstrip("."))


def _section(root: Node, name: str) -> list[Node]:
    node = root.entries.get(name)
    return node.items if node is not None else []


def _ids(root: Node, section: str) -> list[str]:
    return [name for item in _section(root, section) if (name := item.text("id"))]


def _repeated_ids(root: Node) -> Iterator[Problem]:
    for section in _SECTIONS_WITH_IDS:
        first: dict[str, int] = {}
        for item in _section(root, section):
            name = item.text("id")
            if not name:
                continue
            place = item.entries["id"].place
            if name in first:
                yield problem("E1201", place, where=f"{section}[{name}].id", seen=name,
                              first=str(first[name]))  # fmt: skip
            first.setdefault(name, place.line)


def _equipment(root: Node) -> Iterator[Problem]:
    processes, devices = _ids(root, "processes"), _ids(root, "devices")
    for index, item in enumerate(_section(root, "equipment")):
        where = f"equipment[{item.text('id') or index}]"
        listed = item.entries.get("processes")
        for name in listed.items if listed is not None else []:
            if isinstance(name.value, str) and name.value not in processes:
                yield _unknown("E1204", name, processes, where=f"{where}.processes")
        device = item.entries.get("device")
        if device is not None and isinstance(device.value, str) and device.value not in devices:
            yield _unknown("E1205", device, devices, where=f"{where}.device")


def _unknown(code: str, node: Node, known: list[str], *, where: str) -> Problem:
    return problem(code, node.place, where=where, seen=node.value,
                   known=", ".join(known) or "-", near=near(str(node.value), known))  # fmt: skip


def _dates(root: Node) -> Iterator[Problem]:
    for section in ("processes", "equipment"):
        for index, item in enumerate(_section(root, section)):
            for start, end in _SPANS:
                first, last = _date(item.text(start)), _date(item.text(end))
                if first and last and last < first:
                    where = f"{section}[{item.text('id') or index}].{end}"
                    yield problem("E1209", item.entries[end].place, where=where, seen=last,
                                  end=end, start=start, first=str(first))  # fmt: skip


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _gateway(root: Node) -> Iterator[Problem]:
    gateway = root.entries.get("gateway")
    name = gateway.text("timezone") if gateway is not None else ""
    if gateway is None or not name:
        return
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, a path, a folder of the data base
        place = gateway.entries["timezone"].place
        yield problem("E1206", place, where="gateway.timezone", seen=name)


def _enterprise(root: Node) -> Iterator[Problem]:
    enterprise = root.entries.get("enterprise")
    for key, code in (("uscc", "E1207"), ("region", "E1208"), ("industry", "E1210")):
        node = enterprise.entries.get(key) if enterprise is not None else None
        text = "" if node is None or node.value is None else node.raw or str(node.value)
        if node is None or not text:
            continue
        for found in _CODES[key](text).problems:
            doubtful = found.severity is Severity.WARNING or found.id in _MISTYPED
            if doubtful or found.severity is Severity.ERROR:
                yield problem(_DOUBTS[key] if doubtful else code, node.place,
                              where=f"enterprise.{key}", seen=text, why=found.message)  # fmt: skip
