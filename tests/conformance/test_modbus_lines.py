"""The Modbus driver passes the battery on RTU too: through a serial server, a port, and a DTU."""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
import tty
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from conformance.test_modbus import FUNCTIONS, ModbusCase, device
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer

from drivers.modbus import ModbusConfig
from drivers.modbus.wire.listen import close_listeners
from drivers.testing.case import Case
from drivers.testing.conformance import Conformance

GOOD = bytes.fromhex("01 03 02 05dc bb4d")


class SerialServerCase(ModbusCase):
    """RTU over TCP; after a silence the next session clears what is owed."""

    def config_at(self, host, port):
        return ModbusConfig(
            driver="modbus",
            host=host,
            port=port,
            framing="rtu",
            timeout_s=self.timeout_s,
            connect_timeout_s=self.timeout_s,
        )

    def hostile_replies(self):
        return (
            b"",
            b"\0",
            GOOD[:-1] + b"\0",
            GOOD * 2,
            GOOD[:1] + b"\x04" + GOOD[2:],
            b"\xff" * 300,
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            b"\0" * 1_000_000,
        )

    async def serve(self):
        self.server = ModbusTcpServer(device(), framer=FramerType.RTU, address=("127.0.0.1", 0))
        await self.server.serve_forever(background=True)
        return self.server.transport.sockets[0].getsockname()


class Bridge(asyncio.Protocol):
    """Carries bytes between a real RTU server and whatever the driver is on; may hold them."""

    def __init__(self):
        self.frozen = False
        self.held = []
        self.server = None
        self.to_driver = None

    async def start(self, host, port):
        self.server, _ = await asyncio.get_running_loop().create_connection(
            lambda: self, host, port
        )

    def data_received(self, data):
        self._pass(lambda: self.to_driver and self.to_driver(data))

    def from_driver(self, data):
        self._pass(lambda: self.server.write(data))

    def _pass(self, deliver):
        if self.frozen:
            self.held.append(deliver)
        else:
            deliver()

    def thaw(self):
        self.frozen = False
        held, self.held = self.held, []
        for deliver in held:
            deliver()

    def stop(self):
        if self.server is not None:
            self.server.abort()


class LineCase(Case):
    """What a port and a DTU have in common: a bridge to a real server, one session at a time."""

    driver = ModbusCase.driver
    reference = ModbusCase.reference
    light_without = (*ModbusCase.light_without, "serial", "serial_asyncio_fast")
    expected = MappingProxyType(dict(ModbusCase.expected))
    change = ModbusCase.change
    malformed = ModbusCase.malformed
    refused = ModbusCase.refused
    writable = ModbusCase.writable
    timeout_s = 0.3
    noisy = ModbusCase.noisy
    exclusive = True

    def __init__(self):
        self.server = None
        self.bridge = None

    async def start(self):
        self.server = ModbusTcpServer(device(), framer=FramerType.RTU, address=("127.0.0.1", 0))
        await self.server.serve_forever(background=True)
        self.bridge = Bridge()
        await self.bridge.start(*self.server.transport.sockets[0].getsockname())
        return self.config(**await self.lay())

    def config(self, **place):
        return ModbusConfig(
            driver="modbus",
            timeout_s=self.timeout_s,
            connect_timeout_s=self.timeout_s,
            **place,
        )

    async def stop(self):
        await self.tear()
        if self.server is not None:
            self.bridge.stop()
            await self.server.shutdown()
            self.server = None

    async def freeze(self):
        self.bridge.frozen = True

    async def thaw(self):
        self.bridge.thaw()

    async def set(self, tag, value):
        table, _, place = tag.address.partition(":")
        await self.server.async_setValues(1, FUNCTIONS[table], int(place), [value])


class PortCase(LineCase):
    """A serial port: a pty behind a name that stays when it is plugged in anew."""

    folder = None
    master = -1

    async def lay(self):
        self.folder = tempfile.TemporaryDirectory()
        self.name = Path(self.folder.name, "ttyUSB0")
        self.plug()
        return {"serial": str(self.name), "baud": 115200}

    def plug(self):
        self.master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(self.master, False)
        self.name.unlink(missing_ok=True)
        self.name.symlink_to(os.ttyname(slave))
        self.slave = slave
        asyncio.get_running_loop().add_reader(self.master, self.readable)
        self.bridge.to_driver = lambda data: os.write(self.master, data)

    def readable(self):
        with suppress(OSError):
            self.bridge.from_driver(os.read(self.master, 4096))

    def unplug(self):
        if self.master >= 0:
            asyncio.get_running_loop().remove_reader(self.master)
            os.close(self.slave)
            os.close(self.master)
            self.master = -1
            self.bridge.to_driver = None

    async def drop(self):
        self.unplug()
        self.plug()

    async def tear(self):
        if self.folder is not None:
            self.unplug()
            self.folder.cleanup()
            self.folder = None


class DtuCase(LineCase):
    """A DTU: dials in, says who it is, and dials again when it is cut off."""

    dialling = None
    transport = None
    open_timeout_s = 0.6

    def config(self, **place):
        return super().config(**place).model_copy(update={"connect_timeout_s": 0.6})

    async def lay(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.dialling = asyncio.create_task(self.dial(), name="DTU")
        return {"listen": f"127.0.0.1:{self.port}", "registration": "DTU-1"}

    async def dial(self):
        loop = asyncio.get_running_loop()
        while True:
            gone = loop.create_future()
            with suppress(OSError):
                self.transport, _ = await loop.create_connection(
                    lambda gone=gone: Dialled(self.bridge, gone), "127.0.0.1", self.port
                )
                await gone
            await asyncio.sleep(0.002)

    async def drop(self):
        if self.transport is not None:
            self.transport.abort()

    async def tear(self):
        if self.dialling is not None:
            self.dialling.cancel()
            await asyncio.wait({self.dialling})
            self.dialling = None
        await self.drop()
        close_listeners()


class Dialled(asyncio.Protocol):
    """The DTU's end of its connection to the agent."""

    def __init__(self, bridge, gone):
        self.bridge = bridge
        self.gone = gone

    def connection_made(self, transport):
        transport.write(b"DTU-1")
        self.bridge.to_driver = transport.write

    def data_received(self, data):
        self.bridge.from_driver(data)

    def connection_lost(self, exc):
        if not self.gone.done():
            self.gone.set_result(None)


class TestSerialServer(Conformance):
    case = SerialServerCase()


class TestPort(Conformance):
    case = PortCase()


class TestDtu(Conformance):
    case = DtuCase()
