"""Browsing, paths and parts of values on simulated machines, over a real connection."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing

import pytest
import pytest_asyncio
from asyncua import Server, ua

from drivers.api import Access, AddressError, DataType, Tag
from drivers.opcua import DRIVER
from drivers.testing.frames import assert_frame_valid
from simulators.opcua.companion import Companion
from simulators.opcua.device import Device
from simulators.opcua.limits import Limits
from simulators.opcua.plain import Plain

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIM = "nsu=urn:chulian:simulator:workshop;"
CNC = "http://opcfoundation.org/UA/CNC"
TOOL = "http://opcfoundation.org/UA/MachineTool/"
PACKML = "http://opcfoundation.org/UA/PackML/"
NARROW = Limits(per_call={"read": 7, "browse": 3, "items": 5}, references=4)
"""A server that takes little at once, and answers with few references."""


def fixture_of(content, **options):
    @pytest_asyncio.fixture(loop_scope="module", scope="module")
    async def running():
        machines = content()
        async with Device(machines, **options) as device:
            await machines.advance(device, 20.0, time_ns=time.time_ns())
            yield device.url

    return running


shop = fixture_of(lambda: Companion.cnc_shop(seed=3, count=1), limits=NARROW)
line = fixture_of(Companion.packml_line)
plain = fixture_of(lambda: Plain(4))


def link(url):
    return DRIVER.link(DRIVER.config(driver="opcua", url=url, security="none"))


async def browsed(url, at=None):
    async with DRIVER.open(link(url)) as session, asyncio.timeout(30):
        return [point async for point in session.browse(at)]


async def read(url, *addresses, subscribe=False):
    config = DRIVER.config(driver="opcua", url=url, security="none", publish_interval_s=0.05)
    tags = [Tag(f"t{n}", address) for n, address in enumerate(addresses)]
    plan = DRIVER.plan(config, tags, device="cnc", group="all")
    async with DRIVER.open(DRIVER.link(config)) as session, asyncio.timeout(20):
        if not subscribe:
            frame = await session.read(plan)
            assert_frame_valid(frame, plan, complete=True)
            return frame.values, frame.reasons or {}
        values, reasons = {}, {}
        async with aclosing(session.subscribe(plan, interval_s=0.05)) as frames:
            async for frame in frames:
                assert_frame_valid(frame, plan)
                for at, tag in enumerate(frame.columns or range(len(frame.values))):
                    values[tag] = frame.values[at]
                    reasons[tag] = (frame.reasons or {}).get(at, "")
                if len(values) == len(tags):
                    break
        return tuple(values[n] for n in range(len(tags))), {n: r for n, r in reasons.items() if r}


async def test_a_machine_tool_tells_all_about_its_points(shop):
    """Type, unit, range, states, model, place and sample value come as the model has them."""
    points = {point.path: point for point in await browsed(shop)}
    speed = points["Machines/L1/CncInterface/CncSpindleList/S1/ActSpeed"]
    assert (speed.data_type, speed.unit) == (DataType.FLOAT64, "{rev}/min")
    assert (speed.low, speed.high, speed.access) == (0.0, 12_000.0, Access.READ)
    assert isinstance(speed.value, float)
    assert abs(speed.time_ns - time.time_ns()) < 300e9
    assert (speed.model, speed.role) == (CNC, "CncInterfaceType/CncSpindleList/S1/ActSpeed")
    status = points["Machines/L1/CncInterface/CncChannelList/Channel1/ActProgramStatus"]
    assert status.states[:2] == ((0, "Stopped"), (1, "Running"))
    state = points["Machines/L1/MachineryBuildingBlocks/MachineryItemState/CurrentState"]
    assert state.role == "MachineryItemState_StateMachineType/CurrentState"
    field = points["Machines/L1/CncInterface/CncAxisList/X/PosDirect#ActPos"]
    part = points["Machines/L1/CncInterface/CncAxisList/X/PosDirect/ActPos"]
    assert (field.value, field.data_type, field.unit) == (part.value, DataType.FLOAT64, "mm")


async def test_every_point_found_can_be_read(shop):
    """Each address that browsing gives is planned, and gives a good value."""
    points = await browsed(shop)
    assert len(points) > 60
    values, reasons = await read(shop, *(point.address for point in points))
    texts = [point.value for point in points if isinstance(point.value, str)]
    assert reasons == {}
    assert [value for value in values if isinstance(value, str)] == texts


async def test_a_walk_can_begin_anywhere(shop):
    """From a machine, by node or by path, the same points are found, named from there."""
    whole = {point.address for point in await browsed(shop)}
    machine = await browsed(shop, f"{SIM}s=L1")
    path = "path=/Objects/nsu=http://opcfoundation.org/UA/Machinery/;Machines/" + SIM + "L1"
    assert {point.address for point in machine} == whole
    assert await names(shop, path) == [point.path for point in machine]
    assert machine[-1].model in {CNC, TOOL}
    one = await browsed(shop, f"{SIM}s=L1.CncInterface.CncSpindleList.S1.ActSpeed")
    assert [point.path for point in one] == ["ActSpeed"]
    with pytest.raises(AddressError, match="no such node"):
        await browsed(shop, f"{SIM}s=L9")


async def names(url, at):
    return [point.path for point in await browsed(url, at)]


async def test_a_walk_can_be_left(shop):
    """Closing the walk leaves the session alive for the next."""
    async with DRIVER.open(link(shop)) as session, asyncio.timeout(30):
        async with aclosing(session.browse()) as points:
            first = await anext(points)
        assert first.path.startswith("Machines/L1")
        async with aclosing(session.browse()) as points:
            assert (await anext(points)).address == first.address


async def test_structures_in_arrays_are_read(line):
    """Fields of an element of an array of structures are read by poll and by subscription."""
    admin = f"path=/Objects/nsu={PACKML};PackMLObjects/{SIM}P1/nsu={PACKML};Admin"
    addresses = [
        f"{SIM}s=P1.Admin.ProdProcessedCount#[0].Count",
        f"{admin}/nsu={PACKML};ProdProcessedCount#[0].Unit.UnitId",
        f"{SIM}s=P1.Admin.ProdProcessedCount#[0].Name",
        f"{SIM}s=P1.Admin.ProdProcessedCount#[1].Count",
        f"{SIM}s=P1.Admin.ProdProcessedCount#[0].Missing",
        f"{SIM}s=P1.Admin.ProdProcessedCount",
        f"path=/Objects/nsu={PACKML};PackMLObjects/{SIM}Nobody",
    ]
    values, reasons = await read(line, *addresses)
    assert values[1:3] == (int.from_bytes(b"H87", "big"), "parts")
    assert values[0] > 0
    assert reasons == {
        3: "BadIndexRangeNoData", 4: "BadNotFound", 5: "BadTypeMismatch", 6: "BadNodeIdUnknown",
    }  # fmt: skip
    assert await read(line, *addresses, subscribe=True) == (values, reasons)


async def test_elements_and_every_kind_of_value(plain):
    """Elements of arrays and matrices, and every kind of identifier, by poll and subscription."""
    addresses = [
        f"{SIM}s=Array#[2]", f"{SIM}s=Matrix#[1,0]", f"{SIM}s=Texts#[1]", f"{SIM}s=Array#[3]",
        f"{SIM}s=Empty#[0]", f"{SIM}i=4711", f"{SIM}b=AP8gb3BhcXVl", f"{SIM}s=V1#[0]",
    ]  # fmt: skip
    expected = (
        (3, 4.5, "乙", None, None, 7, 7, None),
        {3: "BadIndexRangeNoData", 4: "BadIndexRangeNoData", 7: "BadTypeMismatch"},
    )
    assert await read(plain, *addresses) == expected
    assert await read(plain, *addresses, subscribe=True) == expected


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def rogue():
    """A real server whose names are made to do harm, with a circle and two nodes of one name."""
    server = Server()
    await server.init()
    server.set_endpoint("opc.tcp://127.0.0.1:0/rogue")
    index = await server.register_namespace("urn:rogue")
    objects = server.nodes.objects
    folder = await objects.add_folder(ua.NodeId("F", index), ua.QualifiedName("F\x1b[2J", index))
    for n, name in enumerate(("<script>", "+/#", "a\u202eb", "=cmd|' /C calc'!A0", "主轴")):
        await folder.add_variable(ua.NodeId(f"N{n}", index), ua.QualifiedName(name, index), n)
    for n in range(2):
        await folder.add_variable(ua.NodeId(f"T{n}", index), ua.QualifiedName("Twin", index), n)
    below = await folder.add_object(ua.NodeId("B", index), ua.QualifiedName("below", index))
    await below.add_reference(folder, ua.ObjectIds.HasOrderedComponent)
    async with server:
        yield f"opc.tcp://127.0.0.1:{server.bserver.port}/rogue"


async def test_harmful_names_do_no_harm(rogue):
    """What is found has clean names, true addresses, and ends though the server is a circle."""
    points = [point for point in await browsed(rogue) if point.path.startswith("F")]
    assert [point.name for point in points] == [
        "<script>", "+_#", "ab", "=cmd|' _C calc'!A0", "主轴", "Twin", "Twin",
    ]  # fmt: skip
    values, _ = await read(rogue, *(point.address for point in points))
    assert values == (0, 1, 2, 3, 4, 0, 1)


async def test_a_path_to_two_nodes_leads_to_none(rogue):
    """Where two nodes answer to one path, neither's value is taken for the other's."""
    twin = "path=/Objects/nsu=urn:rogue;F\x1b[2J/nsu=urn:rogue;"
    values, reasons = await read(rogue, f"{twin}Twin", f"{twin}主轴")
    assert values == (None, 4)
    assert reasons == {0: "BadNodeIdUnknown"}
