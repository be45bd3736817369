"""A TCP proxy that misbehaves on demand, to stand before any server: Modbus, OPC UA, MQTT.

Bytes are never changed, reordered or lost while a connection lives; they are late, held back,
slow, or the connection ends. A frozen direction still accepts connections and bytes until the
buffers of both sides are full, as a hung host does; what it held is delivered after the thaw.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from simulators.faults import Direction, LaneFaults

if TYPE_CHECKING:
    from collections.abc import Iterable

_CHUNK_BYTES = 65_536
_LANE_CHUNKS = 64
"""Chunks a lane keeps while they are late; then it stops reading and TCP holds the sender back."""
_DRIP_HZ = 20
"""Pieces per second in which a slow lane passes its bytes."""
_CONNECT_TIMEOUT_S = 5.0
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, zero seconds: closing sends RST."""


class TcpProxy:
    """A proxy that listens inside `async with`; every method acts at once."""

    def __init__(
        self, target_host: str, target_port: int, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        """Forward to the target; port 0 takes a free one and keeps it."""
        self.target = (target_host, target_port)
        self.host = host
        self.port = port
        self.accepted = 0
        """Connections accepted so far."""
        self._up = _LaneControl()
        self._down = _LaneControl()
        self._server: asyncio.Server | None = None
        self._pairs: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}

    async def __aenter__(self) -> Self:
        await self.accept()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.refuse()
        tasks = list(self._pairs)
        self.cut()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return len(self._pairs)

    def passed_bytes(self, direction: Direction) -> int:
        """Count the bytes delivered in a direction so far."""
        return sum(lane.passed_bytes for lane in self._lanes(direction))

    def delay(self, delay_s: float, *, direction: Direction = Direction.BOTH) -> None:
        """Make every byte arrive `delay_s` later."""
        for lane in self._lanes(direction):
            lane.faults.delay_s = delay_s

    def drip(self, bytes_per_s: float | None, *, direction: Direction = Direction.BOTH) -> None:
        """Let at most `bytes_per_s` pass; None lifts the limit."""
        if bytes_per_s is not None and bytes_per_s <= 0:
            raise ValueError(f"bytes_per_s must be above 0, not {bytes_per_s}; freeze() stops all")
        for lane in self._lanes(direction):
            lane.faults.bytes_per_s = bytes_per_s

    def freeze(self, *, direction: Direction = Direction.BOTH) -> None:
        """Forward nothing more, close nothing."""
        for lane in self._lanes(direction):
            lane.moving.clear()

    def thaw(self, *, direction: Direction = Direction.BOTH) -> None:
        """Forward again, beginning with what was held back."""
        for lane in self._lanes(direction):
            lane.moving.set()

    def cut(self) -> None:
        """Reset every open connection, on both sides (RST)."""
        for task, writers in list(self._pairs.items()):
            _reset(writers)
            task.cancel()

    def refuse(self) -> None:
        """Stop listening: new connections are refused, open ones live on."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def accept(self) -> None:
        """Listen, again on the same port.

        Raises:
            OSError: the port cannot be bound.
        """
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, self.host, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    def clear(self) -> None:
        """Take away delay, drip and freeze; `accept` is for refused connections."""
        self.delay(0)
        self.drip(None)
        self.thaw()

    def _lanes(self, direction: Direction) -> tuple[_LaneControl, ...]:
        if direction is Direction.UP:
            return (self._up,)
        return (self._down,) if direction is Direction.DOWN else (self._up, self._down)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either side resets it or both have closed."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("asyncio always serves a connection in a task")
        self.accepted += 1
        writers = self._pairs[task] = [writer]
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                far_reader, far_writer = await asyncio.open_connection(*self.target)
            writers.append(far_writer)
            async with asyncio.TaskGroup() as lanes:
                lanes.create_task(_carry(reader, far_writer, self._up))
                lanes.create_task(_carry(far_reader, writer, self._down))
        except* (OSError, asyncio.CancelledError):
            _reset(writers)  # the other side is gone or the proxy cut the link: neither may linger
        finally:
            del self._pairs[task]
            for each in writers:
                each.close()


class _LaneControl:
    """One direction of the proxy: its faults, and how much has passed."""

    def __init__(self) -> None:
        self.faults = LaneFaults()
        self.moving = asyncio.Event()
        self.moving.set()
        self.passed_bytes = 0

    async def deliver(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        """Write when the lane moves, at the pace it allows."""
        rest = memoryview(data)
        while rest:
            await self.moving.wait()
            pace = self.faults.bytes_per_s
            piece = rest if pace is None else rest[: max(1, round(pace / _DRIP_HZ))]
            writer.write(piece)
            await writer.drain()
            self.passed_bytes += len(piece)
            rest = rest[len(piece) :]
            if pace is not None:
                await asyncio.sleep(len(piece) / pace)


async def _carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lane: _LaneControl
) -> None:
    """Carry one direction of one connection until its end of stream has been passed on."""
    loop = asyncio.get_running_loop()
    late: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_LANE_CHUNKS)

    async def collect() -> None:
        data = b"?"
        while data:
            data = await reader.read(_CHUNK_BYTES)
            await late.put((loop.time(), data))

    async with asyncio.TaskGroup() as group:
        group.create_task(collect())
        while True:
            came_s, data = await late.get()
            await asyncio.sleep(max(0.0, came_s + lane.faults.delay_s - loop.time()))
            if not data:
                break
            await lane.deliver(writer, data)
        await lane.moving.wait()
        if not writer.is_closing():
            writer.write_eof()


def _reset(writers: Iterable[asyncio.StreamWriter]) -> None:
    """Abort connections so that the peer sees a reset, not an orderly end."""
    for writer in writers:
        sock = writer.get_extra_info("socket")
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        writer.transport.abort()
