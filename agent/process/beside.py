"""Work that runs beside a block of code and ends with it."""

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
