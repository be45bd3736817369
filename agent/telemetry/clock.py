"""Whether the gateway's wall clock can be trusted: asked of the kernel, never guessed.

The clock is data with a flag: nothing is deleted, ordered or retried by it.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Final

SYNC: Final = "sync"
"""Disciplined by a time source now."""
HOLD: Final = "hold"
"""Was disciplined since this process started, and is not now."""
FREE: Final = "free"
"""Never disciplined since this process started."""

_ERROR_UNSYNCHRONISED = 5
"""Return value TIME_ERROR of adjtimex(2)."""
_TIMEX_BYTES = 512
"""More than any platform's struct timex; modes = 0 in its first field asks and sets nothing."""


class Clock:
    """Tells the state of the wall clock."""

    def __init__(self) -> None:
        self._was_synchronised = False

    def state(self) -> str:
        """Give `sync`, `hold` or `free`."""
        if _synchronised():
            self._was_synchronised = True
            return SYNC
        return HOLD if self._was_synchronised else FREE


def _synchronised() -> bool:
    if not sys.platform.startswith("linux"):
        return False
    adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    state = int(adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)))
    return 0 <= state < _ERROR_UNSYNCHRONISED
