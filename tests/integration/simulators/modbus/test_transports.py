"""Every transport is read by clients nobody here wrote, and holds the known pattern."""

import asyncio
import ssl
from contextlib import asynccontextmanager

import pytest
from pymodbus import FramerType
from pymodbus.client import (
    AsyncModbusSerialClient,
    AsyncModbusTcpClient,
    AsyncModbusTlsClient,
    AsyncModbusUdpClient,
)

from simulators.modbus.certificates import server_context
from simulators.modbus.datagrams import DatagramServer
from simulators.modbus.framing import framing_of
from simulators.modbus.patterns import expected
from simulators.modbus.serial_line import SerialLine
from simulators.modbus.streams import Dialler, Heartbeat, StreamServer

TRANSPORTS = ["tcp", "udp", "tls", "rtu-tcp", "ascii-tcp", "rtu", "ascii"]


@asynccontextmanager
async def opened(make_bus, transport, tmp_path, **settings):
    """Serve two units on a transport and give a client of pymodbus for it."""
    framing = transport.removesuffix("-tcp") if transport not in {"udp", "tls"} else "tcp"
    bus = make_bus(1, 17, framing=framing, **settings)
    if transport in {"rtu", "ascii"}:
        async with SerialLine(bus) as line:
            framer = FramerType.RTU if transport == "rtu" else FramerType.ASCII
            yield AsyncModbusSerialClient(line.port, framer=framer, timeout=5, retries=0), bus
        return
    if transport == "udp":
        async with DatagramServer(bus) as server:
            yield AsyncModbusUdpClient("127.0.0.1", port=server.port, timeout=5, retries=0), bus
        return
    tls = server_context(tmp_path) if transport == "tls" else None
    async with StreamServer(bus, tls=tls) as server:
        if tls is not None:
            context = ssl.create_default_context(cafile=tmp_path / "ca.pem")
            yield AsyncModbusTlsClient("127.0.0.1", port=server.port, sslctx=context), bus
            return
        framer = {"rtu-tcp": FramerType.RTU, "ascii-tcp": FramerType.ASCII}.get(
            transport, FramerType.SOCKET
        )
        yield AsyncModbusTcpClient("127.0.0.1", port=server.port, framer=framer, timeout=5), bus


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_pymodbus_reads_every_transport(make_bus, transport, tmp_path):
    """All four tables, two units, a refusal and the identity come through as they are."""
    async with opened(make_bus, transport, tmp_path, identity={0: "甲", 1: "B"}) as (client, bus):
        assert await client.connect()
        try:
            for unit in (1, 17):
                read = await client.read_holding_registers(40, count=60, device_id=unit)
                assert read.registers == [expected(unit, "hr", 40 + at) for at in range(60)]
                read = await client.read_input_registers(7, count=1, device_id=unit)
                assert read.registers == [expected(unit, "ir", 7)]
                read = await client.read_coils(5, count=20, device_id=unit)
                assert read.bits[:20] == [bool(expected(unit, "co", 5 + at)) for at in range(20)]
                read = await client.read_discrete_inputs(9, count=3, device_id=unit)
                assert read.bits[:3] == [bool(expected(unit, "di", 9 + at)) for at in range(3)]
            refused = await client.read_holding_registers(65_530, count=10, device_id=1)
            assert refused.exception_code == 2
            if transport != "tls":  # pymodbus has no MBAP length there to end the answer by
                told = await client.read_device_information(device_id=17)
                assert told.information == {0: "甲".encode(), 1: b"B"}
            assert bus.asked.total() == bus.answered.total()
            assert bus.junk_bytes == 0
        finally:
            client.close()


async def test_writes_of_pymodbus(make_bus, tmp_path):
    """What pymodbus writes, it reads back; the rest keeps its pattern."""
    async with opened(make_bus, "tcp", tmp_path, writable=True) as (client, _):
        assert await client.connect()
        try:
            await client.write_registers(100, [1, 2, 3], device_id=1)
            await client.write_coil(8, value=True, device_id=1)
            read = await client.read_holding_registers(99, count=5, device_id=1)
            assert read.registers == [expected(1, "hr", 99), 1, 2, 3, expected(1, "hr", 103)]
            assert (await client.read_coils(8, count=1, device_id=1)).bits[0]
        finally:
            client.close()


async def test_dialling_in(make_bus):
    """A DTU registers first, beats, answers RTU, and dials again after the line was lost."""
    bus = make_bus(3, framing="rtu")
    rtu, calls = framing_of("rtu"), asyncio.Queue()
    server = await asyncio.start_server(lambda *ends: calls.put_nowait(ends), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    beat = Heartbeat(b"\xfe\xfe", every_s=0.05)
    async with Dialler(
        bus, "127.0.0.1", port, registration=b"DTU-7", heartbeat=beat, redial_s=0.05
    ):
        for _ in range(2):
            async with asyncio.timeout(5):
                reader, writer = await calls.get()
                assert await reader.readexactly(7) == b"DTU-7\xfe\xfe"
                writer.write(rtu.wrap(3, bytes.fromhex("0300050001"), transaction=0))
                pdu = b"\x03\x02" + expected(3, "hr", 5).to_bytes(2, "big")
                answer = rtu.wrap(3, pdu, transaction=0)
                seen = b""
                while not seen.endswith(answer):
                    seen += await reader.read(1)
                assert set(seen.removesuffix(answer)) <= {0xFE}
            writer.close()
            await writer.wait_closed()
    server.close()
    await server.wait_closed()


async def test_a_certificate_is_made_once(tmp_path):
    """The directory keeps its authority; keys are readable by their owner only."""
    server_context(tmp_path)
    before = (tmp_path / "ca.pem").read_bytes()
    server_context(tmp_path)
    assert (tmp_path / "ca.pem").read_bytes() == before
    assert (tmp_path / "server.key").stat().st_mode & 0o777 == 0o600
