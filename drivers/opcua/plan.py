"""What is to be read from one OPC UA server for one group of tags; pure, resolved per session.

A node's namespace stays a URI here: its index is the server's and may change at each restart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from drivers.api import AddressError, AddressProblem, DataType, Tag
from drivers.opcua.address import NodeAddress, parse_tag, warn_of_index

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.opcua.config import OpcuaConfig
    from drivers.opcua.structures.part import Part

LEAST_PUBLISH_S = 0.5
"""Faster sampling is bundled: the fixed cost of a notification message is that of 1,000 values."""
MOST_PUBLISH_S = 1.0
"""Slow sampling does not make first values wait: a message without changes is not sent anyway."""

Kind: TypeAlias = type[bool] | type[int] | type[float] | type[str] | None
"""What a declared type makes of a value; None takes what the server sends."""

MOST_QUEUED = 10_000
"""Cap of a derived queue size; a server refuses or revises absurd ones."""


@dataclass(frozen=True, slots=True)
class OpcuaPlan:
    """The nodes of one group of one device, in the order in which frames carry their values."""

    device: str
    group: str
    tags: tuple[Tag, ...]
    nodes: tuple[NodeAddress, ...]
    """One per tag."""
    parts: tuple[Part, ...] | None = None
    """Which part of its node's value each tag means; None where every tag means all of it."""
    kinds: tuple[Kind, ...] | None = None
    """One per tag; None where no tag declares a type."""
    max_items_per_call: int = 1000
    publish_interval_s: float | None = None
    keepalive_s: float = 3.0
    queue_size: int | None = None
    check_interval_s: float = 60.0
    deadbands: tuple[float, ...] | None = None
    """What the server is to keep to itself, one per tag, 0 for nothing; None: nothing at all."""
    percent: bool = False
    """Whether deadbands are percents of each node's range, not in its own unit."""
    machine: str = ""
    """Which machine of the server the device is; empty: the only one there is."""

    @property
    def requests(self) -> int:
        """How many requests one read takes, unless the server allows less per request."""
        return math.ceil(len(self.tags) / self.max_items_per_call)

    def warnings(self) -> list[AddressProblem]:
        """Give the addresses whose namespace is named by an index."""
        return [
            warn_of_index(tag)
            for tag, node in zip(self.tags, self.nodes, strict=True)
            if node.by_index
        ]

    def publishing_s(self, sampling_s: float) -> float:
        """Give the publishing interval for a sampling interval, both in seconds."""
        return self.publish_interval_s or min(max(sampling_s, LEAST_PUBLISH_S), MOST_PUBLISH_S)

    def queued(self, *, sampling_s: float, publishing_s: float) -> int:
        """Give how many samples per node the server is to hold between two notifications."""
        if self.queue_size is not None:
            return self.queue_size
        return min(MOST_QUEUED, max(2, math.ceil(publishing_s / sampling_s) * 2))


def make_plan(config: OpcuaConfig, tags: Sequence[Tag], *, device: str, group: str) -> OpcuaPlan:
    """Parse every address.

    Raises:
        AddressError: naming every bad one.
    """
    nodes: list[NodeAddress] = []
    problems: list[AddressProblem] = []
    for tag in tags:
        parsed = parse_tag(tag)
        if isinstance(parsed, NodeAddress):
            nodes.append(parsed)
        else:
            problems.append(parsed)
    if problems:
        raise AddressError(problems, device=device)
    return OpcuaPlan(
        device=device,
        group=group,
        tags=tuple(tags),
        nodes=tuple(nodes),
        parts=tuple(node.part for node in nodes) if any(node.part for node in nodes) else None,
        kinds=_kinds(tags),
        max_items_per_call=config.max_items_per_call,
        publish_interval_s=config.publish_interval_s,
        keepalive_s=config.keepalive_s,
        queue_size=config.queue_size,
        check_interval_s=config.check_interval_s,
        deadbands=_deadbands(config, tags),
        percent=config.server_deadband == "percent",
        machine=config.machine,
    )


def _deadbands(config: OpcuaConfig, tags: Sequence[Tag]) -> tuple[float, ...] | None:
    """Give each tag's deadband on the server; none for what can be no number."""
    if config.server_deadband == "none":
        return None
    percent = config.server_deadband_percent
    wanted = tuple(
        0.0 if tag.data_type in _NO_NUMBERS else tag.deadband if percent is None else percent
        for tag in tags
    )
    return wanted if any(wanted) else None


def _kinds(tags: Sequence[Tag]) -> tuple[Kind, ...] | None:
    kinds = tuple(_KINDS.get(tag.data_type, int) for tag in tags)
    return kinds if any(kinds) else None


_NO_NUMBERS = frozenset({DataType.BOOL, DataType.STRING, DataType.DATETIME})

_KINDS: dict[DataType, Kind] = {
    DataType.AUTO: None,
    DataType.BOOL: bool,
    DataType.FLOAT32: float,
    DataType.FLOAT64: float,
    DataType.STRING: str,
    DataType.DATETIME: str,
}
