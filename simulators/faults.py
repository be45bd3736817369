"""The vocabulary of faults: what can happen to a machine and to a link.

`Workshop.fault` applies the first kind, `simulators.proxy.TcpProxy` the second.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum


class MachineFault(StrEnum):
    """What ails a machine, as its reader sees it."""

    NONE = "none"
    FREEZE = "freeze"
    """The values it serves stop changing; the machine itself goes on."""
    BAD = "bad"
    """It answers, and says that it has no good values (BadDeviceFailure, exception 4)."""
    OFF = "off"
    """The main switch is off; its state says so."""


class Direction(Enum):
    """Which way a link fault acts."""

    BOTH = "both"
    UP = "up"
    """From the client to the server."""
    DOWN = "down"
    """From the server to the client."""


@dataclass(slots=True)
class LaneFaults:
    """The faults of one direction of a link; changes act at once, on open connections too."""

    delay_s: float = 0.0
    """Every byte arrives this much later."""
    bytes_per_s: float | None = None
    """Most bytes that pass per second, in small pieces; None: no limit."""
