"""What must agree within the ledger: references, wholes and parts, codes, doubtful entries.

Works on nodes, as `agent.config.references` does, so it tells everything even where a record has
other errors. Pure.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from agent.config.codes import Severity, parse_region
from agent.config.codes.cluster import cluster_table, parse_cluster
from agent.config.codes.park import parse_park
from agent.config.problems import problem
from agent.config.translate import near

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.config.document import Node
    from agent.config.problems import Problem


def ledger_problems(root: Node) -> Iterator[Problem]:
    """Give every disagreement within the ledger of a file."""
    places, machines = _by_id(root, "locations"), _by_id(root, "equipment")
    yield from _places(places)
    yield from _machines(machines, places, list(_by_id(root, "processes")))
    yield from _serials(machines)
    yield from _enterprise(root)


def _by_id(root: Node, section: str) -> dict[str, Node]:
    """Give the records of a section that have an id, the first where one stands twice."""
    found = root.entries.get(section)
    items = found.items if found is not None else []
    records: dict[str, Node] = {}
    for item in items:
        if name := item.text("id"):
            records.setdefault(name, item)
    return records


def _places(places: Mapping[str, Node]) -> Iterator[Problem]:
    for id_, item in places.items():
        where = f"locations[{id_}]"
        yield from _reference(item, "inside", places, code="E1701", where=where)
        yield from _codes(item, where)
    yield from _circles(places, "inside", section="locations")


def _machines(
    machines: Mapping[str, Node], places: Mapping[str, Node], processes: list[str]
) -> Iterator[Problem]:
    for id_, item in machines.items():
        where = f"equipment[{id_}]"
        yield from _reference(item, "location", places, code="E1701", where=where)
        yield from _reference(item, "part_of", machines, code="E1702", where=where)
        yield from _links(item, processes, where)
        whole = item.text("part_of")
        listed = item.entries.get("processes") or item.entries.get("links")
        if whole and listed is not None and listed.items:
            yield problem("W1703", listed.place, where=where, whole=whole)
    yield from _circles(machines, "part_of", section="equipment")


def _links(item: Node, processes: list[str], where: str) -> Iterator[Problem]:
    listed = item.entries.get("links")
    all_of_them = ", ".join(processes) or "-"
    for index, link in enumerate(listed.items if listed is not None else []):
        name = link.text("process")
        here = f"{where}.links[{name or index}]"
        if name and name not in processes:
            yield problem("E1204", link.entries["process"].place, where=here, seen=name,
                          known=all_of_them, near=near(name, processes))  # fmt: skip
        yield from _span(link, "valid_from", "valid_to", where=here)


def _span(item: Node, start: str, end: str, *, where: str) -> Iterator[Problem]:
    first, last = item.text(start), item.text(end)
    if first and last and _is_day(first) and _is_day(last) and last < first:
        yield problem("E1209", item.entries[end].place, where=f"{where}.{end}", seen=last,
                      end=end, start=start, first=first)  # fmt: skip


def _is_day(text: str) -> bool:
    """Tell whether a text is a date as YYYY-MM-DD: such texts are in the order of their days."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _reference(
    item: Node, key: str, known: Mapping[str, Node], *, code: str, where: str
) -> Iterator[Problem]:
    name = item.text(key)
    if name and name not in known:
        yield problem(code, item.entries[key].place, where=f"{where}.{key}", seen=name,
                      known=", ".join(known) or "-", near=near(name, known))  # fmt: skip


def _circles(records: Mapping[str, Node], key: str, *, section: str) -> Iterator[Problem]:
    """Tell every record that is, over however many steps, above itself."""
    for id_, item in records.items():
        above, seen = item.text(key), set[str]()
        while above in records and above not in seen and above != id_:
            seen.add(above)
            above = records[above].text(key)
        if above == id_:
            place = item.entries[key].place
            yield problem("E1703", place, where=f"{section}[{id_}].{key}", seen=id_)


def _serials(machines: Mapping[str, Node]) -> Iterator[Problem]:
    """Warn of two machines of one maker and model that bear one serial number, both in service."""
    first: dict[tuple[str, str, str], str] = {}
    for id_, item in machines.items():
        node = item.entries.get("serial")
        serial = "" if node is None or node.value is None else (node.raw or str(node.value)).strip()
        if node is None or not serial or item.text("in_service_to"):
            continue
        earlier = first.setdefault((item.text("maker"), item.text("model"), serial), id_)
        if earlier != id_:
            yield problem("W1704", node.place, where=f"equipment[{id_}].serial",
                          seen=serial, first=earlier)  # fmt: skip


def _enterprise(root: Node) -> Iterator[Problem]:
    enterprise = root.entries.get("enterprise")
    if enterprise is None:
        return
    titles = enterprise.entries.get("titles")
    for index, title in enumerate(titles.items if titles is not None else []):
        yield from _span(title, "issued_on", "expires_on", where=f"enterprise.titles[{index}]")
    park, cluster = enterprise.text("park"), enterprise.text("cluster")
    for found in parse_park(park).problems if park else ():
        yield problem("W1701", enterprise.entries["park"].place, where="enterprise.park",
                      seen=park, why=found.message)  # fmt: skip
    for found in parse_cluster(cluster).problems if cluster else ():
        yield problem("W1702", enterprise.entries["cluster"].place, where="enterprise.cluster",
                      seen=cluster, why=found.message,
                      known="、".join(cluster_table().names.values()))  # fmt: skip


def _codes(item: Node, where: str) -> Iterator[Problem]:
    """Check a place's own region and development zone."""
    node = item.entries.get("region")
    text = "" if node is None or node.value is None else node.raw or str(node.value)
    if node is not None and text:
        for found in parse_region(text).problems:
            code = "E1208" if found.severity is Severity.ERROR else "W1609"
            yield problem(code, node.place, where=f"{where}.region", seen=text, why=found.message)
    park = item.text("park")
    for found in parse_park(park).problems if park else ():
        yield problem("W1701", item.entries["park"].place, where=f"{where}.park", seen=park,
                      why=found.message)  # fmt: skip
