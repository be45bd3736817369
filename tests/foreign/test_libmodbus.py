"""The driver against a server nobody here wrote: libmodbus, in C (tests/peers/libmodbus)."""

from __future__ import annotations

import asyncio
import os
import struct
import tty
from contextlib import ExitStack

import pytest
from pymodbus.client import AsyncModbusTcpClient

from drivers.api import DataType, Quality, Tag
from drivers.modbus import DRIVER, ModbusConfig

pytestmark = pytest.mark.foreign

COUNT = 2500
PATTERN = {
    "hr": lambda at, generation=0: (at + generation) % 65536,
    "ir": lambda at, generation=0: 65535 - (at + generation) % 65536,
    "co": lambda at, generation=0: (at + generation) % 3 == 0,
    "di": lambda at, generation=0: (at + generation) % 2 == 0,
}
"""What the server says it holds; see its own words at the head of server.c."""

CODES = {
    DataType.INT16: ">h",
    DataType.UINT16: ">H",
    DataType.INT32: ">i",
    DataType.UINT32: ">I",
    DataType.FLOAT32: ">f",
    DataType.INT64: ">q",
    DataType.UINT64: ">Q",
    DataType.FLOAT64: ">d",
}
LETTERS = {
    2: {"ABCD": "AB", "CDAB": "AB", "BADC": "BA", "DCBA": "BA"},
    4: {"ABCD": "ABCD", "CDAB": "CDAB", "BADC": "BADC", "DCBA": "DCBA"},
    8: {"ABCD": "ABCDEFGH", "CDAB": "GHEFCDAB", "BADC": "BADCFEHG", "DCBA": "HGFEDCBA"},
}
SAMPLES = {
    DataType.INT16: -12345,
    DataType.UINT16: 54321,
    DataType.INT32: -123456789,
    DataType.UINT32: 3123456789,
    DataType.FLOAT32: -1234.5,
    DataType.INT64: -1234567890123456789,
    DataType.UINT64: 12345678901234567890,
    DataType.FLOAT64: 3.141592653589793,
}


@pytest.fixture
def serve(libmodbus):
    """Give a function that starts a server and tells the config that reaches it."""
    with ExitStack() as running:

        def start(*, period_ms=None):
            port = running.enter_context(libmodbus(count=COUNT, period_ms=period_ms))
            return ModbusConfig(driver="modbus", host="127.0.0.1", port=port, timeout_s=5)

        yield start


@pytest.fixture
async def cable():
    """Give the two ends of a serial cable: ptys whose bytes are passed on as they come."""
    loop = asyncio.get_running_loop()
    ends = [os.openpty() for _ in range(2)]
    for _, slave in ends:
        tty.setraw(slave)
    for (here, _), (there, _) in (ends, ends[::-1]):
        os.set_blocking(here, False)
        loop.add_reader(here, lambda here=here, there=there: os.write(there, os.read(here, 4096)))
    yield [os.ttyname(slave) for _, slave in ends]
    for master, slave in ends:
        loop.remove_reader(master)
        os.close(master)
        os.close(slave)


def on_the_wire(data_type, order, value):
    """Give the registers that hold a value in an order, worked out letter by letter."""
    big = struct.pack(CODES[data_type], value)
    raw = bytes(big["ABCDEFGH".index(letter)] for letter in LETTERS[len(big)][order])
    return list(struct.unpack(f">{len(raw) // 2}H", raw))


async def read(config, tags):
    """Read tags once."""
    plan = DRIVER.plan(config, tags, device="plc", group="all")
    async with DRIVER.open(DRIVER.link(config)) as session:
        return await session.read(plan)


@pytest.mark.parametrize("table", sorted(PATTERN))
async def test_whole_tables(serve, table):
    """Every address of every table is read as the server holds it, over many requests."""
    data_type = DataType.UINT16 if table in {"hr", "ir"} else DataType.BOOL
    tags = [Tag(f"t{at}", f"{table}:{at}", data_type) for at in range(COUNT)]
    frame = await read(serve(), tags)
    assert frame.good
    assert frame.values == tuple(PATTERN[table](at) for at in range(COUNT))


@pytest.mark.parametrize("table", ["hr", "ir"])
async def test_every_type_and_order_of_the_pattern(serve, table):
    """Typed values are those of the registers the server says it holds, in every order."""
    kinds = [kind for kind in CODES if kind not in {DataType.FLOAT32, DataType.FLOAT64}]
    wanted = [
        (data_type, order, place)
        for data_type in kinds
        for order in sorted(LETTERS[2])
        for place in (0, 3, 777)
    ]
    tags = [
        Tag(f"t{at}", f"{table}:{place}@{order}", data_type)
        for at, (data_type, order, place) in enumerate(wanted)
    ]
    frame = await read(serve(), tags)
    for (data_type, order, place), value in zip(wanted, frame.values, strict=True):
        width = struct.calcsize(CODES[data_type]) // 2
        held = [PATTERN[table](place + at) for at in range(width)]
        assert on_the_wire(data_type, order, value) == held


async def test_every_type_and_order_of_written_values(serve):
    """What another client wrote into the server is what the driver reads, type by type."""
    config = serve()
    tags, expected, start = [], [], 100
    client = AsyncModbusTcpClient(config.host, port=config.port, reconnect_delay=0)
    assert await client.connect()
    for data_type, value in SAMPLES.items():
        for order in sorted(LETTERS[2]):
            registers = on_the_wire(data_type, order, value)
            assert not (await client.write_registers(start, registers)).isError()
            tags.append(Tag(f"t{start}", f"hr:{start}@{order}", data_type))
            expected.append(value)
            start += len(registers)
    text = "数控车床 CK6140".encode("gb18030").ljust(24, b"\0")
    await client.write_registers(start, list(struct.unpack(">12H", text)))
    await client.write_coils(7, [True, True, False, True])
    client.close()
    tags.append(Tag("name", f"hr:{start}/12", DataType.STRING))
    tags += [Tag(f"c{at}", f"co:{at}", DataType.BOOL) for at in range(7, 11)]
    tags += [Tag(f"b{bit}", f"hr:100.{bit}", DataType.BIT) for bit in range(16)]
    expected += ["数控车床 CK6140", True, True, False, True]
    expected += [bool(SAMPLES[DataType.INT16] & 0xFFFF & 1 << bit) for bit in range(16)]
    frame = await read(config, tags)
    assert frame.good
    assert frame.values == tuple(expected)


async def test_addresses_the_server_does_not_have(serve):
    """Beyond the end of a table the server refuses; those tags are BAD, the others good."""
    tags = [
        Tag("here", f"hr:{COUNT - 1}", DataType.UINT16),
        Tag("beyond", f"ir:{COUNT}", DataType.UINT16),
        Tag("coil", "co:3", DataType.BOOL),
    ]
    frame = await read(serve(), tags)
    assert frame.values == (COUNT - 1, None, True)
    assert frame.qualities == bytes([Quality.GOOD, Quality.BAD, Quality.GOOD])
    assert frame.reasons == {1: "BadConfigurationError"}


async def test_a_server_in_motion_is_never_seen_torn(serve):
    """While all registers change every 2 ms, each request's values are of one generation."""
    config = serve(period_ms=2)
    tags = [Tag(f"t{at}", f"hr:{at}", DataType.UINT16) for at in range(250)]
    plan = DRIVER.plan(config, tags, device="plc", group="all")
    seen = []
    async with DRIVER.open(DRIVER.link(config)) as session:
        while len(set(seen)) < 20:
            values = (await session.read(plan)).values
            for block in plan.blocks:
                generations = {values[column] - column for column in block.columns}
                assert len(generations) == 1
                seen += generations
    assert seen == sorted(seen)


async def test_several_connections_and_units(serve):
    """Many sessions and units at once each read what they asked for."""
    config = serve()

    async def reads(unit):
        own = config.model_copy(update={"unit": unit})
        tags = [Tag(f"t{at}", f"ir:{100 * unit + at}", DataType.UINT16) for at in range(30)]
        plan = DRIVER.plan(own, tags, device=f"d{unit}", group="g")
        expected = tuple(PATTERN["ir"](100 * unit + at) for at in range(30))
        async with DRIVER.open(DRIVER.link(own)) as session:
            for _ in range(20):
                frame = await session.read(plan)
                assert (frame.device, frame.values) == (f"d{unit}", expected)

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        for unit in range(1, 13):
            group.create_task(reads(unit))


async def test_rtu_on_a_serial_line(libmodbus, cable):
    """The same server on a serial cable: every table as it holds it, the end of its map learned."""
    ours, theirs = cable
    config = ModbusConfig(driver="modbus", serial=ours, unit=17, timeout_s=2)
    tags = [
        *(Tag(f"h{at}", f"hr:{at}", DataType.UINT16) for at in range(200)),
        *(Tag(f"i{at}", f"ir:{at}", DataType.UINT16) for at in range(20)),
        *(Tag(f"c{at}", f"co:{at}", DataType.BOOL) for at in range(50)),
        *(Tag(f"d{at}", f"di:{at}", DataType.BOOL) for at in range(50)),
    ]
    expected = [
        PATTERN[tag.address[:2]](int(tag.address[3:])) if int(tag.address[3:]) < 150 else None
        for tag in tags
    ]
    plan = DRIVER.plan(config, tags, device="plc", group="all")
    with libmodbus(count=150, line=(theirs, 17)):
        async with DRIVER.open(DRIVER.link(config)) as session:
            for _ in range(10):
                frame = await session.read(plan)
                if frame.values == tuple(expected):
                    break
    assert frame.values == tuple(expected)
    assert set(frame.reasons.values()) == {"BadConfigurationError"}
