"""Writing: what may be written at all, and that it arrives, against pymodbus's server."""

import pytest
from pymodbus import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType as Kind
from pymodbus.simulator import SimData, SimDevice

from drivers.api import Access, AddressError, DataType, Tag, Writes
from drivers.modbus import DRIVER, ModbusConfig, ModbusSession

U16, I32, F32 = DataType.UINT16, DataType.INT32, DataType.FLOAT32


def writable(address, data_type=U16, name="t"):
    return Tag(name, address, data_type, access=Access.READ_WRITE)


def refusal(address, data_type=U16, **settings):
    """Plan one tag to be written; give the problem."""
    config = ModbusConfig(**{"driver": "modbus", "host": "h"} | settings)
    with pytest.raises(AddressError) as refused:
        DRIVER.plan(config, [writable(address, data_type)], device="d", group="g")
    (problem,) = refused.value.problems
    return problem


@pytest.mark.parametrize(
    ("address", "data_type", "why", "why_zh"),
    [
        ("ir:5", U16, "can only be read", "只能读"),
        ("di:5", DataType.BOOL, "can only be read", "只能读"),
        ("30006", U16, "can only be read", "只能读"),
        ("hr:5.3", DataType.BIT, "whole registers", "整寄存器"),
        ("hr:5.0-3", U16, "whole registers", "整寄存器"),
        ("hr:5&0x0FF0", U16, "whole registers", "整寄存器"),
        ("hr:5.h", DataType.UINT8, "whole registers", "整寄存器"),
        ("hr:5.l", DataType.INT8, "whole registers", "整寄存器"),
        ("hr:5", DataType.BOOL, "not this bool", "bool"),
        ("hr:5/4", DataType.STRING, "not this string", "string"),
    ],
)
def test_what_cannot_be_written_is_refused_when_it_is_planned(address, data_type, why, why_zh):
    """A point that may be read is refused for writing, with the reason and what to do instead."""
    config = ModbusConfig(driver="modbus", host="h")
    assert DRIVER.plan(config, [Tag("t", address, data_type)], device="d", group="g").requests == 1
    problem = refusal(address, data_type)
    assert why in problem.why
    assert why_zh in problem.why_zh
    assert problem.hint
    assert problem.hint_zh


def test_nothing_is_written_to_everybody():
    """Unit 0 is heard by every device of a line: no tag of it can be written."""
    assert "every device" in refusal("hr:5", unit=0).why
    assert "广播" in refusal("co:5", DataType.BOOL, unit=0).why_zh


def test_sessions_write():
    """The driver can write, as the host sees it."""
    assert issubclass(ModbusSession, Writes)


@pytest.fixture(params=["tcp"])
async def server(request):
    """Run pymodbus's server with coils 0 to 15 and registers 0 to 59; give config and server."""
    framer = {"tcp": FramerType.SOCKET, "rtu": FramerType.RTU, "ascii": FramerType.ASCII}
    device = SimDevice(
        id=1,
        simdata=(
            [SimData(0, values=[False] * 16, datatype=Kind.BITS)],
            [SimData(0, values=[False] * 16, datatype=Kind.BITS)],
            [SimData(0, count=60, values=7, datatype=Kind.REGISTERS)],
            [SimData(0, values=0, datatype=Kind.REGISTERS)],
        ),
    )
    running = ModbusTcpServer(device, framer=framer[request.param], address=("127.0.0.1", 0))
    await running.serve_forever(background=True)
    port = running.transport.sockets[0].getsockname()[1]
    yield (
        ModbusConfig(
            driver="modbus", host="127.0.0.1", port=port, timeout_s=5, framing=request.param
        ),
        running,
    )
    await running.shutdown()


VALUES = [
    (writable("co:3", DataType.BOOL, "coil"), True),
    (writable("hr:2", U16, "u16"), 65_535),
    (writable("hr:3", DataType.INT16, "i16"), -2),
    (writable("hr:4@CDAB", I32, "i32"), -70_000),
    (writable("hr:6", F32, "f32"), -12.5),
    (writable("hr:8@HGFEDCBA", DataType.UINT64, "u64"), 2**63 + 5),
    (writable("hr:12", DataType.FLOAT64, "f64"), 0.1),
    (writable("hr:16", DataType.BCD32, "bcd"), 12_345_678),
    (writable("40021", U16, "modicon"), 1),
]


@pytest.mark.parametrize("server", ["tcp", "rtu", "ascii"], indirect=True)
async def test_values_of_every_kind_arrive(server):
    """In each framing coils and numbers of every type are written, read back and read again."""
    config, _ = server
    tags = [tag for tag, _ in VALUES]
    beside = Tag("beside", "hr:18", U16)
    plan = DRIVER.plan(config, [*tags, beside], device="d", group="g")
    async with DRIVER.open(DRIVER.link(config)) as session:
        results = await session.write(plan, dict(VALUES))
        frame = await session.read(plan)
    assert [(one.tag, one.written, one.reason) for one in results] == [
        (tag, True, "") for tag in tags
    ]
    assert frame.values == (*(value for _, value in VALUES), 7)


async def test_what_was_not_planned_for_it_is_not_written(server):
    """A tag planned to be read, or of another plan, is refused and nothing is sent."""
    config, running = server
    read_only, other = Tag("r", "hr:2", U16), writable("hr:3", U16, "other")
    plan = DRIVER.plan(config, [read_only], device="d", group="g")
    async with DRIVER.open(DRIVER.link(config)) as session:
        results = await session.write(plan, {read_only: 1, other: 1})
    assert [(one.written, one.reason) for one in results] == [(False, "BadNotWritable")] * 2
    assert await running.async_getValues(1, 3, 2, 2) == [7, 7]


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        (writable("hr:2"), 65_536),
        (writable("hr:2"), -1),
        (writable("hr:2"), 1.5),
        (writable("hr:2"), True),
        (writable("hr:2"), "1"),
        (writable("hr:2"), None),
        (writable("hr:2", F32), 1e300),
        (writable("hr:2", F32), float("nan")),
        (writable("co:2", DataType.BOOL), 1),
    ],
)
async def test_what_the_type_cannot_hold_is_not_sent(server, tag, value):
    """A value the point cannot hold exactly is refused, never rounded or wrapped."""
    config, running = server
    plan = DRIVER.plan(config, [tag], device="d", group="g")
    async with DRIVER.open(DRIVER.link(config)) as session:
        (result,) = await session.write(plan, {tag: value})
    assert (result.written, result.reason) == (False, "BadTypeMismatch")
    assert await running.async_getValues(1, 3, 2, 2) == [7, 7]


async def test_a_missing_address_is_the_devices_refusal(server):
    """Exception 2 to a write is told as such."""
    config, _ = server
    tag = writable("hr:500")
    plan = DRIVER.plan(config, [tag], device="d", group="g")
    async with DRIVER.open(DRIVER.link(config)) as session:
        (result,) = await session.write(plan, {tag: 1})
    assert (result.written, result.reason) == (False, "BadConfigurationError")
