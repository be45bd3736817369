"""Sorts a device's tags into its poll groups and lets the driver plan each; pure, no I/O.

Guarantees: every bad address is one problem, at the tag's own line or cell; a group keeps the
order of the driver's plan; a group without tags is left out.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from agent.config.model import Group, Mode
from agent.config.plan import GroupPlan, tag_of
from agent.config.problems import Problem, problem
from agent.config.translate import near
from agent.config.validate import validated
from agent.registry import capabilities
from agent.telemetry.status import Message
from drivers.api import Access, AddressError, DriverError, Warns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.config.document import Node
    from agent.config.model import TagEntry
    from agent.config.reading import Reading
    from drivers.api import AddressProblem, DeviceConfig, Driver, Plan, Tag

    Pairs = list[tuple[Node, TagEntry]]

DEFAULT_GROUP = "default"
"""The group of a tag that names none; it exists without being configured."""


def plan_groups(
    device: Node,
    tags: Pairs,
    *,
    driver: Driver[Any, Any, Any] | None,
    config: DeviceConfig | None,
    where: str,
    reading: Reading,
) -> tuple[GroupPlan, ...]:
    """Give the groups that have tags, planned as far as driver and configuration allow."""
    settings = _settings(device)
    _check_names(device, tags, known=settings, where=where, reading=reading)
    if driver is not None and "write" not in capabilities(driver):
        _refuse_writes(tags, driver=driver, where=where, reading=reading)
    plans = []
    for name, group in settings.items():
        members = [(node, tag) for node, tag in tags if tag.group == name]
        if driver is None or not members:
            continue
        mode = _mode(device, name, group, driver=driver, where=where, reading=reading)
        if config is None or mode is None:
            continue
        plan = _plan(driver, config, members, device=device, group=name,
                     where=where, reading=reading)  # fmt: skip
        if plan is not None:
            by_name = {tag.name: tag for _, tag in members}
            ordered = tuple(by_name[tag.name] for tag in plan.tags)
            ready = group.model_copy(update={"mode": mode})
            plans.append(GroupPlan(name, ready, ordered, plan))
    if not tags and not _has_items(device):
        reading.problems.append(problem("W1603", device.place, where=where))
    return tuple(plans)


def _has_items(device: Node) -> bool:
    tags = device.entries.get("tags")
    return tags is not None and bool(tags.items)


def _settings(device: Node) -> dict[str, Group]:
    """Give the groups by name; one that is invalid was told with the host's half."""
    found = {DEFAULT_GROUP: Group()}
    node = device.entries.get("groups")
    for name, child in (node.entries if node is not None else {}).items():
        ignored: list[Problem] = []
        found[name] = validated(Group, child, where="", problems=ignored) or Group()
    return found


def _check_names(
    device: Node, tags: Pairs, *, known: dict[str, Group], where: str, reading: Reading
) -> None:
    for node, tag in tags:
        if tag.group not in known:
            place = node.entries["group"].place
            reading.problems.append(
                problem("E1203", place, where=f"{where}.tags[{tag.name}].group", seen=tag.group,
                        known=", ".join(known), near=near(tag.group, known))
            )  # fmt: skip
    used = {tag.group for _, tag in tags}
    groups = device.entries.get("groups")
    for name in known.keys() - used - {DEFAULT_GROUP}:
        if tags and groups is not None:
            place = groups.keys.get(name, groups.place)
            reading.problems.append(
                problem("W1602", place, where=f"{where}.groups.{name}", seen=name)
            )  # fmt: skip


def _refuse_writes(
    tags: Pairs, *, driver: Driver[Any, Any, Any], where: str, reading: Reading
) -> None:
    """Tell every tag that is to be written by a driver that only reads."""
    for node, tag in tags:
        if tag.write is not None:
            place = node.keys.get("write", node.place)
            path = f"{where}.tags[{tag.name}].write"
            reading.problems.append(problem("E1307", place, where=path, driver=driver.name))


def _mode(
    device: Node,
    name: str,
    group: Group,
    *,
    driver: Driver[Any, Any, Any],
    where: str,
    reading: Reading,
) -> Mode | None:
    """Give how the group is collected: as told, else by subscription where the driver can."""
    can = [mode for mode in (Mode.SUBSCRIBE, Mode.POLL) if mode.value in capabilities(driver)]
    if group.mode is None:
        return can[0]
    if group.mode in can:
        return group.mode
    groups = device.entries["groups"].entries
    place = groups[name].entries["mode"].place
    reading.problems.append(
        problem("E1304", place, where=f"{where}.groups.{name}.mode", driver=driver.name,
                seen=group.mode.value, known=can[0].value)
    )  # fmt: skip
    return None


def _plan(
    driver: Driver[Any, Any, Any],
    config: DeviceConfig,
    members: Pairs,
    *,
    device: Node,
    group: str,
    where: str,
    reading: Reading,
) -> Plan | None:
    wanted = [tag_of(tag) for _, tag in members]
    try:
        plan: Plan = driver.plan(config, wanted, device=device.text("id"), group=group)
    except AddressError as error:
        nodes = {tag.name: node for node, tag in members}
        only_write = _only_unwritable(driver, config, wanted)
        for one in error.problems:
            code = "E1308" if one.tag in only_write else "E1305"
            node = nodes.get(one.tag, device)
            reading.problems.append(_address_problem(one, node, code=code, where=where))
        return None
    except (DriverError, ValueError, TypeError, LookupError, ArithmeticError) as error:
        # a stranger's driver may slip; ours raise AddressError only
        reading.problems.append(
            problem("E1306", device.place, where=where, driver=driver.name, group=group,
                    why=f"{type(error).__name__}: {error}")
        )  # fmt: skip
        return None
    reading.problems.extend(_doubts(plan, members, where=where))
    return plan


def _doubts(plan: Plan, members: Pairs, *, where: str) -> list[Problem]:
    """Tell once for a group which addresses are right today and may be others tomorrow."""
    found = plan.warnings() if isinstance(plan, Warns) else ()
    if not found:
        return []
    first = found[0]
    node = next(node for node, tag in members if tag.name == first.tag)
    return [
        problem(
            "W1612", node.entries.get("address", node).place,
            where=f"{where}.tags[{first.tag}].address", seen=first.address, count=str(len(found)),
            why=Message(en=first.why, zh=first.why_zh or first.why),
            how=Message(en=first.hint, zh=first.hint_zh or first.hint),
        )
    ]  # fmt: skip


def _only_unwritable(
    driver: Driver[Any, Any, Any], config: DeviceConfig, tags: Sequence[Tag]
) -> set[str]:
    """Name the tags the driver would take if they were only to be read."""
    found = set()
    for tag in tags:
        if tag.access is Access.READ_WRITE:
            with suppress(DriverError, ValueError, TypeError, LookupError, ArithmeticError):
                driver.plan(config, [replace(tag, access=Access.READ)], device="", group="")
                found.add(tag.name)
    return found


def _address_problem(one: AddressProblem, node: Node, *, code: str, where: str) -> Problem:
    key = "write" if code == "E1308" else "address"
    place = node.keys.get(key, node.place) if key == "write" else node.entries.get(key, node).place
    return problem(
        code, place, where=f"{where}.tags[{one.tag}].{key}", seen=one.address,
        why=Message(en=one.why, zh=one.why_zh or one.why),
        how=Message(en=one.hint, zh=one.hint_zh or one.hint),
    )  # fmt: skip
