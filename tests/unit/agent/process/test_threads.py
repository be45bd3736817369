from __future__ import annotations

import asyncio
import threading
import time

import pytest

from agent.process.threads import WORKERS, Pool


async def test_every_thread_is_there_from_the_start():
    """Calls run on threads that were started before; none is added."""
    loop = asyncio.get_running_loop()
    with Pool() as pool:
        before = threading.active_count()
        names = await asyncio.gather(
            *(loop.run_in_executor(pool, threading.current_thread) for _ in range(4 * WORKERS))
        )
        assert threading.active_count() == before
        assert {thread.name.split("_")[0] for thread in names} == {"blocking"}


def test_the_end_waits_for_no_call():
    """A call that blocks does not hold up the shutdown."""
    hold = threading.Event()
    pool = Pool(2)
    pool.submit(hold.wait, 60)
    began_s = time.monotonic()
    pool.shutdown(wait=True)
    assert time.monotonic() - began_s < 30
    hold.set()
    with pytest.raises(RuntimeError):
        pool.submit(print)
