"""The Modbus driver passes the whole battery, against pymodbus's server."""

from types import MappingProxyType

import uvloop
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType as Kind
from pymodbus.simulator import SimData, SimDevice

from drivers.api import Access, DataType, Tag
from drivers.modbus import DRIVER, ModbusConfig
from drivers.testing.conformance import Conformance, TcpCase

SPEED = Tag("spindle.speed", "hr:10", DataType.UINT16, access=Access.READ_WRITE)
LOAD = Tag("spindle.load", "hr:11@CDAB", DataType.FLOAT32)
COUNT = Tag("part.count", "40101", DataType.INT32)
LIMIT = Tag("axis.limit", "ir:7.2", DataType.BIT)
DOOR = Tag("door.closed", "di:5", DataType.BOOL)
COOLANT = Tag("coolant.on", "co:3", DataType.BOOL)
PROGRAM = Tag("program.name", "hr:20/4", DataType.STRING)

FUNCTIONS = {"co": 1, "di": 2, "hr": 3, "ir": 4}


def device():
    """Make unit 1 with the values of the case; every other address is refused."""
    return SimDevice(
        id=1,
        simdata=(
            [SimData(0, values=[False, False, False, True] + [False] * 12, datatype=Kind.BITS)],
            [SimData(0, values=[False] * 5 + [True] + [False] * 10, datatype=Kind.BITS)],
            [
                SimData(10, values=1500, datatype=Kind.UINT16),
                SimData(11, values=[0x0000, 0x4248], datatype=Kind.REGISTERS),
                SimData(20, values="O1234567", datatype=Kind.STRING),
                SimData(100, values=-70000, datatype=Kind.INT32),
            ],
            [SimData(7, values=0b100, datatype=Kind.REGISTERS)],
        ),
    )


class ModbusCase(TcpCase):
    driver = DRIVER
    reference = "drivers.modbus:DRIVER"
    light_without = ("pymodbus", "asyncua", "paho")
    expected = MappingProxyType(
        {
            SPEED: 1500,
            LOAD: 50.0,
            COUNT: -70000,
            LIMIT: True,
            DOOR: True,
            COOLANT: True,
            PROGRAM: "O1234567",
        }
    )
    change = (SPEED, 1501)
    writable = (SPEED, 1777)
    malformed = (
        Tag("a", "register 5", DataType.UINT16),
        Tag("b", "hr:65535", DataType.INT32),
        Tag("c", "hr:5"),
    )
    refused = Tag("axis.missing", "hr:500", DataType.UINT16)
    timeout_s = 0.3
    noisy = ("pymodbus",)
    server = None

    def config_at(self, host, port):
        return ModbusConfig(
            driver="modbus",
            host=host,
            port=port,
            timeout_s=self.timeout_s,
            connect_timeout_s=self.timeout_s,
        )

    def hostile_replies(self):
        good = bytes.fromhex("0001 0000 0005 01 03 02 05dc")
        return (
            b"",
            b"\0",
            good,
            good[:-1],
            good * 2,
            good[:7] + b"\x04" + good[8:],
            good[:5] + b"\xff" + good[6:],
            b"\0" * 260,
            b"\xff" * 300,
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            bytes.fromhex("01 03 02 05dc ba89"),
            b"\0" * 1_000_000,
        )

    async def serve(self):
        self.server = ModbusTcpServer(device(), address=("127.0.0.1", 0))
        await self.server.serve_forever(background=True)
        return self.server.transport.sockets[0].getsockname()

    async def shutdown(self):
        if self.server is not None:
            await self.server.shutdown()
            self.server = None

    async def set(self, tag, value):
        table, _, place = tag.address.partition(":")
        await self.server.async_setValues(1, FUNCTIONS[table], int(place), [value])


class UvloopModbusCase(ModbusCase):
    def new_loop(self):
        return uvloop.new_event_loop()


class TestModbus(Conformance):
    case = ModbusCase()


class TestModbusOnUvloop(Conformance):
    case = UvloopModbusCase()
