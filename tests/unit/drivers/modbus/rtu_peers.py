"""RTU devices of our own behind a pty, a TCP port, a UDP port or dialling in, for the wire's tests.

Their check sum is written out bit by bit: nothing of the driver is used.
"""

from __future__ import annotations

import asyncio
import os
import struct
import time
import tty
from contextlib import suppress

from drivers.api import DataType, Tag
from drivers.modbus import DRIVER, ModbusConfig

REQUEST_BYTES = 8


def register(address, unit=1):
    """Give what a unit holds in a register; units and addresses differ."""
    return (address * 7 + 3 + 1000 * unit) & 0xFFFF


def crc(data):
    """Give the check sum, low byte first."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return struct.pack("<H", value)


def frame(body):
    """Append the check sum."""
    return body + crc(body)


def honest(request):
    """Answer a read of holding registers as a correct unit does."""
    unit, function, start, count = struct.unpack(">BBHH", request[:6])
    payload = b"".join(struct.pack(">H", register(start + at, unit)) for at in range(count))
    return frame(bytes([unit, function, len(payload)]) + payload)


class RtuPeer:
    """Answers requests by `answer(request)`: bytes, a list of chunks, or None for silence."""

    def __init__(self, answer=honest):
        self.answer = answer
        self.requests = []
        self.arrived_s = []
        self.asked = asyncio.Condition()
        self.send = None
        self._received = b""
        self._notices = set()

    def feed(self, data):
        """Take what the driver sent."""
        self._received += data
        while len(self._received) >= REQUEST_BYTES:
            request, self._received = (
                self._received[:REQUEST_BYTES],
                self._received[REQUEST_BYTES:],
            )
            assert frame(request[:-2]) == request
            self.requests.append(request)
            self.arrived_s.append(time.monotonic())
            answer = self.answer(request)
            for chunk in [answer] if isinstance(answer, bytes) else answer or ():
                self.send(chunk)
            self.notice()

    def notice(self):
        """Wake up whoever waits for something to happen here."""
        notice = asyncio.get_running_loop().create_task(self._notify())
        self._notices.add(notice)
        notice.add_done_callback(self._notices.discard)

    async def _notify(self):
        async with self.asked:
            self.asked.notify_all()

    async def until_asked(self, times):
        """Wait until so many requests arrived."""
        async with asyncio.timeout(5), self.asked:
            await self.asked.wait_for(lambda: len(self.requests) >= times)


class PtyPeer(RtuPeer):
    """An RTU bus behind a pseudo terminal."""

    def __init__(self):
        super().__init__()
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        self.path = os.ttyname(self.slave)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self.master, self._readable)
        self.send = lambda data: os.write(self.master, data)

    def _readable(self):
        with suppress(BlockingIOError):
            self.feed(os.read(self.master, 4096))

    def unplug(self):
        """Pull the adapter out."""
        if self.master >= 0:
            self._loop.remove_reader(self.master)
            os.close(self.slave)
            os.close(self.master)
            self.master = -1

    def config(self, **settings):
        return config(serial=self.path, **settings)


class TcpPeer(RtuPeer, asyncio.Protocol):
    """A serial server: the bytes of all its connections are one bus; answers go to the newest."""

    def __init__(self):
        RtuPeer.__init__(self)
        self.transports = []
        self.connections = 0
        self.left = 0
        self._server = None

    async def start(self):
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0)
        self.send = self._send_to_newest

    async def until_left(self):
        """Wait until every connection made so far has been closed by the driver."""
        async with asyncio.timeout(5), self.asked:
            await self.asked.wait_for(lambda: self.left == self.connections)

    def _send_to_newest(self, data):
        self.transports[-1].write(data)

    @property
    def port(self):
        return self._server.sockets[0].getsockname()[1]

    def config(self, **settings):
        return config(host="127.0.0.1", port=self.port, framing="rtu", **settings)

    async def stop(self):
        self._server.close()
        for transport in self.transports:
            transport.abort()
        async with asyncio.timeout(5):
            await self._server.wait_closed()


class Dtu(RtuPeer, asyncio.Protocol):
    """A DTU with RTU units behind it, that dials in and says its registration."""

    def __init__(self, *chunks):
        RtuPeer.__init__(self)
        self.chunks = chunks
        self.transport = None
        self.dropped = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        self.send = transport.write
        for chunk in self.chunks:
            transport.write(chunk)

    def data_received(self, data):
        self.feed(data)

    def connection_lost(self, exc):
        if not self.dropped.done():
            self.dropped.set_result(None)


class _Connection(asyncio.Protocol):
    def __init__(self, peer):
        self.peer = peer

    def connection_made(self, transport):
        self.peer.connections += 1
        self.peer.transports.append(transport)

    def data_received(self, data):
        self.peer.feed(data)

    def connection_lost(self, exc):
        self.peer.left += 1
        self.peer.notice()


def config(**settings):
    """Make a config whose patience suits a test."""
    return ModbusConfig(**{"driver": "modbus", "timeout_s": 2, "max_gap": 0} | settings)


def plan(made, *addresses):
    """Plan one register per address."""
    tags = [Tag(f"t{at}", address, DataType.UINT16) for at, address in enumerate(addresses)]
    return DRIVER.plan(made, tags, device=f"d{made.unit}", group="g1")


def values(addresses, unit=1):
    """Give what the plan of some addresses must read."""
    return tuple(register(int(each.partition(":")[2]), unit) for each in addresses)
