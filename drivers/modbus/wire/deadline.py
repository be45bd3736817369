"""A deadline that moves with every request and costs a timer only when it is reached.

The timer is left where it was when the deadline moves on, and set again when it fires too early: a
line that answers a thousand times a second sets one timer a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


class Deadline:
    """Calls `reached` once the time last set has passed; a call that came late is harmless."""

    __slots__ = ("_at_s", "_loop", "_reached", "_timer", "_timer_s")

    def __init__(self, loop: asyncio.AbstractEventLoop, reached: Callable[[], None]) -> None:
        self._loop = loop
        self._reached = reached
        self._timer: asyncio.TimerHandle | None = None
        self._timer_s = 0.0
        self._at_s = 0.0

    def set(self, at_s: float) -> None:
        """Move the deadline to a time of the loop's clock."""
        self._at_s = at_s
        if self._timer is None or at_s < self._timer_s:
            self._arm(at_s)

    def extend(self, by_s: float) -> None:
        """Move the deadline back."""
        self._at_s += by_s

    def cancel(self) -> None:
        """Leave no timer behind."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, at_s: float) -> None:
        self.cancel()
        self._timer_s = at_s
        self._timer = self._loop.call_at(at_s, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._loop.time() < self._at_s:
            self._arm(self._at_s)
        else:
            self._reached()
