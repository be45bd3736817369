"""The end of the store's thread: waited for while it moves; where it stands still is logged.

Whether it moves is told by the processor time it takes: on a busy box a thread that waits for its
turn takes some again and again, one that a disk holds takes none. Guarantees: a disk that does not
answer holds up the end for `STILL_LOOKS` looks; a time in which this process did not run at all
counts for nothing; no thread of the loop's pool is needed, as all of them may hang in a resolver.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK_S: Final = 0.25
"""How often a look is taken."""
STILL_LOOKS: Final = 12
"""So many looks in a row without any work, 3 s: a disk holds the thread."""
MOST_LOOKS: Final = 60
"""After so many, 15 s, nobody waits for a disk that is merely slow: a supervisor would not."""
_FRAMES: Final = 12

_log = logging.getLogger("chulian.store")


class Ending:
    """The end of one thread, for the loop in which this is made."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._gone = asyncio.Event()
        self._ident = 0
        self._clock: int | None = None

    def of(self, work: Callable[[], None]) -> None:
        """Do all the work of the thread, and tell when it is done (the thread)."""
        self._ident = threading.get_ident()
        self._clock = time.pthread_getcpuclockid(self._ident)
        try:
            work()
        finally:
            with suppress(RuntimeError):  # a loop that is gone has nobody to tell
                self._loop.call_soon_threadsafe(self._gone.set)

    async def wait(self) -> None:
        """Wait for the end.

        Raises:
            TimeoutError: the thread stands still, or takes too long; where it is, is in the log.
        """
        ran_ns, still = self.ran_ns(), 0
        for _ in range(MOST_LOOKS):
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._gone.wait()
                    return
            before_ns, ran_ns = ran_ns, self.ran_ns()
            still = still + 1 if ran_ns == before_ns else 0
            if still == STILL_LOOKS:
                break
        _log.error(
            "the store's thread %s in %s", "stands still" if still else "is late", self._at()
        )
        raise TimeoutError

    def ran_ns(self) -> int:
        """Give the processor time the thread has taken; 0 where that is not known any more."""
        if self._clock is None:
            return 0
        try:
            return time.clock_gettime_ns(self._clock)
        except OSError:  # it has ended this moment
            return 0

    def _at(self) -> str:
        """Give the stack of the thread, the innermost call last."""
        frame = sys._current_frames().get(self._ident)  # noqa: SLF001 - the documented way to it
        return "".join(["\n", *traceback.format_stack(frame)[-_FRAMES:]]) if frame else "no call"
