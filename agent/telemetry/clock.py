"""Whether the gateway's wall clock can be trusted: asked of the kernel, never guessed.

The clock is data with a flag: nothing is deleted, ordered or retried by it.
"""

from __future__ import annotations

import ctypes
import sys
import time
from math import inf
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

SYNC: Final = "sync"
"""Disciplined by a time source now."""
HOLD: Final = "hold"
"""Was disciplined since this process started, and is not now."""
FREE: Final = "free"
"""Never disciplined since this process started."""

FRESH_S = 5.0
"""Messages ask for every one of them; the kernel itself takes minutes to see a lost time source."""
_ERROR_UNSYNCHRONISED = 5
"""Return value TIME_ERROR of adjtimex(2)."""
_TIMEX_BYTES = 512
"""More than any platform's struct timex; modes = 0 in its first field asks and sets nothing."""


class Clock:
    """Tells the state of the wall clock."""

    def __init__(self) -> None:
        self._was_synchronised = False
        self._state, self._asked_s = FREE, -inf
        self._ask = _adjtimex()
        self._timex = ctypes.create_string_buffer(_TIMEX_BYTES)

    def state(self) -> str:
        """Give `sync`, `hold` or `free`, at most `FRESH_S` old."""
        now_s = time.monotonic()
        if now_s - self._asked_s >= FRESH_S:
            self._asked_s = now_s
            self._was_synchronised |= (synchronised := self._synchronised())
            self._state = SYNC if synchronised else HOLD if self._was_synchronised else FREE
        return self._state

    def _synchronised(self) -> bool:
        if self._ask is None:
            return False
        ctypes.memset(self._timex, 0, _TIMEX_BYTES)
        return 0 <= int(self._ask(self._timex)) < _ERROR_UNSYNCHRONISED


def _adjtimex() -> Callable[[ctypes.Array[ctypes.c_char]], int] | None:
    """Give the system call; None where there is none."""
    if not sys.platform.startswith("linux"):
        return None
    call: Callable[[ctypes.Array[ctypes.c_char]], int] = ctypes.CDLL(None).adjtimex
    return call
