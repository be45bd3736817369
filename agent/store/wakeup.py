"""What the store's thread sleeps on, and when it is woken, sooner for the first of each group.

A bare lock as a binary semaphore: one system call to wake, none while nobody sleeps. Setting it
twice wakes once. Only one thread, the event loop's, may set it and only one may wait.
"""

from __future__ import annotations

import asyncio
import threading
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.store.intake import Intake

GATHER_S = 0.005
"""After the first frame of a tick the thread is woken so much later: its companions come along."""
LONELY_S = 60.0
"""A frame is not made to wait for companions where none has come for so long."""
FIRST_S = 0.02
"""The first frame of a group is committed so soon; groups that begin meanwhile share the commit."""


class WakeUp:
    """An event that resets itself when it has woken its one sleeper."""

    __slots__ = ("_gate",)

    def __init__(self) -> None:
        self._gate = threading.Lock()
        self._gate.acquire()

    def set(self) -> None:
        """Wake the sleeper, or let its next wait end at once."""
        if self._gate.locked():
            self._gate.release()

    def wait(self, timeout_s: float) -> bool:
        """Sleep until woken, at most so long; tell whether it was woken."""
        return self._gate.acquire(timeout=timeout_s)


class Company:
    """Whether frames come together, learned from those that came; a timer less where they do not.

    A guess that was wrong costs no frame: a companion that comes too late is committed next time.
    """

    __slots__ = ("_first_s", "_together_s")

    def __init__(self) -> None:
        self._first_s = self._together_s = -inf

    def came(self, now_s: float, *, first: bool) -> None:
        """Note a frame: the first since the last commit, or a later one."""
        if first:
            self._first_s = now_s
        elif now_s - self._first_s < GATHER_S:
            self._together_s = now_s

    def wait_s(self, now_s: float) -> float:
        """Give how long companions are to be waited for."""
        return 0.0 if now_s - self._together_s > LONELY_S else GATHER_S


class Firsts:
    """Which groups have handed in a frame: whoever waits for a start waits for the first of each.

    Called in the event loop only.
    """

    __slots__ = ("_hasten", "_intake", "_known", "_timer", "_values")

    def __init__(self, intake: Intake, hasten: Callable[[], object]) -> None:
        """Take where frames wait, and what has those that wait committed."""
        self._intake, self._hasten = intake, hasten
        self._known: set[int] = set()
        self._values = 0
        self._timer: asyncio.TimerHandle | None = None

    def came(self, codec: object) -> None:
        """Note a frame that was handed in, by its group's codec; soon after a first one, hasten.

        A codec made anew in the memory of one that is gone may be taken for it: its first frame is
        then committed when it is due.
        """
        if id(codec) in self._known:
            return
        self._known.add(id(codec))
        self._values = self._intake.values_in
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FIRST_S, self._fire)

    def _fire(self) -> None:
        self._timer = None
        if self._intake.values_done < self._values:  # else a commit was due before
            self._hasten()
