"""A Modbus TCP peer of our own on a real socket, honest until a test tells it otherwise."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest
import uvloop
from unit.drivers.modbus.rtu_peers import Dtu

from drivers.api import DataType, Tag
from drivers.modbus import DRIVER, ModbusConfig
from drivers.modbus.wire.listen import close_listeners


def register(address):
    """Give what the honest peer holds in a register; no two of the first thousands are equal."""
    return (address * 7 + 3) & 0xFFFF


def coil(address):
    """Give what the honest peer holds in a coil."""
    return address % 3 == 0


def honest(request):
    """Answer a read request as a correct device does."""
    transaction, _, _, unit, function, start, count = struct.unpack(">HHHBBHH", request)
    if function in {1, 2}:
        bits = sum(coil(start + at) << at for at in range(count))
        payload = bits.to_bytes((count + 7) // 8, "little")
    else:
        payload = b"".join(struct.pack(">H", register(start + at)) for at in range(count))
    return adu(transaction, unit, bytes([function, len(payload)]) + payload)


def adu(transaction, unit, pdu):
    """Put a PDU into a frame."""
    return struct.pack(">HHHB", transaction, 0, 1 + len(pdu), unit) + pdu


class Peer:
    """A server whose answer to every request is `answer(request)`: bytes, chunks, None or CUT."""

    CUT = object()
    """An answer that closes the connection instead."""

    def __init__(self):
        self.answer = honest
        self.requests = []
        self.connections = 0
        self.asked = asyncio.Condition()
        self.writers = []
        self._server = None

    async def start(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    @property
    def port(self):
        return self._server.sockets[0].getsockname()[1]

    def config(self, **settings):
        return ModbusConfig(
            **{"driver": "modbus", "host": "127.0.0.1", "port": self.port, "timeout_s": 5}
            | settings
        )

    def open(self):
        return DRIVER.open(DRIVER.link(self.config()))

    def plan(self, *addresses, data_type=DataType.UINT16, **settings):
        tags = [Tag(f"t{at}", address, data_type) for at, address in enumerate(addresses)]
        config = self.config(**{"max_gap": 0} | settings)  # a test says itself what is read along
        return DRIVER.plan(config, tags, device="d1", group="g1")

    async def until_asked(self, times):
        """Wait until so many requests arrived."""
        async with asyncio.timeout(5), self.asked:
            await self.asked.wait_for(lambda: len(self.requests) >= times)

    async def _serve(self, reader, writer):
        self.connections += 1
        self.writers.append(writer)
        try:
            while True:
                head = await reader.readexactly(6)
                request = head + await reader.readexactly(int.from_bytes(head[4:6], "big"))
                self.requests.append(request)
                async with self.asked:
                    self.asked.notify_all()
                answer = self.answer(request)
                if answer is self.CUT:
                    break
                for chunk in [answer] if isinstance(answer, bytes) else answer or ():
                    writer.write(chunk)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def stop(self):
        self._server.close()
        for writer in self.writers:
            writer.close()
        async with asyncio.timeout(5):
            await self._server.wait_closed()


def pytest_asyncio_loop_factories():
    """Run every test of this folder that needs a loop on both kinds of loop."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def peer():
    """Give a running peer."""
    server = Peer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def wire_format():
    """Give the functions that write frames, for tests that invent answers."""

    class Format:
        frame = staticmethod(adu)
        answer = staticmethod(honest)
        register = staticmethod(register)
        coil = staticmethod(coil)

    return Format


@pytest.fixture
async def port():
    """Give a free port, and leave no listener behind."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    yield free
    close_listeners()


@pytest.fixture
async def dial(port):
    """Give a function that lets a DTU dial in as soon as somebody listens."""
    made = []

    async def call(*chunks):
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(5):
            while True:
                try:
                    _, dtu = await loop.create_connection(lambda: Dtu(*chunks), "127.0.0.1", port)
                except ConnectionRefusedError:
                    await asyncio.sleep(0.01)  # a DTU dials again and again
                    continue
                made.append(dtu)
                return dtu

    yield call
    for dtu in made:
        dtu.transport.abort()
