"""What the agent knows of a device's own alarms, as read by page, metrics and `/api/status`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.telemetry.status import Message


@dataclass(frozen=True, slots=True)
class AlarmStatus:
    """One alarm or event that a device reported."""

    time_ms: int
    """When it was received."""
    at_ms: int | None
    """When it happened, by the device's own clock; None where that cannot be told."""
    severity: int
    """1 to 1000; 0 where the device does not say."""
    source: str
    kind: str
    message: str
    active: bool | None
    """Whether it held when it was reported; None for an event without a state."""
    acked: bool | None


@dataclass(frozen=True, slots=True)
class AlarmsStatus:
    """Alarms of one device since the agent started."""

    watched: bool
    """Whether the device reports them now."""
    told: int
    """Stored, each as an event."""
    repeats: int
    """Reports that were followed by a newer one of the same alarm before they were stored."""
    lost: int
    """Counted as lost: by the device, on the way, or over the limit per minute."""
    last: tuple[AlarmStatus, ...]
    """The latest, newest first."""
    problem: Message | None
    """Why the device is not asked; None when all is well."""
