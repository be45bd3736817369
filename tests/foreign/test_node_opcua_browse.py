"""Browsing, paths, elements and structures against node-opcua, which knows index ranges."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
from foreign.node_server import NODES, URI

from drivers.api import DataType, Tag
from drivers.opcua import DRIVER
from drivers.testing.frames import assert_frame_valid

pytestmark = [pytest.mark.foreign, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def url(node_opcua):
    options = ("--variables", "30", "--interval-ms", "0", "--max-read", "10", "--max-browse", "3")
    with node_opcua(*options) as found:
        yield found


async def session_and_read(url, *addresses):
    config = DRIVER.config(driver="opcua", url=url, security="none")
    tags = [Tag(f"t{n}", address) for n, address in enumerate(addresses)]
    plan = DRIVER.plan(config, tags, device="peer", group="all")
    async with DRIVER.open(DRIVER.link(config)) as session, asyncio.timeout(30):
        frame = await session.read(plan)
        ranges = session._services.layouts.ranges
    assert_frame_valid(frame, plan, complete=True)
    return frame.values, frame.reasons or {}, ranges


async def test_everything_is_found_with_its_type(url):
    """All variables of the server are found within its limits, each with type and value."""
    config = DRIVER.config(driver="opcua", url=url, security="none")
    async with DRIVER.open(DRIVER.link(config)) as session, asyncio.timeout(60):
        points = {point.path: point async for point in session.browse()}
    assert {f"Peer/V{n}" for n in range(30)} <= points.keys()
    assert points["Peer/Still.Double"].data_type is DataType.FLOAT64
    assert points["Peer/Still.String"].value == "主轴转速"
    assert points["Peer/Still.String"].address == f"{NODES}Still.String"
    assert [points[f"Peer/Array#[{n}]"].value for n in range(3)] == [1, 2, 3]
    assert not any(path.startswith("Server") for path in points)


async def test_one_element_comes_alone(url):
    """The server knows ranges, so just the element is asked for; one too many has no value."""
    values, reasons, ranges = await session_and_read(
        url, f"{NODES}Array#[0]", f"{NODES}Array#[2]", f"{NODES}Array#[3]", "i=2255[1]",
        f"{NODES}V1#[0]",
    )  # fmt: skip
    assert ranges
    assert values[:3] == (1, 3, None)
    assert values[3].startswith("urn:")
    assert reasons[2].startswith("BadIndexRange")
    assert 4 in reasons


async def test_paths_lead_to_nodes(url):
    """A browse path gives the value of the node it leads to."""
    path = f"path=/Objects/nsu={URI};Peer/nsu={URI};"
    values, reasons, _ = await session_and_read(
        url, f"{path}Still.Int32", f"{path}Array#[1]", f"{path}Nothing", "path=/Objects/Server/Nope"
    )
    assert values == (-(2**31), 2, None, None)
    assert reasons == {2: "BadNodeIdUnknown", 3: "BadNodeIdUnknown"}


async def test_structures_of_the_standard_are_read_by_their_own_definitions(url):
    """Fields of the server's status, a structure in a structure, are what it says of itself."""
    values, reasons, _ = await session_and_read(
        url, "i=2256#BuildInfo.ManufacturerName", "i=2256#BuildInfo.ProductName", "i=2256#State",
        "i=2256#StartTime", "i=2256#BuildInfo.Nothing", "i=2256#BuildInfo",
    )  # fmt: skip
    assert values[:3] == ("Sterfive", "Peer", 0)
    assert values[3].endswith("Z")
    assert reasons == {4: "BadNotFound", 5: "BadTypeMismatch"}


async def test_one_element_is_subscribed(url):
    """Elements are monitored alone, too; the first message holds their values."""
    config = DRIVER.config(driver="opcua", url=url, security="none", publish_interval_s=0.1)
    tags = [Tag(f"t{n}", f"{NODES}Array#[{n}]") for n in range(3)]
    plan = DRIVER.plan(config, tags, device="peer", group="all")
    found = {}
    async with (
        DRIVER.open(DRIVER.link(config)) as session,
        asyncio.timeout(30),
        aclosing(session.subscribe(plan, interval_s=0.1)) as frames,
    ):
        async for frame in frames:
            assert_frame_valid(frame, plan)
            found.update(zip(frame.columns or range(3), frame.values, strict=True))
            if len(found) == 3:
                break
    assert found == {0: 1, 1: 2, 2: 3}
