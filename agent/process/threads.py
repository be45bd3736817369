"""The threads of the agent for what blocks: a fixed number, started before anything depends on it.

Guarantees: no thread is started later, so that a limit on threads is met at the start or never; one
that hangs, in a resolver say, holds up neither the loop nor the end of the process.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

WORKERS = 6
"""Most calls that block at once: names to look up, brokers to connect to, serial ports to open."""
START_S = 10.0
"""Within this the threads are there, on a busy box too."""
GRACE_S = 0.5
"""Threads that do not block have ended within this."""


class Pool(ThreadPoolExecutor):
    """The loop's executor; its threads live as long as the process."""

    def __init__(self, workers: int = WORKERS) -> None:
        """Start every thread.

        Raises:
            RuntimeError: the system gives no more threads.
        """
        super().__init__(workers, thread_name_prefix="blocking")
        together = threading.Barrier(workers)
        for begun in [self.submit(together.wait, START_S) for _ in range(workers)]:
            begun.result(START_S)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as the base class has it
        """Take no more calls, and wait for none: what still blocks is of no use any more."""
        del wait, cancel_futures
        super().shutdown(wait=False, cancel_futures=True)


async def prepare_threads() -> None:
    """Give the running loop its executor, and have the resolver's threads started too.

    Raises:
        RuntimeError: the system gives no more threads.
    """
    loop = asyncio.get_running_loop()
    loop.set_default_executor(Pool())
    # libuv starts threads of its own at the first name, and ends the process if it gets none then
    await loop.getaddrinfo("localhost", 0)


def end_process(code: int, *, before: Collection[threading.Thread]) -> int:
    """Give the exit code back; where a thread still blocks, end the process with it at once.

    Threads that were there `before` are somebody else's: they are left alone.
    """
    end_s = time.monotonic() + GRACE_S
    threads = [thread for thread in threading.enumerate() if thread not in before]
    for thread in threads:
        thread.join(max(0.0, end_s - time.monotonic()))
    if any(thread.is_alive() and not thread.daemon for thread in threads):
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code
