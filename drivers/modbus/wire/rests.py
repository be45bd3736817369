"""How long a line must rest before its next request.

Three rests, the longest holds: what the line or the device demands between two frames, what a
device demands after the connection, and what sets doubled answers apart. Some serial servers send
an answer twice. Without transaction ids the second one looks like the answer to the next request of
the same unit and shape, even where another unit was asked between the two, so before such a request
the line is listened to for a while: what still comes then was not asked for. Never does I/O.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drivers.modbus.link import ModbusLink
    from drivers.modbus.terms import Terms
    from drivers.modbus.wire.framing import Request

_ANY_UNIT = -1
"""Where the unit of an answer is not looked at, every unit's answer is alike."""

_REFUSAL = 0
"""In place of a size: a refusal looks like that of any request of its function."""


class Rests:
    """The rests of one line; times are those of `time.monotonic`."""

    __slots__ = (
        "_alike_s",
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
        self._answered_s = 0.0
        self._alike_s: dict[tuple[int, int, int], float] = {}  # by unit, function, size
        self.always = bool(link.rest_s or link.pause_after_connect_s or not has_ids)
        """Whether every request of the line has a rest to look at, whatever its terms."""

    def connected(self, pause_s: float) -> None:
        """Begin the rest after a connection."""
        self._not_before_s = time.monotonic() + pause_s

    def heard(self, answered: Request | None = None, *, refused: bool = False) -> None:
        """Begin the rest after bytes arrived; with the request that they answered or refused."""
        self._heard_s = now_s = time.monotonic()
        if answered is not None:
            self._answered_s = now_s
            size = _REFUSAL if refused else answered.size_bytes
            for unit in (answered.unit, _ANY_UNIT):
                self._alike_s[unit, answered.function, size] = now_s

    def wanted(self, terms: Terms) -> bool:
        """Tell whether a request on these terms has a rest to look at."""
        return self.always or terms.pause_s > 0 or terms.ids != "strict"

    def left_s(self, request: Request, terms: Terms) -> float:
        """Give the seconds to wait before a request; not above 0 when it may be sent."""
        # from the answers, not from what came since: heartbeats must not put it off for ever
        until_s = max(self._answered_s + terms.pause_s, self._heard_s + self._between_s)
        if (alike_s := self._alike_at_s(request, terms)) > 0:
            until_s = max(until_s, alike_s + terms.alike_s)
        return max(until_s, self._not_before_s) - time.monotonic()

    def listens(self, terms: Terms) -> bool:
        """Tell whether answers bear nothing that tells one from its double."""
        return not (self._has_ids and terms.ids == "strict")

    def repeats(self, request: Request, terms: Terms) -> bool:
        """Tell whether an earlier answer, sent again, would pass for the answer to a request."""
        return self._alike_at_s(request, terms) > 0

    def _alike_at_s(self, request: Request, terms: Terms) -> float:
        """Tell when the last answer came that would pass for that to a request; 0: none did.

        Not only the last answer of the line: behind a gateway, another unit may answer between.
        """
        if not (terms.alike_s and self.listens(terms)):
            return 0.0
        unit = _ANY_UNIT if terms.ids == "off" else request.unit
        look = self._alike_s.get
        answered_s = look((unit, request.function, request.size_bytes), 0.0)
        return max(answered_s, look((unit, request.function, _REFUSAL), 0.0))
