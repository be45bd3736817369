"""The bus behind UDP: one request a datagram, one answer a datagram."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self, cast

if TYPE_CHECKING:
    from simulators.modbus.bus import Bus


class _Peer:
    """Whoever sent a datagram; a `Conversation` that is always open."""

    def __init__(self, transport: asyncio.DatagramTransport, address: Any) -> None:
        self._transport = transport
        self._address = address
        self.opened_s = 0.0

    @property
    def is_open(self) -> bool:
        return not self._transport.is_closing()

    def write(self, content: bytes) -> None:
        """Send one datagram; what no datagram can hold is cut."""
        self._transport.sendto(content[:_MAX_DATAGRAM_BYTES], self._address)

    def close(self) -> None:
        """Nothing: there is no connection."""


_MAX_DATAGRAM_BYTES = 65_507


class DatagramServer(asyncio.DatagramProtocol):
    """The bus as a UDP server, inside `async with`."""

    def __init__(self, bus: Bus, *, host: str = "127.0.0.1", port: int = 0) -> None:
        """Serve the bus; port 0 takes a free one."""
        self.bus = bus
        self.host = host
        self.port = port
        self._transport: asyncio.DatagramTransport | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(self.host, self.port))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._transport is not None:
            self._transport.close()
            await asyncio.sleep(0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket over."""
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Serve the requests of a datagram; what is left over is lost."""
        if self._transport is None:
            return
        peer = _Peer(self._transport, addr)
        self.bus.conversations = [peer]
        self.bus.receive(peer, bytearray(data))
