"""Reads that the event loop has asked of the store's thread, answered in the order they came."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from agent.store.outbox import Range, Row

    Call: TypeAlias = Callable[..., None]

    class Reader(Protocol):
        """A way to read rows; `Outbox.read` and `Outbox.read_any` are such."""

        def __call__(self, first: int, last: int, *, max_bytes: int) -> list[Row]:
            """Read rows of a range in order, at least one if there is one."""


_Result = TypeVar("_Result")


class ReadRequests:
    """Who waits for rows; the loop puts, the thread answers."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Reader, Range, int, asyncio.Future[list[Row]]]] = deque()

    def __bool__(self) -> bool:
        """Whether anybody waits."""
        return bool(self._waiting)

    def put(
        self, read: Reader, wanted: Range, max_bytes: int, future: asyncio.Future[list[Row]]
    ) -> None:
        """Ask for rows of a range, by one of the outbox's ways to read (the loop)."""
        self._waiting.append((read, wanted, max_bytes, future))

    def serve(self, call: Call) -> None:
        """Answer everybody; who could not be answered waits on (the thread).

        Raises:
            sqlite3.OperationalError: the disk does not give the rows now.
        """
        while self._waiting:
            read, (first, last), max_bytes, future = self._waiting[0]
            rows = read(first, last, max_bytes=max_bytes)
            self._waiting.popleft()
            call(resolve, future, rows)

    def cancel(self, call: Call) -> None:
        """Let nobody wait for a thread that is gone."""
        for *_, future in self._waiting:
            call(future.cancel)


def resolve(future: asyncio.Future[_Result], result: _Result) -> None:
    """Answer, unless who asked has gone (the loop)."""
    if not future.done():
        future.set_result(result)
