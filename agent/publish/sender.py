"""Who sends, and under which topics."""

from __future__ import annotations

from dataclasses import dataclass

LEVELS = ("data", "hist", "event", "meta", "status")
"""Kinds of messages, as topics name them."""
ROW_LEVELS = ("data", "hist", "event")
"""Those that carry rows."""


@dataclass(frozen=True, slots=True)
class Sender:
    """The gateway as it stands in topics and envelopes."""

    enterprise: str
    gateway: str
    epoch: str
    """Of its store; rows are unique by (gateway, epoch, n)."""
    base: int = 0
    """A row of the epoch bears the number seq - base."""

    def topic(self, root: str, level: str) -> str:
        """Give the topic of one kind of message."""
        return f"{root}/{self.enterprise}/{self.gateway}/{level}"
