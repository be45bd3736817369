"""Two senders under one client id: each throws the other out, for ever, unless one gives way.

The broker tells only the loser of each round, and only in MQTT 5 (0x8E). Both may be us: a second
box with a copied configuration, or a copy of this box.
"""

from __future__ import annotations

from typing import Final

from agent.telemetry.status import Message

TAKEN_OVER: Final = 0x8E
PAUSE_S: Final = 10.0
"""After being thrown out it takes this long to come back: six times in a minute at most."""
REMEMBERED_S: Final = 600.0
"""So long after it happened last it is still told."""

_TEXT: Final = Message(
    "Another sender uses this gateway's client id: the broker throws one of the two out each time. "
    "Nothing is lost, but sending is slow. Find the second box with the same gateway id, or give "
    "one of them another gateway.id.",
    "另一台设备在使用与本网关相同的 MQTT 客户端标识，两者轮流被服务器踢下线。数据不会丢失，"
    "但上传会变慢。请查找编号重复的网关，并修改其中一台的 gateway.id。",
)


class Rivalry:
    """Remembers when we were thrown out."""

    def __init__(self) -> None:
        self._last_s: float | None = None
        self.pause_s = 0.0
        """How long to stay away at least."""

    def ended(self, code: int | None, now_s: float) -> None:
        """Take note of how a connection ended."""
        self.pause_s = PAUSE_S if code == TAKEN_OVER else 0.0
        if code == TAKEN_OVER:
            self._last_s = now_s

    def problem(self, now_s: float) -> Message | None:
        """Say what to do, while it happened lately."""
        if self._last_s is None or now_s - self._last_s > REMEMBERED_S:
            return None
        return _TEXT
