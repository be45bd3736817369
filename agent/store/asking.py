"""What the event loop asks of the store's thread: rows to read, and work between two commits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from agent.store.requests import Requests

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.store.account import Account
    from agent.store.outbox import Place, Range, Row
    from agent.store.requests import Reader
    from agent.store.sqlite import Outbox
    from agent.store.wakeup import WakeUp

_Result = TypeVar("_Result")


class Asking:
    """The loop's way to ask; `agent.store.writer.Writer` answers."""

    def __init__(self, outbox: Outbox, account: Account, wake: WakeUp) -> None:
        self._outbox = outbox
        self._account = account
        self._wake = wake
        self._requests = Requests()

    async def read(self, wanted: Range, *, max_bytes: int) -> list[Row]:
        """Read waiting rows of a range, in order, at least one if there is one."""
        return await self.ask(self._outbox.read, wanted, max_bytes)

    async def replay(self, wanted: Range, *, max_bytes: int) -> list[Row]:
        """Read what is still there of a range, sent or not, at least one row if there is one."""
        return await self.ask(self._outbox.read_any, wanted, max_bytes)

    async def ask(self, read: Reader, wanted: Range, max_bytes: int) -> list[Row]:
        """Read rows by one of the outbox's ways."""
        return await self.do(lambda: read(*wanted, max_bytes=max_bytes))

    async def do(
        self, work: Callable[[], _Result], then: Callable[[_Result], None] | None = None
    ) -> _Result:
        """Have work done in the thread between two commits, and again while the disk refuses it.

        `then` takes the result in the loop before anything is told of a later commit.
        """
        future: asyncio.Future[_Result] = asyncio.get_running_loop().create_future()
        self._requests.put(work, future, then)
        self._wake.set()
        return await future

    async def serve(
        self, names: Sequence[tuple[str, bool]], then: Callable[[dict[str, Place]], None]
    ) -> None:
        """Go on for other destinations, of which none that changes has anything under way.

        `names` is as `Outbox.serve` takes it; `then` is told where each stands, as by `do`.
        """

        def join() -> dict[str, Place]:
            self._outbox.serve(names)
            self._account.joined()
            return self._outbox.places([name for name, _ in names])

        await self.do(join, then)
