"""Opens the line to a link, whatever carries it.

Guarantees that leaving the block leaves no socket or port behind (the port at which DTUs dial in
stays open a little, see `listen`). Never retries: the host does.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from drivers.modbus.wire.datagram import open_datagrams
from drivers.modbus.wire.listen import await_dtu
from drivers.modbus.wire.passing import PassingLine
from drivers.modbus.wire.port import open_port
from drivers.modbus.wire.stream import open_stream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from drivers.modbus.link import ModbusLink
    from drivers.modbus.terms import Terms
    from drivers.modbus.wire.counts import LineCounts
    from drivers.modbus.wire.exchange import Exchange
    from drivers.modbus.wire.framing import Request
    from drivers.modbus.wire.line import Line

CLOSE_TIMEOUT_S = 1.0
"""Longest wait for the loop to drop a socket that was aborted."""

_OPENERS = {
    "tcp": open_stream,
    "tls": open_stream,
    "udp": open_datagrams,
    "serial": open_port,
    "listen": await_dtu,
}


class OpenLine(Protocol):
    """What a session needs of a line."""

    @property
    def lost(self) -> asyncio.Future[None]:
        """Done when nothing of the line is left."""

    @property
    def counts(self) -> LineCounts:
        """What the link's lines met so far."""

    def start(self, requests: Sequence[Request], terms: Terms) -> Exchange:
        """Queue the requests of a read; raises SessionLost when the line is over."""

    def withdraw(self, exchange: Exchange) -> None:
        """Forget a read that nobody waits for."""

    def close(self) -> None:
        """Close the line at once; whoever waits for an answer gets SessionLost."""


@asynccontextmanager
async def open_line(link: ModbusLink) -> AsyncIterator[OpenLine]:
    """Give the line of a link.

    Raises:
        ConnectError: the link is not there.
        AccessError: it is, and refuses us.
    """
    first = await _OPENERS[link.carrier](link)
    line: OpenLine = PassingLine(link, first, _again) if link.close_after_poll else first
    try:
        yield line
    finally:
        line.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await asyncio.shield(line.lost)


async def _again(link: ModbusLink) -> Line:
    """Open one more line of a link."""
    return await _OPENERS[link.carrier](link)
