"""Waiting in an event loop until a condition becomes true, without polling or sleeping."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Conditions:
    """Conditions somebody waits for; `changed` must be called in the event loop of the waiters."""

    def __init__(self) -> None:
        self._waiters: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition` is true after some change; bound it with `asyncio.timeout`."""
        if condition():
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((condition, future))
        try:
            await future
        finally:
            self._waiters = [item for item in self._waiters if item[1] is not future]

    def changed(self) -> None:
        """Look whether what somebody waits for has become true."""
        for condition, future in self._waiters:
            if not future.done() and condition():
                future.set_result(None)
