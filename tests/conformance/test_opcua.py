"""The OPC UA driver passes the whole battery, against a server of the asyncua library."""

import asyncio
from types import MappingProxyType

import pytest
import uvloop
from asyncua import ua
from unit.drivers.opcua.opcua_server import OpcuaPeer

from drivers.api import Access, DataType, Tag
from drivers.opcua import DRIVER, OpcuaConfig
from drivers.testing.conformance import SECRET, Conformance, TcpCase

SPEED = Tag("spindle.speed", "nsu=urn:chulian:test;s=Speed", DataType.FLOAT64)
COUNT = Tag("part.count", "nsu=urn:chulian:test;s=Count")
RUNNING = Tag("machine.running", "nsu=urn:chulian:test;s=Running", DataType.BOOL)
PROGRAM = Tag("program.name", "nsu=urn:chulian:test;s=Program", DataType.STRING)
SETPOINT = Tag(
    "spindle.setpoint",
    "nsu=urn:chulian:test;s=Setpoint",
    DataType.FLOAT32,
    access=Access.READ_WRITE,
)

VARIABLES = {
    "Speed": ua.Variant(1500.0, ua.VariantType.Double),
    "Count": ua.Variant(-70000, ua.VariantType.Int32),
    "Running": ua.Variant(True, ua.VariantType.Boolean),
    "Program": ua.Variant("O1234 主轴", ua.VariantType.String),
    "Setpoint": ua.Variant(800.0, ua.VariantType.Float),
}


class OpcuaCase(TcpCase):
    driver = DRIVER
    reference = "drivers.opcua:DRIVER"
    light_without = ("asyncua", "cryptography", "pymodbus", "paho")
    expected = MappingProxyType(
        {SPEED: 1500.0, COUNT: -70000, RUNNING: True, PROGRAM: "O1234 主轴", SETPOINT: 800.0}
    )
    change = (COUNT, -69999)
    array = (Tag("axis", "nsu=urn:chulian:test;s=Axes#[0:2]"), 3)
    malformed = (Tag("a", "Speed"), Tag("b", "ns=x;s=Speed"), Tag("c", "nsu=urn:a;g=12"))
    writable = (SETPOINT, 812.5)
    refused = Tag("axis.missing", "nsu=urn:chulian:test;s=Missing")
    secret_settings = MappingProxyType({"username": "op", "password": SECRET})
    timeout_s = 0.5
    open_timeout_s = 1.5
    silence_s = 0.9
    noisy = ("asyncua",)
    peer: OpcuaPeer

    def config_at(self, host, port):
        return OpcuaConfig(
            driver="opcua",
            url=f"opc.tcp://{host}:{port}/test",
            timeout_s=self.timeout_s,
            publish_interval_s=0.1,
            keepalive_s=0.3,
            alerts={},
        )

    def hostile_replies(self):
        hello = b"ACKF" + bytes.fromhex("1c000000 00000000 00000100 00000100 00000000 00000000")
        return (
            b"",
            b"\x00",
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            hello[:20],
            hello,
            hello + b"OPNF\xff\xff\xff\xff" + b"\x00" * 64,
            b"ERRF" + bytes.fromhex("10000000 00008080 ffffffff"),
            b"MSGF" + bytes.fromhex("18000000 01000000 01000000 01000000 01000000"),
            b"ACKF\x08\x00\x00\x00",
            b"\xff" * 100_000,
        )

    async def serve(self):
        for name, value in VARIABLES.items():
            await asyncio.to_thread(self.peer.write, name, value.Value)
        return "127.0.0.1", self.peer.port

    async def shutdown(self):
        """Leave the server running: the wire before it is what the driver knows."""

    async def set(self, tag, value):
        await asyncio.to_thread(self.peer.write, tag.address.rpartition("=")[2], value)


class UvloopCase(OpcuaCase):
    def new_loop(self):
        return uvloop.new_event_loop()


@pytest.fixture(scope="module", autouse=True)
def peer():
    """One server for all tests of this file; each test has a wire of its own before it."""
    OpcuaCase.peer = OpcuaPeer(VARIABLES, writable=("Setpoint",))
    OpcuaCase.peer.start()
    yield
    OpcuaCase.peer.stop()


class TestOpcua(Conformance):
    case = OpcuaCase()


class TestOpcuaUvloop(Conformance):
    case = UvloopCase()
