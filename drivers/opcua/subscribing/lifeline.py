"""Whether a subscription lives, and whether all its messages came; pure but for one timer.

A subscription that keeps silent for three keep-alive intervals is dead, whatever the connection
says. Its messages are numbered: one that never came, or came late, shows in the numbers.
Source: OPC 10000-4, 5.14.1.1 (keep-alive, lifetime) and 7.26 (SequenceNumber).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from drivers.api import SessionLost

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.opcua.calls import Revised

SILENT_KEEPALIVES: Final = 3
"""A subscription that misses so many keep-alive messages is dead."""

CLOSE_TIMEOUT_S: Final = 0.5
"""A server that does not confirm the end of a subscription in this time has hung."""

MOST_MESSAGES: Final = 20
"""So many missing messages are asked for again; more are a gap at once."""

LATE: Final = -1
"""Stands for the number of missing messages where one of those itself comes after all."""

_NUMBERS: Final = 0xFFFF_FFFF  # from 1, and 0 is skipped when they wrap


def keepalives_of(keepalive_s: float, *, publishing_s: float) -> tuple[int, int]:
    """Give the keep-alive and the lifetime count of a subscription, in publishing intervals."""
    keepalives = max(1, round(keepalive_s / publishing_s))
    return keepalives, keepalives * 2 * SILENT_KEEPALIVES


def after(number: int, steps: int = 1) -> int:
    """Give the number of a message so many messages later."""
    return (number - 1 + steps) % _NUMBERS + 1


class Numbering:
    """The numbers of one subscription's messages; the first is 1."""

    def __init__(self) -> None:
        self.next = 1
        """The number expected now."""
        self._begun = False
        self._missing: dict[int, None] = {}

    def take(self, number: int, *, has_data: bool) -> int:
        """Give how many messages are missing before this one; LATE where it is one of those.

        A keep-alive bears the number of the message to come, and uses none up.

        Raises:
            SessionLost: the server numbers its messages anew; nothing can be known of losses.
        """
        if not number and not has_data:
            return 0  # some servers' keep-alives bear no number
        missing = (number - self.next) % _NUMBERS
        if not self._begun and missing >= MOST_MESSAGES:
            missing = 0  # some servers begin elsewhere
        elif missing >= _NUMBERS // 2:
            return self._late(number) if has_data else 0
        self._begun = True
        for step in range(min(missing, MOST_MESSAGES)):
            self._missing[after(number, -1 - step)] = None
        while len(self._missing) > MOST_MESSAGES:
            del self._missing[next(iter(self._missing))]
        self.next = after(number) if has_data else number
        return missing

    def _late(self, number: int) -> int:
        if number not in self._missing:
            raise SessionLost(
                f"the server sent message {number} of a subscription again, or numbers anew",
                hint="If this happens again, report the server's maker and version.",
                zh=f"服务器重复发送订阅消息 {number}，或重新编号",
                hint_zh="若反复出现，请报告服务器的厂家和版本",
            )
        del self._missing[number]
        return LATE


class Vigil:
    """Watches for silence; one timer, however many messages come."""

    def __init__(self, on_silent: Callable[[float], None]) -> None:
        """Take who is told after how many seconds of silence, once."""
        self._on_silent = on_silent
        self._heard_s = 0.0
        self._silence_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def keep(self, made: Revised) -> None:
        """Watch a subscription as the server made it; it counts as heard now."""
        self._silence_s = max(made.keepalive_s, made.publishing_s) * SILENT_KEEPALIVES
        self.heard()
        self.close()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._silence_s, self._look)

    def heard(self) -> None:
        """Take notice of a message."""
        self._heard_s = asyncio.get_running_loop().time()

    def close(self) -> None:
        """Watch no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        left_s = self._heard_s + self._silence_s - loop.time()
        if left_s > 0:
            self._timer = loop.call_later(left_s, self._look)
            return
        self._timer = None
        self._on_silent(self._silence_s)
