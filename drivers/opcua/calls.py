"""What passes between a session and the services it calls; free of the protocol library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from drivers.api import Busy

if TYPE_CHECKING:
    from asyncua import ua

UNLIMITED: Final = 1_000_000
"""Stands for a limit that the server does not declare, or declares as 0."""

UNKNOWN_NODE: Final = "BadNodeIdUnknown"
"""Reason of a tag whose namespace the server does not have."""


class TooMany(Busy):
    """A request held more than the server does at once; halve it and ask again."""


@dataclass(slots=True)
class Limits:
    """Most nodes in one call of each service; shrinks with what the server refuses."""

    read: int = UNLIMITED
    monitor: int = UNLIMITED


@dataclass(frozen=True, slots=True)
class Revised:
    """What the server made of a subscription request."""

    subscription_id: int
    publishing_s: float
    keepalive_s: float


@dataclass(frozen=True, slots=True)
class Item:
    """One monitored item to create; the handle is the tag's index in its plan."""

    handle: int
    node: ua.NodeId
