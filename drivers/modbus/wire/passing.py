"""A line for devices that allow one connection only: it is left as soon as nothing waits.

Each read finds the connection still open or makes one. Guarantees that between reads nothing is
held. Never retries: a connection that cannot be made ends the line, and the host opens another.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from drivers.api import DriverError, SessionLost
from drivers.modbus.wire.ends import closed_by_us, over
from drivers.modbus.wire.exchange import Exchange

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from drivers.modbus.link import ModbusLink
    from drivers.modbus.terms import Terms
    from drivers.modbus.wire.framing import Request
    from drivers.modbus.wire.line import Line


class PassingLine:
    """Lines of one link, one after the other, none longer than reads wait for it."""

    def __init__(
        self, link: ModbusLink, first: Line, connect: Callable[[ModbusLink], Awaitable[Line]]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._link = link
        self._connect = connect
        self._line: Line | None = first
        self._waiting: deque[Exchange] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._why_over: SessionLost | None = None
        self.lost: asyncio.Future[None] = self._loop.create_future()
        """Done when nothing of the line is left."""
        self.counts = link.counts

    def start(self, requests: Sequence[Request], terms: Terms) -> Exchange:
        """Queue the requests of a read; raises SessionLost when the line is over."""
        if self._why_over is not None:
            raise over(self._why_over, terms.device)
        exchange = Exchange(requests, terms, self._loop.create_future())
        self._waiting.append(exchange)
        if self._worker is None:
            self._worker = self._loop.create_task(self._work(), name=f"{self._link} read")
        return exchange

    def withdraw(self, exchange: Exchange) -> None:
        """Forget a read that nobody waits for; under way, it ends with its answer."""
        if exchange in self._waiting:
            self._waiting.remove(exchange)
        else:
            exchange.forget()

    def close(self) -> None:
        """Leave the connection, if there is one; whoever waits gets SessionLost."""
        self._end(closed_by_us())
        if self._worker is not None:
            self._worker.cancel()
        else:
            self._worker = self._loop.create_task(self._leave(last=True))

    async def _work(self) -> None:
        """Serve everybody who waits, then leave the connection."""
        try:
            while self._waiting and self._why_over is None:
                await self._serve(self._waiting.popleft())
        finally:
            self._worker = None
            await self._leave(last=self._why_over is not None)
            if self._waiting and self._why_over is None and self._worker is None:
                self._worker = self._loop.create_task(self._work(), name=f"{self._link} read")

    async def _serve(self, exchange: Exchange) -> None:
        """Run one read on a connection, and hand its outcome on."""
        try:
            if self._line is None or self._line.over:
                self._line = await self._connect(self._link)
            inner = self._line.start(exchange.requests, exchange.terms)
            try:
                _, read_ns = await inner.done
            except asyncio.CancelledError:
                self._line.withdraw(inner)
                raise
            finally:
                # of a read that failed too: learning asks which request met silence
                exchange.answers[:] = inner.answers
            exchange.succeed(read_ns)
        except SessionLost as error:
            exchange.fail(error)
            self._end(error)
        except DriverError as error:
            # Busy and Silent are the device's own; what else there is came from connecting
            if self._line is None or self._line.over:
                lost = SessionLost(
                    str(error), device=exchange.terms.device, hint=error.hint,
                    zh=error.zh, hint_zh=error.hint_zh,
                )  # fmt: skip
                exchange.fail(lost)
                self._end(lost)
            else:
                exchange.fail(error)
        except asyncio.CancelledError:
            exchange.fail(over(self._why_over or closed_by_us(), exchange.terms.device))
            raise

    async def _leave(self, *, last: bool) -> None:
        """Close the connection and wait until it is gone."""
        line, self._line = self._line, None
        try:
            if line is not None:
                line.close()
                await asyncio.shield(line.lost)
        finally:
            if last and not self.lost.done():
                self.lost.set_result(None)

    def _end(self, why: SessionLost) -> None:
        """Let nobody wait any more."""
        if self._why_over is None:
            self._why_over = why
            for other in self._waiting:
                other.fail(over(why, other.terms.device))
            self._waiting.clear()
