"""The OPC UA server, read by asyncua's client."""

import asyncio
import socket
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from asyncua import Client, ua

from simulators.board import Held
from simulators.counting import COUNTER, count, counting_points
from simulators.opcua_server import PRODUCT_URI, OpcuaServer
from simulators.points import NAMESPACE, cnc_points

POINTS = cnc_points(("x", "z"))
TIME_NS = 1_795_400_000_123_456_000


def connected(url, *, username="", password=""):
    client = Client(url, timeout=5)
    client.session_timeout = 60_000
    if username:
        client.set_user(username)
        client.set_password(password)
    return client


async def node(client, path):
    return client.get_node(ua.NodeId(path, await client.get_namespace_index(NAMESPACE)))


@pytest.fixture
async def server():
    async with OpcuaServer({"L1": POINTS}) as running:
        yield running


async def test_values_stamps_and_words(server):
    """A client sees the value, its own source time, its unit, its description, its simulator."""
    await server.write("L1", {"spindle.speed": Held(1200.5, TIME_NS)})
    async with connected(server.url) as client:
        variable = await node(client, "L1.Spindle.Speed")
        value = await variable.read_data_value()
        assert value.Value.Value == 1200.5
        assert value.SourceTimestamp == datetime(2026, 11, 23, 2, 13, 20, 123456, tzinfo=UTC)
        unit = await (await node(client, "L1.Spindle.Speed.Unit")).read_value()
        assert unit.DisplayName.Text == "{rev}/min"
        assert (await variable.read_description()).Text == "主轴转速"
        build = await client.get_node(ua.ObjectIds.Server_ServerStatus_BuildInfo).read_value()
        assert (build.ProductUri, build.ManufacturerName) == (PRODUCT_URI, "Chulian simulator")


async def test_no_value_before_the_first_and_none_when_bad(server):
    """Before the first write and while bad, there is a bad status and no value; then it is back."""
    async with connected(server.url) as client:
        variable = await node(client, "L1.State")

        async def status():
            value = await variable.read_data_value(raise_on_bad_status=False)
            return (
                value.StatusCode_.name if hasattr(value, "StatusCode_") else value.StatusCode.name
            )

        assert await status() == "BadWaitingForInitialData"
        await server.write("L1", {"machine.state": Held(2, TIME_NS)})
        assert await status() == "Good"
        await server.write("L1", {"machine.state": Held(None, TIME_NS + 1_000)})
        assert await status() == "BadDeviceFailure"
        await server.write("L1", {"machine.state": Held(3, TIME_NS + 2_000)})
        assert await variable.read_value() == 3


async def test_everything_is_there_with_its_type(server):
    """Every point is a variable with the type its table states, below its machine."""
    names = {"string": "String", "bool": "Boolean", "float64": "Double"}
    names |= {
        f"{sign}int{bits}": f"{sign.upper()}Int{bits}" for sign in ("", "u") for bits in (16, 32)
    }
    async with connected(server.url) as client:
        for point in POINTS:
            variable = await node(client, f"L1.{point.address}")
            data_type = await variable.read_data_type_as_variant_type()
            assert data_type.name == names[point.type]
        machine = await node(client, "L1")
        children = {(await child.read_browse_name()).Name for child in await machine.get_children()}
        assert {"State", "Spindle", "Axis", "Program"} <= children


async def test_clients_cannot_write(server):
    """The server is read-only."""
    async with connected(server.url) as client:
        variable = await node(client, "L1.Feed.Override")
        with pytest.raises(ua.UaStatusCodeError):
            await variable.write_value(ua.Variant(50, ua.VariantType.UInt16))


async def test_restart_keeps_values_and_port(server):
    """Started again it has the same port and the last values, those written meanwhile too."""
    port = server.port
    await server.write("L1", {"part.count": Held(7, TIME_NS)})
    await server.stop()
    with pytest.raises(OSError, match=r"."):
        await connected(server.url).connect()
    await server.write("L1", {"part.count": Held(8, TIME_NS + 1_000)})
    await server.start()
    assert server.port == port
    async with connected(server.url) as client:
        assert await (await node(client, "L1.Part.Count")).read_value() == 8


async def test_user_and_password():
    """With a user set, only that user with that password gets in."""
    async with OpcuaServer({"L1": POINTS[:1]}, username="op", password="secret") as server:
        async with connected(server.url, username="op", password="secret") as client:
            assert await client.get_namespace_index(NAMESPACE) == 2
        with pytest.raises(ua.UaStatusCodeError):
            await connected(server.url, username="op", password="wrong").connect()
        with pytest.raises((ua.UaStatusCodeError, ua.UaError)):
            await connected(server.url).connect()


async def test_taken_port_is_named():
    """A port in use is an OSError that names it, before anything is built."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OSError, match=str(port)):
            await OpcuaServer({"L1": POINTS}, port=port).start()


async def test_counting_variables():
    """Every counting variable shows its number plus the generation, and generations rise."""
    async with OpcuaServer({COUNTER: counting_points(20)}) as server:
        counting = asyncio.create_task(count(server, 20, interval_s=0.02))
        async with connected(server.url) as client:
            first = await node(client, f"{COUNTER}.V0")

            async def generation():
                value = (await first.read_data_value(raise_on_bad_status=False)).Value.Value
                return -1 if value is None else value

            async with asyncio.timeout(5):
                while await generation() < 0:
                    pass
                before = await generation()
                while await generation() < before + 3:
                    pass
            variables = [await node(client, f"{COUNTER}.V{n}") for n in range(20)]
            values = await client.read_values(variables)
            assert len({value - n for n, value in enumerate(values)}) == 1
        counting.cancel()
        with suppress(asyncio.CancelledError):
            await counting
