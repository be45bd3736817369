"""A wire tap before a Modbus TCP server: passes every byte on, notes every question and answer.

What the server held is then known to the word and to the moment, from the wire itself.
"""

from __future__ import annotations

import asyncio
import struct
import time
from dataclasses import dataclass

TABLES = {1: "co", 2: "di", 3: "hr", 4: "ir"}
"""Function code of a read -> table."""


@dataclass
class Exchange:
    """One read: what was asked, what was answered, and when, by the tap's clock."""

    table: str
    start: int
    count: int
    asked_ms: float
    answered_ms: float = 0.0
    cells: tuple = ()
    """Registers as 16-bit words, coils and inputs as booleans."""

    @property
    def key(self):
        """What names the question."""
        return self.table, self.start, self.count


class ModbusTap:
    """`async with ModbusTap(port) as tap:` stands before the server until the block is left."""

    def __init__(self, target_port):
        self.port = 0
        self.exchanges = []
        """Every read that was answered, in order."""
        self.refusals = 0
        self._target_port = target_port
        self._asked = {}
        self._server = None
        self._carriers = set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for carrier in self._carriers:
            carrier.cancel()
        await asyncio.gather(*self._carriers, return_exceptions=True)

    async def _serve(self, reader, writer):
        self._carriers.add(asyncio.current_task())
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(_carry(reader, far_writer, self._question))
                ways.create_task(_carry(far_reader, writer, self._answer))
        except* (OSError, EOFError):
            pass  # either side has gone, and so has the connection
        finally:
            writer.close()
            far_writer.close()

    def _question(self, frame):
        transaction, function = struct.unpack_from(">H5xB", frame)
        if function in TABLES:
            start, count = struct.unpack_from(">HH", frame, 8)
            self._asked[transaction] = Exchange(TABLES[function], start, count, _now_ms())

    def _answer(self, frame):
        transaction, function = struct.unpack_from(">H5xB", frame)
        exchange = self._asked.pop(transaction, None)
        if exchange is None:
            return
        if function not in TABLES:
            self.refusals += 1
            return
        exchange.answered_ms = _now_ms()
        data = frame[9:]
        if exchange.table in {"hr", "ir"}:
            exchange.cells = struct.unpack(f">{exchange.count}H", data)
        else:
            bits = int.from_bytes(data, "little")
            exchange.cells = tuple(bool(bits >> at & 1) for at in range(exchange.count))
        self.exchanges.append(exchange)


async def _carry(reader, writer, note):
    """Pass on whole frames, each noted before the other side can have it."""
    while True:
        head = await reader.readexactly(6)
        frame = head + await reader.readexactly(int.from_bytes(head[4:], "big"))
        note(frame)
        writer.write(frame)
        await writer.drain()


def _now_ms():
    return time.time_ns() / 1e6
