"""The Modbus server, read by pymodbus's client."""

import socket

import pytest
from pymodbus.client import AsyncModbusTcpClient

from simulators.counting import CountingMap
from simulators.modbus_server import ModbusServer
from simulators.points import METER_POINTS, PRESS_POINTS
from simulators.registers import RegisterBank


@pytest.fixture
async def press():
    bank = RegisterBank(PRESS_POINTS)
    bank.set("machine.state", 2)
    bank.set("pressure.hydraulic", 16.5)
    bank.set("temperature.oil", -12)
    bank.set("program.name", "P07-BUSHING")
    bank.set("pump.contactor", raw=True)
    return bank


@pytest.fixture
async def server(press):
    async with ModbusServer({1: press, 2: RegisterBank(METER_POINTS)}) as running:
        yield running


@pytest.fixture
async def client(server):
    connection = AsyncModbusTcpClient("127.0.0.1", port=server.port, retries=0, timeout=2)
    assert await connection.connect()
    yield connection
    connection.close()


async def exception_code(answer):
    reply = await answer
    assert reply.isError()
    return reply.exception_code


async def test_values_as_set(client):
    """A foreign client reads what the bank holds, in every table and type."""
    words = (await client.read_holding_registers(0, count=17, device_id=1)).registers
    assert words[0] == 2
    assert client.convert_from_registers(words[10:12], client.DATATYPE.FLOAT32) == 16.5
    assert client.convert_from_registers(words[12:13], client.DATATYPE.INT16) == -12
    text = (await client.read_holding_registers(20, count=8, device_id=1)).registers
    assert client.convert_from_registers(text, client.DATATYPE.STRING) == "P07-BUSHING"
    assert (await client.read_coils(0, count=1, device_id=1)).bits[0] is True
    assert (await client.read_discrete_inputs(0, count=1, device_id=1)).bits[0] is False


async def test_change_is_seen_at_once(client, press):
    """What is set between two requests is in the second answer."""
    for value in (3, 4, 5):
        press.set("machine.state", value)
        assert (await client.read_holding_registers(0, count=1, device_id=1)).registers == [value]


@pytest.mark.parametrize(("address", "count"), [(16, 2), (17, 1), (28, 1), (60_000, 1)])
async def test_missing_registers_are_refused(client, address, count):
    """What does not exist is exception 2, also as part of a block."""
    answer = client.read_holding_registers(address, count=count, device_id=1)
    assert await exception_code(answer) == 2


async def test_empty_table_is_refused(client):
    """A table without any point is exception 2."""
    assert await exception_code(client.read_input_registers(0, count=1, device_id=1)) == 2
    assert await exception_code(client.read_coils(0, count=1, device_id=2)) == 2


async def test_unknown_unit_is_refused(client):
    """A unit that does not exist is exception 11, as at a serial gateway."""
    assert await exception_code(client.read_holding_registers(0, count=1, device_id=77)) == 11


async def test_nothing_can_be_written(client, press):
    """A write is exception 1 and changes nothing."""
    assert await exception_code(client.write_register(0, 9, device_id=1)) == 1
    assert await exception_code(client.write_registers(0, [9, 9], device_id=1)) == 1
    assert await exception_code(client.write_coil(0, value=False, device_id=1)) == 1
    assert press.read("hr", 0, 1) == [2]
    assert press.read("co", 0, 1) == [1]


async def test_failing_unit(client, server):
    """A failing unit answers exception 4, the others go on, and it recovers."""
    server.failing = {1}
    assert await exception_code(client.read_holding_registers(0, count=1, device_id=1)) == 4
    assert not (await client.read_input_registers(0, count=2, device_id=2)).isError()
    server.failing = set()
    assert not (await client.read_holding_registers(0, count=1, device_id=1)).isError()


async def test_it_says_that_it_is_a_simulator(client):
    """Its device identification names a simulator."""
    identity = await client.read_device_information(device_id=1)
    assert identity.information[0] == b"Chulian simulator"


async def test_restart_on_the_same_port(server, client):
    """Stopped it refuses, started again it serves on the port it had."""
    port = server.port
    await server.stop()
    client.close()
    assert not await client.connect()
    await server.start()
    assert server.port == port
    assert await client.connect()
    assert not (await client.read_holding_registers(0, count=1, device_id=1)).isError()


async def test_taken_port_is_named(press):
    """A port in use is an OSError that names it."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OSError, match=str(port)):
            await ModbusServer({1: press}, port=port).start()


async def test_counting_map_over_the_wire():
    """All registers of an answer are of one generation, even if it changes at every look."""
    now_s = [0.0]

    def clock():
        now_s[0] += 0.05
        return now_s[0]

    bank = CountingMap(500, interval_s=0.1, clock=clock)
    generations = []
    async with (
        ModbusServer({1: bank}) as server,
        AsyncModbusTcpClient("127.0.0.1", port=server.port) as client,
    ):
        for start in (0, 125, 250, 375):
            words = (await client.read_holding_registers(start, count=125, device_id=1)).registers
            seen = {(word - start - n) % 65_536 for n, word in enumerate(words)}
            assert len(seen) == 1
            generations += seen
    assert generations == sorted(generations)
    assert generations[-1] > generations[0]
