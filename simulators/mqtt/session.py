"""What the broker remembers of one client: subscriptions, and messages on their way to it.

Guarantees: messages leave in the order they came; at most `window` are unacknowledged; a message at
QoS 1 stays until its PUBACK, across connections, as long as the session lives. The queue is bounded
in messages and bytes, and `offer` says when it is full. It never touches a socket.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from simulators.mqtt.topics import levels_of, matches
from simulators.mqtt.wire import Property, number_property

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from simulators.mqtt.faults import BrokerStats, Faults, Limits
    from simulators.mqtt.packets import Publish, Subscription, Will

NEVER_EXPIRES: Final = 0xFFFFFFFF
_MAX_WINDOW: Final = 1000


class Link(Protocol):
    """The connection a session talks through while there is one."""

    @property
    def writable(self) -> bool:
        """Whether the socket takes more now."""

    def deliver(self, message: Publish) -> bool:
        """Send; False when the message is larger than the client takes."""

    def end(self, reason: int) -> None:
        """Say goodbye with a reason and close."""


class Session:
    """One client id."""

    def __init__(
        self,
        client_id: str,
        *,
        faults: Faults,
        limits: Limits,
        stats: BrokerStats,
        clock: Callable[[], float],
    ) -> None:
        self.client_id = client_id
        self.expiry_s = 0
        self.link: Link | None = None
        self.will: Will | None = None
        self.timers: list[asyncio.TimerHandle] = []
        self._filters: dict[str, tuple[tuple[str, ...], Subscription]] = {}
        self._queue: deque[tuple[Publish, float]] = deque()
        self._queued_bytes = 0
        self._inflight: dict[int, Publish] = {}
        self._last_id = 0
        self._window = _MAX_WINDOW
        self._faults, self._limits, self._stats, self._clock = faults, limits, stats, clock

    @property
    def subscribed(self) -> bool:
        """Whether any filter is set."""
        return bool(self._filters)

    @property
    def waiting(self) -> int:
        """Messages queued or unacknowledged."""
        return len(self._queue) + len(self._inflight)

    def subscribe(self, wanted: Subscription) -> bool:
        """Set a filter; whether it is new."""
        new = wanted.topic_filter not in self._filters
        self._filters[wanted.topic_filter] = (levels_of(wanted.topic_filter), wanted)
        return new

    def unsubscribe(self, topic_filter: str) -> bool:
        """Remove a filter; whether it was there."""
        return self._filters.pop(topic_filter, None) is not None

    def match(self, topic_levels: tuple[str, ...], sender: str) -> Subscription | None:
        """Give the matching subscription with the highest QoS, or None."""
        best: Subscription | None = None
        for levels, wanted in self._filters.values():
            if wanted.no_local and sender == self.client_id:
                continue
            if matches(levels, topic_levels) and (best is None or wanted.qos > best.qos):
                best = wanted
        return best

    def offer(self, message: Publish) -> bool:
        """Take a message for the client; False when the queue is full (and it was not taken)."""
        if message.qos == 0:
            self._send_now(message)
            return True
        size = len(message.payload)
        full = len(self._queue) >= self._limits.queued_messages
        if full or self._queued_bytes + size > self._limits.queued_bytes:
            return False
        expiry_s = number_property(message.properties, Property.MESSAGE_EXPIRY_S, 0)
        self._queue.append((message, self._clock() + expiry_s if expiry_s else float("inf")))
        self._queued_bytes += size
        self.pump()
        return True

    def resume(self, link: Link, *, receive_maximum: int) -> None:
        """Go on over a new connection: first what was unacknowledged, with DUP, then the rest."""
        self.link = link
        self._window = min(receive_maximum, _MAX_WINDOW)
        for message in list(self._inflight.values()):
            self._deliver(replace(message, dup=True))
        self.pump()

    def acked(self, packet_id: int) -> None:
        """Forget a message the client has taken; an unknown id is ignored."""
        self._inflight.pop(packet_id, None)
        self.pump()

    def pump(self) -> None:
        """Send from the queue while the client's window and socket have room."""
        while self._queue and self.link is not None and self.link.writable:
            if len(self._inflight) >= self._window:
                return
            message, deadline_s = self._queue.popleft()
            self._queued_bytes -= len(message.payload)
            left_s = deadline_s - self._clock()
            if left_s <= 0:
                self._stats.dropped += 1
                continue
            self._send_tracked(_with_expiry(message, left_s))

    def _send_tracked(self, message: Publish) -> None:
        numbered = replace(message, packet_id=self._next_id())
        self._inflight[numbered.packet_id] = numbered
        self._deliver(numbered)
        if self._faults.duplicate_deliveries and numbered.packet_id in self._inflight:
            self._deliver(replace(numbered, dup=True))

    def _deliver(self, message: Publish) -> None:
        if self.link is None:
            return
        if self.link.deliver(message):
            self._stats.delivered += 1
        else:
            self._stats.dropped += 1
            self._inflight.pop(message.packet_id, None)

    def _send_now(self, message: Publish) -> None:
        if self.link is None:
            return
        if self.link.writable:
            self._deliver(message)
        else:
            self._stats.dropped += 1

    def _next_id(self) -> int:
        while True:
            self._last_id = self._last_id % 65_535 + 1
            if self._last_id not in self._inflight:
                return self._last_id


def _with_expiry(message: Publish, left_s: float) -> Publish:
    if left_s == float("inf"):
        return message
    left = {**message.properties, Property.MESSAGE_EXPIRY_S: max(1, int(left_s))}
    return replace(message, properties=left)
