"""Times in which nothing, or nothing of one kind, is sent, and one call when each is over."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Pause:
    """Belongs to one event loop."""

    def __init__(self, on_over: Callable[[], None]) -> None:
        self._on_over = on_over
        self._until_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def clear(self) -> None:
        """Let everything be sent at once."""
        self._until_s = 0.0
        if self._timer is not None:
            self._timer.cancel()

    def extend(self, seconds: float) -> None:
        """Send nothing for so long from now on, at least."""
        self._until_s = max(self._until_s, time.monotonic() + seconds)

    def lasts(self, until_s: float) -> bool:
        """Tell whether to wait, to a monotonic time at least, and see to the call when it ends."""
        now_s = time.monotonic()
        until_s = max(until_s, self._until_s)
        if until_s <= now_s:
            return False
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(until_s - now_s, self._on_over)
        return True


class Pauses:
    """A pause of its own for every kind of message: one that is refused stops no other."""

    def __init__(self, on_over: Callable[[str], None]) -> None:
        self._on_over = on_over
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def clear(self) -> None:
        """Let everything be sent at once; nobody is called."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def extend(self, level: str, seconds: float) -> None:
        """Send nothing of a level for so long from now on, at least."""
        loop = asyncio.get_running_loop()
        timer = self._timers.get(level)
        if timer is not None:
            if timer.when() >= loop.time() + seconds:
                return
            timer.cancel()
        self._timers[level] = loop.call_later(seconds, self._over, level)

    def holds(self, level: str) -> bool:
        """Whether nothing of a level may be sent now."""
        return level in self._timers

    def _over(self, level: str) -> None:
        del self._timers[level]
        self._on_over(level)
