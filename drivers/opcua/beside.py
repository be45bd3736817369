"""Work that runs beside a session: where it fails, the session ends instead of falling silent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from drivers.api import SessionLost

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from drivers.api import DriverError


def beside(
    work: Coroutine[Any, Any, None], *, name: str, on_bug: Callable[[DriverError], None]
) -> asyncio.Task[None]:
    """Start some work; `on_bug` is told of an error that the work itself does not handle."""
    task = asyncio.create_task(work, name=name)

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            on_bug(SessionLost(f"{name} failed: {error!r}"))

    task.add_done_callback(ended)
    return task
