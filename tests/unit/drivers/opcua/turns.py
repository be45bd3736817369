"""How long the event loop was held without a turn, in time and in its own thread's work."""

from __future__ import annotations

import asyncio
import gc
import time
from contextlib import asynccontextmanager

TICK_S = 0.005


class Turns:
    """The longest stretch between two turns of the loop."""

    def __init__(self):
        self.late_s = 0.0
        """By the clock: longer on a busy machine, whatever we do. For the report."""
        self.work_s = 0.0
        """CPU time of the loop's thread: what it did itself. For assertions."""

    async def watch(self):
        while True:
            began, worked = time.monotonic(), time.thread_time()
            await asyncio.sleep(TICK_S)
            self.late_s = max(self.late_s, time.monotonic() - began - TICK_S)
            self.work_s = max(self.work_s, time.thread_time() - worked)


@asynccontextmanager
async def watched():
    """Watch the loop during the block; what earlier tests left is not collected meanwhile."""
    gc.collect()
    gc.freeze()
    turns = Turns()
    watcher = asyncio.create_task(turns.watch())
    try:
        yield turns
    finally:
        watcher.cancel()
        gc.unfreeze()
