"""What the event loop has asked of the store's thread, done in the order it came."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from typing import TypeAlias

    from agent.store.outbox import Row

    Call: TypeAlias = Callable[..., None]

    class Reader(Protocol):
        """A way to read rows; `Outbox.read` and `Outbox.read_any` are such."""

        def __call__(self, first: int, last: int, *, max_bytes: int) -> list[Row]:
            """Read rows of a range in order, at least one if there is one."""


_Result = TypeVar("_Result")


class Requests:
    """Who waits for the thread; the loop puts, the thread answers."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Callable[[], Any], Callable[[Any], None]]] = deque()
        self._futures: deque[asyncio.Future[Any]] = deque()

    def __bool__(self) -> bool:
        """Whether anybody waits."""
        return bool(self._waiting)

    def put(
        self,
        work: Callable[[], _Result],
        future: asyncio.Future[_Result],
        then: Callable[[_Result], None] | None = None,
    ) -> None:
        """Have work done between two commits; `then` takes its result in the loop, at once."""

        def answer(result: _Result) -> None:
            if then is not None:
                then(result)
            resolve(future, result)

        self._futures.append(future)
        self._waiting.append((work, answer))

    def serve(self, call: Call) -> None:
        """Answer everybody; who could not be answered waits on (the thread).

        Raises:
            sqlite3.OperationalError: the disk does not give what was asked for now.
        """
        while self._waiting:
            work, answer = self._waiting[0]
            result = work()
            self._waiting.popleft()
            self._futures.popleft()
            call(answer, result)

    def cancel(self, call: Call) -> None:
        """Let nobody wait for a thread that is gone."""
        for future in self._futures:
            call(future.cancel)


def resolve(future: asyncio.Future[_Result], result: _Result) -> None:
    """Answer, unless who asked has gone (the loop)."""
    if not future.done():
        future.set_result(result)
