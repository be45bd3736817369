"""The driver against pymodbus's own server: tables, refusals and identification."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.pdu.device import ModbusControlBlock, ModbusDeviceIdentification
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType as Kind
from pymodbus.simulator import SimData, SimDevice

from drivers.api import DataType, Identity, NoReply, Tag
from drivers.modbus import DRIVER, ModbusConfig
from drivers.modbus.adu import ExceptionReply
from drivers.modbus.identity import identify


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
    """With max_gap 0 an address the device does not have is refused alone."""
    async with serving(unit(1)) as config:
        tags = [Tag("last", "hr:299", DataType.UINT16), Tag("none", "hr:301", DataType.UINT16)]
        plan = DRIVER.plan(config(), tags, device="d", group="g")
        async with DRIVER.open(DRIVER.link(config())) as session:
            frame = await session.read(plan)
    assert frame.values == (10, None)
    assert frame.reasons == {1: "BadConfigurationError"}


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


async def test_a_device_that_cannot_say_has_an_empty_identity(peer, wire_format):
    """Exception 1 to the identification is no failure, and the session goes on."""
    honest = peer.answer

    def refuse(request):
        if request[7] == 0x2B:
            return wire_format.frame(int.from_bytes(request[:2], "big"), 1, b"\xab\x01")
        return honest(request)

    peer.answer = refuse
    plan = peer.plan("hr:4")
    async with peer.open() as session:
        assert await session.identify(plan) == Identity()
        assert (await session.read(plan)).values == (wire_format.register(4),)


async def test_a_device_that_ignores_the_question_ends_the_session(peer):
    """A device silent to a function it does not know is told as NoReply, like any silence."""
    peer.answer = lambda _: None
    async with peer.open() as session:
        with pytest.raises(NoReply, match="identification"):
            await session.identify(peer.plan("hr:4", timeout_s=0.1))


def asker(answers):
    """Give a function that answers identification requests from a list, and what it was asked."""
    asked = []

    async def ask(request):
        asked.append(request.tail[6:])
        return answers[len(asked) - 1]

    return ask, asked


async def test_objects_over_several_answers():
    """A device may need more than one answer; the second is asked from where the first ended."""
    ask, asked = asker(
        [
            bytes.fromhex("0e 02 83 ff 01 01") + b"\x00\x02AB",
            bytes.fromhex("0e 02 83 00 00 01") + b"\x05\x02CD",
        ]
    )
    identity = await identify(ask, 9)
    assert (identity.maker, identity.model) == ("AB", "CD")
    assert [each.hex() for each in asked] == ["0e0200", "0e0201"]


async def test_a_device_with_basic_objects_only():
    """A device that refuses the regular level is asked for the basic one."""
    ask, _ = asker([ExceptionReply(3), bytes.fromhex("0e 01 01 00 00 01") + b"\x00\x02AB"])
    assert (await identify(ask, 1)).maker == "AB"


async def test_a_device_that_never_ends_its_identity():
    """More-follows for ever is cut off."""
    endless = [bytes([0x0E, 2, 0x83, 0xFF, at + 1, 1, at, 1, 0x41]) for at in range(255)]
    ask, asked = asker(endless)
    assert (await identify(ask, 1)).maker == "A"
    assert len(asked) == 16


@given(st.binary(max_size=60))
def test_no_answer_breaks_the_identity(data):
    """Whatever a device says of itself gives an identity, and raises nothing."""
    import asyncio

    async def ask(_request):
        return data

    identity = asyncio.run(identify(ask, 1))
    assert isinstance(identity, Identity)


@given(
    st.lists(
        st.tuples(st.integers(0, 255), st.binary(max_size=30)),
        max_size=6,
        unique_by=lambda each: each[0],
    )
)
def test_well_formed_objects_are_all_kept(objects):
    """Every object of a correct answer stands in `raw`."""
    import asyncio

    body = b"".join(bytes([number, len(raw)]) + raw for number, raw in objects)

    async def ask(_request):
        return bytes([0x0E, 2, 0x83, 0, 0, len(objects)]) + body

    assert len(asyncio.run(identify(ask, 1)).raw) == len(objects)
