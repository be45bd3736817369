"""The agent as the listening side: DTUs dial in, register, beat, restart, or are strangers."""

from __future__ import annotations

import asyncio
import logging
import socket

import pytest
from unit.drivers.modbus.rtu_peers import config, plan, register, values

from drivers.api import ConnectError, SessionLost
from drivers.modbus import DRIVER
from drivers.modbus.wire.listen import close_listeners

ADDRESSES = ("hr:0", "hr:1", "hr:5")


def at(port, **settings):
    """Make the config of a unit behind a DTU that dials in at the port."""
    return config(listen=f"127.0.0.1:{port}", **settings)


async def read(made, *addresses):
    """Open a session, read once, leave."""
    async with DRIVER.open(DRIVER.link(made)) as session:
        return (await session.read(plan(made, *addresses))).values


@pytest.mark.parametrize(
    "chunks",
    [[b"REG1"], [b"RE", b"G1"], [b"REG1\x55\x55"], [b"REG1REG1"], [b"R", b"EG1\x55"]],
    ids=["whole", "torn", "glued to heartbeats", "twice", "torn and glued"],
)
async def test_a_dtu_is_told_by_its_registration(port, dial, chunks):
    """However its first bytes arrive, the DTU is known and its units are read."""
    made = at(port, registration="REG1", heartbeat="hex:55")
    reading = asyncio.create_task(read(made, *ADDRESSES))
    await dial(*chunks)
    assert await reading == values(ADDRESSES)


async def test_two_dtus_share_a_port(port, dial):
    """Each link gets the DTU of its registration, whoever comes first."""
    first, second = at(port, registration="AAA"), at(port, registration="AAB", unit=2)
    readings = [asyncio.create_task(read(each, *ADDRESSES)) for each in (first, second)]
    await dial(b"AAB")
    await dial(b"AAA")
    assert await asyncio.gather(*readings) == [values(ADDRESSES), values(ADDRESSES, 2)]


async def test_without_registration_whoever_dials_in_is_taken(port, dial):
    """A link without registration takes the only DTU, which need not say anything."""
    reading = asyncio.create_task(read(at(port), *ADDRESSES))
    await dial()
    assert await reading == values(ADDRESSES)


async def test_a_dtu_that_does_not_dial_in_is_a_connect_error(port):
    """Opening says in both languages that the DTU has not dialled in, and what to check."""
    with pytest.raises(ConnectError, match="has not dialled in") as caught:
        await read(at(port, registration="X", connect_timeout_s=0.05), "hr:0")
    assert "没有拨入" in caught.value.zh
    assert "SIM" in caught.value.hint
    assert "注册包" in caught.value.hint_zh


async def test_a_stranger_is_sent_away_and_named(port, dial, caplog):
    """A connection that says no known registration is closed and logged with what it sent."""
    made = at(port, registration="REG1", connect_timeout_s=0.1)
    opening = asyncio.create_task(read(made, "hr:0"))
    with caplog.at_level(logging.WARNING):
        stranger = await dial(b"GET /")
        async with asyncio.timeout(5):
            await stranger.dropped
    with pytest.raises(ConnectError):
        await opening
    assert "47 45 54 20 2f" in caplog.text
    assert stranger.requests == []


async def test_between_sessions_the_dtu_is_kept(port, dial):
    """A DTU that dials in while no session is open is there for the next one, at once."""
    made = at(port, registration="REG1", connect_timeout_s=0.2)
    with pytest.raises(ConnectError):
        await read(made, "hr:0")
    dtu = await dial(b"REG1")
    dtu.send(b"\x55\x55")  # it beats while it waits
    assert await read(made, "hr:7") == (register(7),)


async def test_a_restarted_dtu_replaces_its_old_connection(port, dial):
    """A newer connection with the same registration ends the older; the next session has it."""
    made = at(port, registration="REG1")
    link = DRIVER.link(made)
    first = asyncio.create_task(dial(b"REG1"))
    async with DRIVER.open(link) as session:
        await session.read(plan(made, "hr:0"))
        older = await first
        await dial(b"REG1")
        async with asyncio.timeout(5):
            await older.dropped
        with pytest.raises(SessionLost, match="dialled in anew") as caught:
            await session.read(plan(made, "hr:0"))
        assert caught.value.zh
    async with DRIVER.open(link) as session:
        assert (await session.read(plan(made, "hr:9"))).values == (register(9),)


async def test_a_dtu_that_hangs_up_ends_the_session(port, dial):
    """When the DTU closes, the session is lost; it may dial in again."""
    made = at(port, registration="REG1")
    first = asyncio.create_task(dial(b"REG1"))
    async with DRIVER.open(DRIVER.link(made)) as session:
        await session.read(plan(made, "hr:0"))
        (await first).transport.abort()
        with pytest.raises(SessionLost):
            async with asyncio.timeout(5):
                while True:
                    await session.read(plan(made, "hr:0"))
    reading = asyncio.create_task(read(made, "hr:1"))
    await dial(b"REG1")
    assert await reading == (register(1),)


async def test_a_port_in_use_is_said_to_be(port):
    """Listening at a port of another program is a ConnectError that says so."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(ConnectError, match="cannot listen") as caught:
            await read(at(port), "hr:0")
    assert "监听" in caught.value.zh


async def test_nothing_is_left_when_told_to_close(port):
    """After close_listeners the port is free again."""
    with pytest.raises(ConnectError):
        await read(at(port, connect_timeout_s=0.05), "hr:0")
    close_listeners()
    await asyncio.sleep(0)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))


def test_the_end_of_the_loop_closes_the_port(port_number):
    """A program that ends does not leave the listening port to the garbage collector."""

    async def run():
        with pytest.raises(ConnectError):
            await read(at(port_number, connect_timeout_s=0.05), "hr:0")

    asyncio.run(run())
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port_number))


@pytest.fixture
def port_number():
    """Give a free port to a test without a loop."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
