"""The driver against pymodbus's own server: units, refusals and identification."""

from __future__ import annotations

from contextlib import asynccontextmanager

from pymodbus.pdu.device import ModbusControlBlock, ModbusDeviceIdentification
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType as Kind
from pymodbus.simulator import SimData, SimDevice

from drivers.api import DataType, Tag
from drivers.modbus import DRIVER, ModbusConfig


@asynccontextmanager
async def serving(*devices, identity=None):
    """Run pymodbus's server on a free port; give a function that makes a unit's config."""
    before = dict(ModbusControlBlock().Identity.stat_data)
    server = ModbusTcpServer(list(devices), identity=identity, address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    port = server.transport.sockets[0].getsockname()[1]

    def config(unit=1, **settings):
        return ModbusConfig(
            driver="modbus", host="127.0.0.1", port=port, unit=unit, timeout_s=5, **settings
        )

    try:
        yield config
    finally:
        await server.shutdown()
        ModbusControlBlock().Identity.stat_data.update(before)


def unit(number):
    """Make a device whose holding registers 0 to 299 all hold ten times its own number."""
    return SimDevice(
        id=number,
        simdata=[SimData(0, count=300, values=10 * number, datatype=Kind.REGISTERS)],
    )


async def test_units_behind_one_address():
    """Units that share a connection each give their own registers."""
    async with serving(unit(1), unit(2)) as config:
        plans = [
            DRIVER.plan(
                config(number),
                [Tag(f"t{at}", f"hr:{at}", DataType.UINT16) for at in range(300)],
                device=f"d{number}",
                group="g",
            )
            for number in (1, 2)
        ]
        assert DRIVER.link(config(1)) == DRIVER.link(config(2))
        async with DRIVER.open(DRIVER.link(config())) as session:
            for number, plan in enumerate(plans, 1):
                assert (await session.read(plan)).values == (10 * number,) * 300


async def test_a_hole_in_the_map_costs_only_its_own_tags():
    """An address the device does not have is found out and left alone from then on."""
    async with serving(unit(1)) as config:
        tags = [Tag("last", "hr:299", DataType.UINT16), Tag("none", "hr:301", DataType.UINT16)]
        plan = DRIVER.plan(config(), tags, device="d", group="g")
        async with DRIVER.open(DRIVER.link(config())) as session:
            for _ in range(2):
                frame = await session.read(plan)
                assert frame.values == (10, None)
                assert frame.reasons == {1: "BadConfigurationError"}
    assert [(block.start, block.count) for block in plan.blocks] == [(299, 1)]


async def test_identification():
    """Maker, model and firmware are what the device says, every object is kept."""
    said = ModbusDeviceIdentification(
        info_name={
            "VendorName": "华中数控",
            "ProductCode": "HNC",
            "MajorMinorRevision": "1.26",
            "VendorUrl": "http://example.invalid",
            "ProductName": "Controller",
            "ModelName": "HNC-818B",
        }
    )
    async with serving(unit(1), identity=said) as config:
        plan = DRIVER.plan(config(), [], device="d", group="g")
        async with DRIVER.open(DRIVER.link(config())) as session:
            identity = await session.identify(plan)
    assert (identity.maker, identity.model) == ("华中数控", "HNC-818B")
    assert (identity.firmware, identity.uri) == ("1.26", "http://example.invalid")
    assert identity.serial == ""
    assert ("ProductCode", "HNC") in identity.raw
