"""The whole shop over real sockets, against its own truth."""

import asyncio
import struct
import time
from itertools import pairwise

import pytest
import uvloop
from asyncua import Client, ua
from pymodbus.client import AsyncModbusTcpClient

from simulators.describe import Endpoints
from simulators.faults import MachineFault
from simulators.layout import STATIONS, Link
from simulators.points import NAMESPACE
from simulators.proxy import TcpProxy
from simulators.registers import place
from simulators.workshop import Workshop

OPCUA = [station for station in STATIONS if station.link is Link.OPCUA]
MODBUS = [station for station in STATIONS if station.link is Link.MODBUS]
FORMATS = {"int16": ">h", "uint16": ">H", "uint32": ">I", "float32": ">f"}


async def read_opcua(shop, *, url=None):
    """Read every OPC UA point with a foreign client: value and source time by device and tag."""
    client = Client(url or shop.opcua_url, timeout=5)
    client.session_timeout = 60_000
    read = {}
    async with client:
        index = await client.get_namespace_index(NAMESPACE)
        for station in OPCUA:
            nodes = [
                client.get_node(ua.NodeId(f"{station.id}.{point.address}", index))
                for point in station.points
            ]
            values = await client.read_attributes(nodes, ua.AttributeIds.Value)
            read[station.id] = {
                point.metric: (value.Value.Value if value.Value else None, value.SourceTimestamp)
                for point, value in zip(station.points, values, strict=True)
            }
    return read


async def read_point(client, station, point):
    """Read one Modbus point with a foreign client; None where the unit reports a failure."""
    at = place(point)
    ask = {
        "co": client.read_coils,
        "di": client.read_discrete_inputs,
        "hr": client.read_holding_registers,
        "ir": client.read_input_registers,
    }[at.table]
    answer = await ask(at.start, count=at.words, device_id=station.unit)
    if answer.isError():
        return None
    if at.table in {"co", "di"}:
        return answer.bits[0]
    data = b"".join(word.to_bytes(2, "big") for word in answer.registers)
    if at.bit is not None:
        return bool(answer.registers[0] >> at.bit & 1)
    if point.type == "string":
        return data.rstrip(b"\0").decode()
    return struct.unpack(FORMATS[point.type], data)[0]


async def read_modbus(shop):
    """Read every Modbus point with a foreign client: value by device and tag."""
    async with AsyncModbusTcpClient(shop.modbus_host, port=shop.modbus_port, retries=0) as client:
        return {
            station.id: {
                point.metric: await read_point(client, station, point) for point in station.points
            }
            for station in MODBUS
        }


def held(shop, stations):
    """Give the values of the truth by device and tag."""
    snapshot = shop.snapshot()
    return {s.id: {tag: one.value for tag, one in snapshot[s.id].items()} for s in stations}


async def compare_everything():
    """Read every point of every device and compare with the truth, some simulated minutes on."""
    async with Workshop(seed=3, tick_s=None) as shop:
        for elapsed_s in (0, 33, 61.5):
            await shop.advance(elapsed_s)
            opcua = await read_opcua(shop)
            values = {dev: {tag: v for tag, (v, _) in tags.items()} for dev, tags in opcua.items()}
            assert values == held(shop, OPCUA)
            assert await read_modbus(shop) == held(shop, MODBUS)
            for device, tags in opcua.items():
                for tag, (_, stamp) in tags.items():
                    stamp_us = round(stamp.timestamp() * 1e6)
                    assert stamp_us * 1_000 == shop.snapshot()[device][tag].time_ns


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_snapshot_is_what_a_foreign_client_reads(run):
    """Every tag of every device reads as the snapshot says, with its source time on OPC UA."""
    run(compare_everything())


async def test_same_seed_same_values():
    """Two shops of one seed hold the same after the same ticks."""
    one = Workshop(seed=9, tick_s=None)
    two = Workshop(seed=9, tick_s=None)
    for _ in range(40):
        await one.advance(0.7)
        await two.advance(0.7)
    assert held(one, STATIONS) == held(two, STATIONS)


async def test_time_passes_by_itself():
    """With ticks the values move without being asked, and a machine changes state soon."""
    async with Workshop(seed=1, speed=40, tick_s=0.05) as shop:
        before = {device: values["machine.state"] for device, values in held(shop, OPCUA).items()}
        async with asyncio.timeout(10):
            while before == {d: v["machine.state"] for d, v in held(shop, OPCUA).items()}:
                await shop.next_tick()


async def test_a_state_changes_every_few_seconds():
    """At the demo's speed of 3, no 15 s pass without a machine changing its state."""
    shop = Workshop(seed=1, tick_s=None)
    await shop.advance(0)
    last_change = now = 0
    states = None
    for now in range(900):
        await shop.advance(3)
        current = {d: v.get("machine.state") for d, v in held(shop, STATIONS).items()}
        assert states == current or now - last_change <= 15
        if states != current:
            states, last_change = current, now
    assert now == 899


async def test_unchanged_values_keep_their_stamp():
    """A value that does not change is not stamped anew."""
    shop = Workshop(seed=1, tick_s=None)
    await shop.advance(0)
    first = shop.snapshot()["L1"]["program.name"].time_ns
    await shop.advance(2)
    after = shop.snapshot()["L1"]
    assert after["program.name"].time_ns == first
    assert max(one.time_ns for one in after.values()) > first


async def test_freeze_holds_values_and_time():
    """A frozen device serves its old values with their old stamps, then catches up."""
    async with Workshop(seed=1, tick_s=None) as shop:
        for device in ("L1", "P1"):
            await shop.fault(device, MachineFault.FREEZE)
        before = shop.snapshot()
        await shop.advance(120)
        after = shop.snapshot()
        assert (after["L1"], after["P1"]) == (before["L1"], before["P1"])
        assert after["L2"] != before["L2"]
        assert (await read_modbus(shop))["P1"] == held(shop, MODBUS)["P1"]
        for device in ("L1", "P1"):
            await shop.fault(device, MachineFault.NONE)
        assert shop.snapshot()["L1"]["time.power_on"].value > before["L1"]["time.power_on"].value
        assert shop.snapshot()["P1"] != before["P1"]


async def test_bad_gives_no_value_and_recovers():
    """A bad device has no value anywhere, on both protocols; the others and recovery are whole."""
    async with Workshop(seed=1, tick_s=None) as shop:
        for device in ("V2", "P1"):
            await shop.fault(device, MachineFault.BAD)
        await shop.advance(5)
        opcua, modbus = await read_opcua(shop), await read_modbus(shop)
        assert {value for value, _ in opcua["V2"].values()} == {None}
        assert set(modbus["P1"].values()) == {None}
        assert None not in modbus["M0"].values()
        assert None not in {value for value, _ in opcua["V1"].values()}
        for device in ("V2", "P1"):
            await shop.fault(device, MachineFault.NONE)
        await shop.advance(5)
        assert await read_modbus(shop) == held(shop, MODBUS)
        assert None not in {value for value, _ in (await read_opcua(shop))["V2"].values()}


async def test_off_says_off():
    """A machine switched off says so, and the meter of its feeder goes down to nothing."""
    async with Workshop(seed=1, tick_s=None) as shop:
        await shop.advance(30)
        for device in ("L1", "P1", "L5"):
            await shop.fault(device, MachineFault.OFF)
        await shop.advance(30)
        now = held(shop, STATIONS)
        assert now["L1"]["machine.state"] == now["P1"]["machine.state"] == 0
        assert now["L5"]["power.active"] == 0
        assert now["L5"]["voltage.l1"] > 200
        with pytest.raises(KeyError, match="L4"):
            await shop.fault("L4", MachineFault.OFF)


async def test_history_covers_what_was_held():
    """The history yields exactly the values between two moments, the one held at first included."""
    shop = Workshop(seed=1, tick_s=None, history=1000)
    await shop.advance(0)
    values = []
    start_ns = time.time_ns()
    for _ in range(20):
        values.append(held(shop, STATIONS)["M0"]["power.active"])
        await shop.advance(1)
    end_ns = time.time_ns()
    past = shop.board.between("M0", "power.active", from_ns=start_ns, to_ns=end_ns)
    assert [one.value for one in past][: len(values)] == values
    assert all(a.time_ns < b.time_ns for a, b in pairwise(past))


async def test_behind_proxies_nothing_changes():
    """Through a proxy before each server, everything reads as the truth says."""
    async with (
        Workshop(seed=4, tick_s=None) as shop,
        TcpProxy("127.0.0.1", shop.opcua.port) as opcua,
        TcpProxy("127.0.0.1", shop.modbus_port) as modbus,
    ):
        await shop.advance(20)
        url = shop.opcua_url.replace(f":{shop.opcua.port}/", f":{opcua.port}/")
        described = shop.describe(endpoints=Endpoints(url, modbus.host, modbus.port))
        read = await read_opcua(shop, url=described["devices"][0]["url"])
        assert {d: {t: v for t, (v, _) in tags.items()} for d, tags in read.items()} == held(
            shop, OPCUA
        )
        port = next(one["port"] for one in described["devices"] if one["id"] == "P1")
        async with AsyncModbusTcpClient("127.0.0.1", port=port, retries=0) as client:
            for point in MODBUS[0].points:
                expected = shop.snapshot()["P1"][point.metric].value
                assert await read_point(client, MODBUS[0], point) == expected
        assert opcua.accepted >= 1
        assert modbus.accepted == 1


async def test_server_clock_is_there_from_the_start():
    """The server's own clock is set when it starts, and moves with the ticks."""
    async with Workshop(seed=1, tick_s=None) as shop, Client(shop.opcua_url) as client:
        clock = client.get_node(ua.ObjectIds.Server_ServerStatus_CurrentTime)
        started = await clock.read_value()
        await shop.advance(0)
        assert time.time() - 60 < started.timestamp() < (await clock.read_value()).timestamp()


async def test_leaving_closes_everything():
    """After the block nothing listens and no task is left."""
    tasks = asyncio.all_tasks()
    async with Workshop(seed=1, tick_s=0.1) as shop:
        where = shop.modbus_port, shop.opcua.port
    for port in where:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
    assert asyncio.all_tasks() == tasks
