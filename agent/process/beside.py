"""Work that runs beside a block of code and ends with it, or is waited for only so long."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine


@contextlib.asynccontextmanager
async def beside(
    work: Coroutine[None, None, None], name: str, on_end: Callable[[asyncio.Task[None]], None]
) -> AsyncIterator[None]:
    """Run work beside the block; leaving the block ends it, and `on_end` is told of every end."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(on_end)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def within(seconds: float, work: Coroutine[None, None, None]) -> bool:
    """Wait for work at most so long; tell whether it came to its end."""
    with contextlib.suppress(TimeoutError, asyncio.CancelledError):
        async with asyncio.timeout(seconds):
            await work
            return True
    return False
