"""What the loader hands to the program: the validated file, and each device ready to run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping
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
