"""Makes answers beside the event loop: a page of many machines must not hold up their collection.

The snapshot is taken in the loop, at once; what is made of it is made in one thread, which gives
way to the loop every few milliseconds. Guarantees that at most one answer is made at a time.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from agent.web import assets
from agent.web.routes import ROUTES, answer

if TYPE_CHECKING:
    from agent.web.messages import Request, Response
    from agent.web.routes import Source

_AT_ONCE: Final = frozenset({"/healthz", *assets.PATHS})
"""Paths whose answer needs no snapshot."""


class Renderer:
    """Answers requests from one source."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._pool = ThreadPoolExecutor(1, "page")

    async def answer(self, request: Request) -> Response:
        """Give the response to a request, made of the snapshot of now."""
        if request.path not in ROUTES or request.path in _AT_ONCE:
            return answer(request, self._source)
        status = self._source.status()
        still = replace(self._source, status=lambda: status)
        return await asyncio.get_running_loop().run_in_executor(self._pool, answer, request, still)

    def close(self) -> None:
        """Make nothing any more; what is being made is left to its end."""
        self._pool.shutdown(wait=False, cancel_futures=True)
