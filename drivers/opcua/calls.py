"""What passes between a session and the services it calls; free of the protocol library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from drivers.api import Busy, DriverError

UNLIMITED: Final = 1_000_000
"""Stands for a limit that the server does not declare, or declares as 0."""

UNKNOWN_NODE: Final = "BadNodeIdUnknown"
"""Reason of a tag whose namespace the server does not have."""


class TooMany(Busy):
    """A request held more than the server does at once; halve it and ask again."""


class TooLarge(TooMany):
    """The answer would be too long; one node alone may be the cause."""


class NoSubscription(Busy):
    """The server has no subscription for us, or none at all; its points can still be read."""


class ServiceRefused(DriverError):  # noqa: N818 - names what happened
    """The server refuses a request as a whole, by this status; the session goes on."""

    def __init__(self, message: str, *, status: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(slots=True)
class Limits:
    """Most nodes in one call of each service; shrinks with what the server refuses."""

    read: int = UNLIMITED
    monitor: int = UNLIMITED
    browse: int = UNLIMITED
    translate: int = UNLIMITED
    history: int = UNLIMITED
    items_per_subscription: int = UNLIMITED
    queue: int = UNLIMITED
    """Samples of one item that wait at the server."""
    profile: str = "unknown"
    """Name of the kind of server in `drivers.opcua.profiles`."""


@dataclass(frozen=True, slots=True)
class Revised:
    """What the server made of a subscription request."""

    subscription_id: int
    publishing_s: float
    keepalive_s: float
