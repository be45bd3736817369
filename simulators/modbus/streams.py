"""The bus behind TCP: as a server (plain or TLS), or dialling in to a collector that listens.

A server keeps its port over a reboot. Guarantees that leaving the block leaves no socket and no
task behind.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Self, cast

from simulators.ports import require_free

if TYPE_CHECKING:
    import ssl

    from simulators.modbus.bus import Bus

REDIAL_S: Final = 1.0
"""How long a device usually waits before it dials in again."""
DIAL_TIMEOUT_S: Final = 5.0
"""Longest wait for a connection that it dials."""


class Connection(asyncio.Protocol):
    """One TCP connection to the bus; a `Conversation`."""

    def __init__(
        self, bus: Bus, *, greeting: bytes = b"", heartbeat: Heartbeat | None = None
    ) -> None:
        self._bus = bus
        self._greeting = greeting
        self._heartbeat = heartbeat
        self._loop = asyncio.get_running_loop()
        self.opened_s = self._loop.time()
        self.lost: asyncio.Future[None] = self._loop.create_future()
        """Done when the socket is closed."""
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._beat: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        """Whether anything can still be written."""
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket over, or close it where one client is all the device bears."""
        self._transport = cast("asyncio.Transport", transport)
        if self._bus.conversations and self._bus.temper.value("one-client") is not None:
            self._transport.abort()
            return
        self._bus.conversations.append(self)
        self.write(self._greeting)
        self._watch_idle()
        self._schedule_beat()

    def data_received(self, data: bytes) -> None:
        """Serve the requests in what arrived."""
        self._received += data
        self._watch_idle()
        self._bus.receive(self, self._received)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Leave the bus."""
        for handle in (self._idle, self._beat):
            if handle is not None:
                handle.cancel()
        if self in self._bus.conversations:
            self._bus.conversations.remove(self)
        if not self.lost.done():
            self.lost.set_result(None)

    def write(self, content: bytes) -> None:
        """Put bytes on the wire, unless it is closed."""
        if content and self._transport is not None and self.is_open:
            self._transport.write(content)

    def close(self) -> None:
        """Write what is still to be written, then close."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def _watch_idle(self) -> None:
        idle_s = self._bus.temper.value("idle-close")
        if self._idle is not None:
            self._idle.cancel()
        if idle_s is not None:
            self._idle = self._loop.call_later(float(idle_s), self.close)

    def _schedule_beat(self) -> None:
        if self._heartbeat is not None and self._heartbeat.every_s > 0:
            self._beat = self._loop.call_later(self._heartbeat.every_s, self._send_beat)

    def _send_beat(self) -> None:
        if self._heartbeat is not None and self.is_open:
            self.write(self._heartbeat.content)
            self._schedule_beat()


class Heartbeat:
    """What a DTU sends now and then."""

    def __init__(self, content: bytes, *, every_s: float) -> None:
        """Send `content` each `every_s` seconds; 0: never."""
        self.content = content
        self.every_s = every_s


class StreamServer:
    """The bus as a TCP server, inside `async with`; or by `start` and `stop` as often as needed."""

    def __init__(
        self,
        bus: Bus,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        heartbeat: Heartbeat | None = None,
    ) -> None:
        """Serve the bus; port 0 takes a free one and keeps it."""
        self.bus = bus
        self.host = host
        self.port = port
        self.accepted = 0
        """Connections accepted so far."""
        self._tls = tls
        self._heartbeat = heartbeat
        self._server: asyncio.Server | None = None
        self._open: set[Connection] = set()
        self._reboot: asyncio.Task[None] | None = None
        bus.on_reboot = self._reboot_soon

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._reboot is not None:
            self._reboot.cancel()
            await asyncio.gather(self._reboot, return_exceptions=True)
        await self.stop()

    async def start(self) -> None:
        """Listen; raises OSError when the port cannot be bound."""
        require_free(self.host, self.port)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._connection, self.host, self.port, ssl=self._tls
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the listener and every connection."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        lost = [connection.lost for connection in self._open]
        for connection in self._open:
            connection.abort()
        if lost:
            await asyncio.wait(lost, timeout=1)
        self._open.clear()
        await server.wait_closed()

    async def reboot(self, away_s: float) -> None:
        """Drop every connection, be away, come back on the same port."""
        await self.stop()
        await asyncio.sleep(away_s)
        await self.start()

    def _reboot_soon(self, away_s: float) -> None:
        if self._reboot is None or self._reboot.done():
            self._reboot = asyncio.get_running_loop().create_task(self.reboot(away_s))

    def _connection(self) -> Connection:
        self.accepted += 1
        connection = Connection(self.bus, heartbeat=self._heartbeat)
        self._open.add(connection)
        connection.lost.add_done_callback(lambda _: self._open.discard(connection))
        return connection


class Dialler:
    """The bus as a DTU: dials in, says who it is, and dials again whenever the line is lost."""

    def __init__(
        self,
        bus: Bus,
        host: str,
        port: int,
        *,
        registration: bytes = b"",
        heartbeat: Heartbeat | None = None,
        redial_s: float = REDIAL_S,
    ) -> None:
        """Dial host and port; `registration` is sent first on every connection."""
        self.bus = bus
        self.host = host
        self.port = port
        self.dialled = 0
        """Connections made so far."""
        self._registration = registration
        self._heartbeat = heartbeat
        self._redial_s = redial_s
        self._task: asyncio.Task[None] | None = None
        self._away_s = 0.0
        bus.on_reboot = self._hang_up

    async def __aenter__(self) -> Self:
        self._task = asyncio.get_running_loop().create_task(self._dial_for_ever())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _dial_for_ever(self) -> None:
        while True:
            try:
                async with asyncio.timeout(DIAL_TIMEOUT_S):
                    connection = await self._dial()
            except (OSError, TimeoutError):
                await asyncio.sleep(self._redial_s)
                continue
            self.dialled += 1
            try:
                await asyncio.shield(connection.lost)
            finally:
                connection.abort()
            away_s, self._away_s = self._away_s or self._redial_s, 0.0
            await asyncio.sleep(away_s)

    async def _dial(self) -> Connection:
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(self.bus, greeting=self._registration, heartbeat=self._heartbeat),
            self.host,
            self.port,
        )
        return connection

    def _hang_up(self, away_s: float) -> None:
        self._away_s = away_s
        for conversation in list(self.bus.conversations):
            conversation.close()
