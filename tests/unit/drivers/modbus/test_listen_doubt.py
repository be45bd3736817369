"""DTUs that dial in and could be taken for another, or come too late: never a wrong device."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import pytest
from unit.drivers.modbus.rtu_peers import config, honest, plan, register

from drivers.api import ConnectError, SessionLost, Silent
from drivers.modbus import DRIVER
from drivers.modbus.wire import listen
from drivers.modbus.wire.caller import Caller


def at(port, **settings):
    """Make the config of a unit behind a DTU that dials in at the port."""
    return config(listen=f"127.0.0.1:{port}", **settings)


async def read(made, *addresses):
    """Open a session, read once, leave."""
    async with DRIVER.open(DRIVER.link(made)) as session:
        return (await session.read(plan(made, *addresses))).values


async def test_a_registration_that_begins_a_longer_one_is_told(port, dial):
    """DTU-1 is taken though DTU-10 is known: it has its patience to say more, and does not."""
    one = at(port, registration="DTU-1", connect_timeout_s=0.1)
    ten = at(port, registration="DTU-10", connect_timeout_s=5, unit=2)
    waiting = asyncio.create_task(read(ten, "hr:0"))
    with pytest.raises(ConnectError):
        await read(one, "hr:0")
    listener_at(port)._patience_s[b"DTU-10"] = 0.1
    await dial(b"DTU-1")
    async with asyncio.timeout(5):
        while True:
            with suppress(ConnectError):
                assert await read(one, "hr:3") == (register(3),)
                break
    await dial(b"DTU-10")
    assert await waiting == (register(0, 2),)


async def test_without_registration_no_other_dtu_is_taken(port, dial):
    """Where DTUs with registrations dial in, a link without one gets none: it may be another's."""
    anyone, told = at(port), at(port, registration="REG1")
    first = asyncio.create_task(dial())
    async with DRIVER.open(DRIVER.link(anyone)) as session:
        await session.read(plan(anyone, "hr:0"))
        await first
        reading = asyncio.create_task(read(told, "hr:1"))
        async with asyncio.timeout(5):
            await (await first).dropped
        with pytest.raises(SessionLost, match="cannot be told") as caught:
            await session.read(plan(anyone, "hr:0"))
        assert caught.value.zh
        await dial(b"REG1")
        assert await reading == (register(1),)
    with pytest.raises(ConnectError, match="registration") as refused:
        await read(anyone, "hr:0")
    assert refused.value.zh
    assert refused.value.hint_zh


async def test_a_dtu_that_comes_in_the_last_moment_is_kept(port, dial):
    """A DTU that registers as the wait for it ends is there for the next session."""
    made = at(port, registration="REG1", connect_timeout_s=0.05)
    with pytest.raises(ConnectError):
        await read(made, "hr:0")
    listener, known = listener_at(port), DRIVER.link(made)
    waiting = asyncio.create_task(listener.line(known))
    await asyncio.sleep(0)
    caller = Caller(listener)
    asyncio.get_running_loop().call_later(0.02, listener.registered, caller, b"REG1")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    time.sleep(0.1)  # both the DTU and the end of the wait fall into one turn
    with pytest.raises(ConnectError):
        await waiting
    assert listener._parked == {b"REG1": caller}


async def test_no_more_callers_are_kept_than_fit(port, dial, monkeypatch):
    """Who dials in beyond the bound is sent away at once; the others stay."""
    monkeypatch.setattr(listen, "CALLERS", 2)
    opening = asyncio.create_task(read(at(port, registration="REG1"), "hr:0"))
    kept = [await dial(b"R"), await dial(b"R")]
    beyond = await dial(b"R")
    async with asyncio.timeout(5):
        await beyond.dropped
    assert not any(each.dropped.done() for each in kept)
    kept[0].send(b"EG1")
    assert await opening == (register(0),)


async def test_what_a_stalled_network_held_back_is_never_an_answer(port, dial):
    """A connection silent for late_s is left: all it held back may be answered at any time."""
    made = at(port, registration="REG1", timeout_s=0.05, late_s=0.2)
    link = DRIVER.link(made)
    held = []
    first = asyncio.create_task(dial(b"REG1"))
    async with DRIVER.open(link) as session:
        await session.read(plan(made, "hr:0"))
        dtu = await first
        dtu.answer = held.append
        began = time.monotonic()
        with pytest.raises(Silent):
            await session.read(plan(made, "hr:100"))
        dtu.answer = lambda request: [honest(each) for each in (*held, request)]
        await asyncio.sleep(began + 0.3 - time.monotonic())  # the debt ends with this time alone
        with pytest.raises(SessionLost, match="let nothing through") as caught:
            await session.read(plan(made, "hr:200"))
        assert caught.value.zh
    await dial(b"REG1")
    assert await read(made, "hr:200") == (register(200),)


def listener_at(port):
    """Give the listener of the running loop at a port."""
    return listen._LISTENERS[asyncio.get_running_loop()]["127.0.0.1", port]
