"""What one of several destinations needs of the store: its own rows, and a place for its word."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.store.outbox import Range, Rejection, Row
    from agent.store.sqlite import Outbox
    from agent.store.writer import Writer
    from agent.telemetry.status import StoreStatus


class Portion:
    """One destination's handle on the writer; called in the event loop."""

    def __init__(self, writer: Writer, outbox: Outbox, number: int) -> None:
        """`number` is its number in the store, 0 where it is the only one."""
        self._writer = writer
        self._outbox = outbox
        self._number = number

    async def read(self, wanted: Range, *, max_bytes: int) -> list[Row]:
        """Read rows that wait for it, in order, at least one if there is one."""
        read = partial(self._outbox.read_for, self._number)
        return await self._writer.ask(read, wanted, max_bytes)

    async def replay(self, wanted: Range, *, max_bytes: int) -> list[Row]:
        """Read what is still there of a range, sent or not, at least one row if there is one."""
        return await self._writer.replay(wanted, max_bytes=max_bytes)

    def put_acked(self, ranges: Sequence[Range]) -> None:
        """Report rows that it accepted."""
        self._writer.put_acked(ranges, by=self._number)

    def put_rejected(self, rejections: Sequence[Rejection]) -> None:
        """Report rows that it refuses for good."""
        self._writer.put_rejected(rejections, by=self._number)

    def hasten(self) -> None:
        """Have the frames that wait committed now."""
        self._writer.hasten()

    def status(self) -> StoreStatus:
        """Give the store's snapshot with the counters of this destination."""
        return self._writer.status(of=self._number)
