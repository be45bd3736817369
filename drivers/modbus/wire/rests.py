"""How long a line must rest before its next request.

Three rests, the longest holds: what the line or the device demands between two frames, what a
device demands after the connection, and what sets doubled answers apart. Some serial servers send
an answer twice. Without transaction ids the second one looks like the answer to the next request of
the same unit and shape, so before such a request the line is listened to for a while: what still
comes then was not asked for. Never does I/O.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drivers.modbus.config import Terms
    from drivers.modbus.link import ModbusLink
    from drivers.modbus.wire.framing import Request


class Rests:
    """The rests of one line; times are those of `time.monotonic`."""

    __slots__ = (
        "_answered",
        "_answered_s",
        "_between_s",
        "_has_ids",
        "_heard_s",
        "_not_before_s",
        "always",
    )

    def __init__(self, link: ModbusLink, *, has_ids: bool) -> None:
        self._has_ids = has_ids
        self._between_s = link.rest_s
        self._not_before_s = 0.0
        self._heard_s = 0.0
        self._answered: Request | None = None
        self._answered_s = 0.0
        self.always = bool(link.rest_s or link.pause_after_connect_s or not has_ids)
        """Whether every request of the line has a rest to look at, whatever its terms."""

    def connected(self, pause_s: float) -> None:
        """Begin the rest after a connection."""
        self._not_before_s = time.monotonic() + pause_s

    def heard(self, answered: Request | None = None) -> None:
        """Begin the rest after bytes arrived; with the request they were the answer to."""
        self._heard_s = time.monotonic()
        if answered is not None:
            self._answered, self._answered_s = answered, self._heard_s

    def wanted(self, terms: Terms) -> bool:
        """Tell whether a request on these terms has a rest to look at."""
        return self.always or terms.pause_s > 0 or terms.ids != "strict"

    def left_s(self, request: Request, terms: Terms) -> float:
        """Give the seconds to wait before a request; not above 0 when it may be sent."""
        pause_s = terms.pause_s
        if self.listens(terms) and self._repeats(request, terms):
            pause_s = max(pause_s, terms.alike_s)
        # from the answer, not from what came since: heartbeats must not put it off for ever
        until_s = max(self._answered_s + pause_s, self._heard_s + self._between_s)
        return max(until_s, self._not_before_s) - time.monotonic()

    def listens(self, terms: Terms) -> bool:
        """Tell whether answers bear nothing that tells one from its double."""
        return not (self._has_ids and terms.ids == "strict")

    def _repeats(self, request: Request, terms: Terms) -> bool:
        """Tell whether the last answer, sent again, would pass for the answer to a request."""
        last = self._answered
        return (
            last is not None
            and last.function == request.function
            and last.size_bytes == request.size_bytes
            and (last.unit == request.unit or terms.ids == "off")
        )
