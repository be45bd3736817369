"""What a line met besides good answers; plain numbers, added up over the sessions of a link."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class LineCounts:
    """How often what happened on one link, since the link was made."""

    connections: int = 0
    """Connections made, ports opened, DTUs taken over."""
    timeouts: int = 0
    """Requests that were not answered in time."""
    late_answers: int = 0
    """Answers to earlier requests, recognised and dropped."""
    stray_bytes: int = 0
    """Bytes that arrived while nothing was asked."""
    garbage_bytes: int = 0
    """Bytes that belong to no frame: noise, collisions, wrong speed."""
    heartbeats: int = 0
    """Heartbeats and repeated registrations of a DTU, skipped."""
    foreign_datagrams: int = 0
    """Datagrams from another address than the device's, ignored."""
