"""How a plan is served: what was asked for, what the server made of it, what it refused.

Pure records, filled by `subscribing.monitor` and told to people by `subscribing.remarks`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from asyncua import ua

    from drivers.opcua.plan import OpcuaPlan

_ROUNDING = 1.01  # servers round intervals to their own ticks


@dataclass(frozen=True, slots=True)
class Wanted:
    """One monitored item to create; the handle is the tag's index in its plan."""

    handle: int
    node: ua.NodeId
    sampling_s: float
    queue_size: int
    deadband: float = 0.0
    """Changes up to this the server is to keep to itself; 0: none."""
    percent: bool = False
    """Whether that is a percentage of the node's range."""


class Made(NamedTuple):
    """What became of one item."""

    status: int
    sampling_s: float
    """Revised; 0 where the server tells every change, however fast."""
    queue_size: int
    """Revised."""


@dataclass(slots=True)
class Served:
    """How the points of one plan reach us now; tags are indexes of the plan."""

    plan: OpcuaPlan
    sampling_s: float = 0.0
    """Asked for: the interval of the group."""
    publishing_s: float = 0.0
    """Revised; the longest of all subscriptions."""
    asked_publishing_s: float = 0.0
    subscriptions: int = 0
    monitored: dict[tuple[float, int], list[int]] = field(default_factory=dict)
    """(revised sampling interval in s, revised queue size) -> tags."""
    polled: dict[int, str] = field(default_factory=dict)
    """Tag -> why it is read in turns instead of being monitored (a symbolic status)."""
    refused: dict[int, str] = field(default_factory=dict)
    """Tag -> why it has no value at all."""
    undamped: dict[int, str] = field(default_factory=dict)
    """Tag -> why the server keeps no deadband for it."""
    missed_rounds: int = 0
    """Rounds of reading that were due and not made: the one before took too long."""

    def note(self, tag: int, made: Made) -> None:
        """Count a tag as monitored."""
        self.monitored.setdefault((made.sampling_s, made.queue_size), []).append(tag)

    def slower(self) -> dict[float, list[int]]:
        """Give the tags sampled less often than asked for, by the interval in seconds."""
        found: dict[float, list[int]] = {}
        for (sampling_s, _), tags in self.monitored.items():
            if sampling_s > self.sampling_s * _ROUNDING:
                found.setdefault(sampling_s, []).extend(tags)
        return found

    def short(self) -> dict[tuple[float, int], list[int]]:
        """Give the tags whose queue is shorter than what is sampled between two messages."""
        return {
            (sampling_s, queue_size): tags
            for (sampling_s, queue_size), tags in self.monitored.items()
            if queue_size < needed(sampling_s, self.publishing_s)
        }

    def bearable_s(self) -> float:
        """Give the longest publishing interval, in seconds, at which every queue is half empty.

        A message may be late by as much, and nothing runs over.
        """
        return min((s * q / 2 for s, q in self.monitored if s > 0 and q > 0), default=math.inf)


def needed(sampling_s: float, publishing_s: float) -> int:
    """Give how many samples arise between two messages; 1 where sampling has no interval."""
    if sampling_s <= 0:
        return 1
    return max(1, math.ceil(publishing_s / (sampling_s * _ROUNDING)))
