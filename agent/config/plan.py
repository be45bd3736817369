"""What the loader hands to the program: the validated file, and each device ready to run.

A plan of a driver need not be picklable: a device travels to another process as what its plans are
compiled of (`described`), and is compiled there again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from drivers.api import Access, Tag

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence
    from pathlib import Path

    from agent.config.derived import Compress
    from agent.config.model import AgentConfig, DeviceEntry, Group, TagEntry
    from agent.derive.columns import Derivation
    from drivers.api import DeviceConfig, Driver, Plan


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """One poll group of one device: what to read, how often, and how to treat it."""

    name: str
    settings: Group
    tags: tuple[TagEntry, ...]
    """In the order in which frames carry their values: the driver plan's, then what is derived."""
    plan: Plan
    """The driver's compiled requests."""
    derived: tuple[Derivation, ...] = ()
    """What is computed of each frame; the last of `tags`, in this order."""
    compress: Mapping[int, Compress] = field(default_factory=dict)
    """Columns whose trend is compressed."""


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """One device, its driver, its link and its groups."""

    entry: DeviceEntry
    driver: Driver[Any, Any, Any]
    config: DeviceConfig
    link: Hashable
    """Devices with equal links share one session."""
    groups: tuple[GroupPlan, ...]

    @property
    def id(self) -> str:
        """Id of the device."""
        return self.entry.id


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration without errors."""

    path: Path
    config: AgentConfig
    devices: tuple[DevicePlan, ...]
    """Enabled devices only."""
    secrets: Mapping[str, str]
    """Resolved secrets by destination name; never printed."""
    version: str
    """Of the program that read it."""


def tag_of(tag: TagEntry) -> Tag:
    """Give a point as its driver sees it: before scaling, READ_WRITE only by leave to write."""
    access = Access.READ if tag.write is None else Access.READ_WRITE
    deadband = abs(tag.deadband / tag.scale)
    return Tag(tag.name, tag.address, tag.type, tag.unit, access, deadband)


def described(plan: DevicePlan, *, driver: str) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Give what makes an equal device elsewhere, and its arguments, all of them plain data.

    `driver` is where the driver is found, as `module:attribute`.
    """
    groups = [(g.name, g.settings, g.tags, g.derived, g.compress) for g in plan.groups]
    return _device, (plan.entry, driver, plan.config, groups)


def _device(
    entry: DeviceEntry, address: str, config: DeviceConfig, groups: Sequence[tuple[Any, ...]]
) -> DevicePlan:
    module, _, attribute = address.partition(":")
    driver = attrgetter(attribute)(import_module(module))
    compiled = tuple(_compiled(driver, config, entry, group) for group in groups)
    return DevicePlan(entry, driver, config, driver.link(config), compiled)


def _compiled(
    driver: Driver[Any, Any, Any],
    config: DeviceConfig,
    entry: DeviceEntry,
    group: tuple[Any, ...],
) -> GroupPlan:
    """Compile a group's plan from the tags, and in the order, it was compiled from before."""
    name, settings, tags, derived, compress = group
    wanted = [tag_of(tag) for tag in entry.tags if tag.group == name]
    plan = driver.plan(config, wanted, device=entry.id, group=name)
    if [tag.name for tag in plan.tags] != [tag.name for tag in tags[: len(plan.tags)]]:
        raise RuntimeError(f"driver {driver.name!r} plans the same tags in another order")
    return GroupPlan(name, settings, tags, plan, derived, compress)
