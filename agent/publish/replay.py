"""Ranges of numbers that the platform wants again: read from what the store still has, in turn."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.publish.queue import Reads
    from agent.store.outbox import Range, Row

MOST_ROWS = 20_000
"""Most numbers one request may name; the rest of a longer one is to be asked for again."""


class Replay:
    """One request at a time; nothing of it outlives the connection."""

    def __init__(self, store: Reads, on_done: Callable[[Range, int], None] | None) -> None:
        self._store = store
        self._on_done = on_done
        self._wanted: deque[Range] = deque()
        self._asked: Range | None = None
        self._found = 0

    def __bool__(self) -> bool:
        """Whether anything is left to be read."""
        return bool(self._wanted)

    def ask(self, ranges: Sequence[Range]) -> bool:
        """Take a request, cut to the bound; False while one is under way."""
        if self._wanted:
            return False
        room = MOST_ROWS
        for first, last in ranges:
            last = min(last, first + room - 1)  # noqa: PLW2901 - the same range, cut
            if first <= last:
                self._wanted.append((first, last))
                room -= last - first + 1
        return True

    def forget(self) -> None:
        """Drop the request: who still wants it asks again."""
        self._wanted.clear()
        self._asked = None

    async def read(self, *, max_bytes: int) -> list[Row]:
        """Read the next part, and tell when a range is through."""
        wanted = self._wanted[0]
        if self._asked is None:
            self._asked, self._found = wanted, 0
        rows = await self._store.replay(wanted, max_bytes=max_bytes)
        self._found += len(rows)
        through = (
            not rows or rows[-1].seq >= wanted[1] or sum(len(r.body) for r in rows) < max_bytes
        )
        if not through:
            self._wanted[0] = (rows[-1].seq + 1, wanted[1])
            return rows
        self._wanted.popleft()
        asked, self._asked = self._asked, None
        if self._on_done is not None:
            self._on_done(asked, self._found)
        return rows
