"""What one connection has sent and the broker has not acknowledged; never more than it takes.

Counts everything at QoS 1 against the broker's Receive Maximum, our own notices included: one
message too many and an MQTT 5 broker ends the connection. Source: MQTT 5.0, section 4.9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.config.destination import Destination
    from agent.store.outbox import Row


@dataclass(slots=True)
class Sent:
    """One message under way; a notice (meta, status) has no rows."""

    rows: list[Row]
    live: bool
    level: str = ""
    size: int = 0
    """Bytes of its payload."""
    whole: Whole | None = None
    """The row of which it carries a part."""


class Whole:
    """A row that is sent in parts, and how many of them are not accepted yet."""

    def __init__(self, row: Row, parts: int, *, live: bool, clock: str) -> None:
        self.row = row
        self.live = live
        self.clock = clock
        """Trust in its times, as it was when it was cut."""
        self.broken = False
        """Whether a part was refused: the row begins anew, its other parts count for nothing."""
        self._left = parts

    def accepted(self) -> bool:
        """Note that a part was accepted; tell whether the row is complete now."""
        self._left -= 1
        return not self._left and not self.broken


class Window:
    """Messages in flight, by message id."""

    def __init__(self, settings: Destination) -> None:
        self._settings = settings
        self._sent: dict[int, Sent] = {}
        self._backlog = 0
        self._most = self._full = 0
        self._share = 0

    def open(self, receive_maximum: int) -> None:
        """Begin with a new connection; nothing may be in flight."""
        self._most = self._full = min(self._settings.window, receive_maximum)
        self._share = max(1, int(self._most * self._settings.backlog_share))

    def narrow(self, *, to_one: bool) -> None:
        """Have one message at a time in flight, or as many as the broker takes."""
        self._most = min(1, self._full) if to_one else self._full

    def __len__(self) -> int:
        """How many messages are in flight."""
        return len(self._sent)

    @property
    def has_room(self) -> bool:
        """Whether one more message may be sent."""
        return len(self._sent) < self._most

    @property
    def backlog_has_room(self) -> bool:
        """Whether one more message of the backlog may be sent, within its share."""
        return self.has_room and self._backlog < self._share

    def add(self, mid: int, sent: Sent) -> None:
        """Note a message that was sent."""
        self._sent[mid] = sent
        self._backlog += not sent.live

    def take(self, mid: int) -> Sent | None:
        """Give the message that was acknowledged, once; None for one nobody knows."""
        sent = self._sent.pop(mid, None)
        if sent is not None:
            self._backlog -= not sent.live
        return sent

    def abandon(self) -> Sequence[Sent]:
        """Give what was in flight when the connection ended, and forget it."""
        lost = list(self._sent.values())
        self._sent.clear()
        self._backlog = 0
        return lost
