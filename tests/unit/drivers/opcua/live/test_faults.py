"""Servers that stop, hang, forget, refuse and limit."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr
from unit.drivers.opcua.live.conftest import Reader, collect, variables
from unit.drivers.opcua.opcua_server import NAMESPACE

from drivers.api import AccessError, ConnectError, SessionLost
from drivers.opcua.opening import open_session
from drivers.testing.expect import eventually
from drivers.testing.wire import TcpWire


@asynccontextmanager
async def wired(peer):
    """Put a wire before a server; give it and a reader that reads through it."""
    wire = TcpWire("127.0.0.1", peer.port)
    host, port = await wire.start()
    try:
        yield wire, Reader(f"opc.tcp://{host}:{port}/test", timeout_s=0.5)
    finally:
        await wire.stop()


async def lost(frames, *, within_s):
    """Drain frames until the stream says that the session is lost."""
    async with asyncio.timeout(within_s):
        with pytest.raises(SessionLost) as caught:
            async for _ in frames:
                pass
    return str(caught.value)


async def test_restart_ends_the_session_and_a_new_one_works(peers):
    """A server that restarts ends the subscription at once; a new session reads it again."""
    peer = peers()
    reader = Reader(peer.url)
    async with open_session(reader.link) as session, reader.frames(session) as frames:
        await anext(frames)
        await asyncio.to_thread(peer.stop)
        await lost(frames, within_s=1)
    with pytest.raises(ConnectError):
        async with open_session(reader.link):
            pass
    await asyncio.to_thread(peer.start)
    async with open_session(reader.link) as session:
        assert (await reader.current(session)).values == (0, 1, 2)


async def test_frozen_server_is_noticed_by_its_silence(peer):
    """Three missed keep-alives end the subscription, whatever the connection looks like."""
    async with wired(peer) as (wire, reader):
        async with open_session(reader.link) as session, reader.frames(session) as frames:
            await anext(frames)
            wire.freeze()
            began = time.monotonic()
            assert "kept silent" in await lost(frames, within_s=2)
            assert time.monotonic() - began > 0.3
            with pytest.raises(SessionLost):
                await session.read(reader.plan)


async def test_short_pause_is_no_loss(peer):
    """A server that pauses less than three keep-alives loses nothing."""
    async with wired(peer) as (wire, reader):
        async with open_session(reader.link) as session, reader.frames(session) as frames:
            await collect(frames, ["V0", "V1", "V2"], lambda seen: len(seen) == 3)
            wire.freeze()
            await asyncio.to_thread(peer.write, "V0", 77)
            await asyncio.sleep(0.25)  # the pause itself
            wire.thaw()
            seen = await collect(frames, ["V0", "V1", "V2"], lambda seen: "V0" in seen)
    await asyncio.to_thread(peer.write, "V0", 0)
    assert seen == {"V0": (77, "")}


async def test_subscription_ended_by_the_server_is_told(peers):
    """A subscription that the server forgets ends with an error, not in silence."""
    peer = peers()
    reader = Reader(peer.url)
    async with open_session(reader.link) as session, reader.frames(session) as frames:
        await anext(frames)
        await asyncio.to_thread(peer.end_subscriptions)
        await lost(frames, within_s=3)


async def test_namespaces_may_change_places_between_sessions(peers):
    """After a restart with other namespace indexes, every tag is still its own node."""
    peer = peers(namespaces=("urn:a", NAMESPACE))
    reader = Reader(peer.url)
    async with open_session(reader.link) as session:
        assert (await reader.current(session)).values == (0, 1, 2)
    await asyncio.to_thread(peer.stop)
    peer.namespaces = (NAMESPACE, "urn:b", "urn:a")
    await asyncio.to_thread(peer.start)
    async with open_session(reader.link) as session:
        assert (await reader.current(session)).values == (0, 1, 2)
        async with reader.frames(session) as frames:
            seen = await collect(frames, ["V0", "V1", "V2"], lambda seen: len(seen) == 3)
    assert seen == {"V0": (0, ""), "V1": (1, ""), "V2": (2, "")}


NAMES = tuple(f"V{n}" for n in range(50))


@pytest.mark.parametrize(
    ("declared", "most", "largest"),
    [
        ({"MaxNodesPerRead": 20, "MaxMonitoredItemsPerCall": 20}, {"read": 20, "monitor": 20}, 20),
        ({"MaxNodesPerRead": 0, "MaxMonitoredItemsPerCall": 0}, {"read": 7, "monitor": 7}, 6),
        ({"MaxNodesPerRead": 1, "MaxMonitoredItemsPerCall": 1}, {"read": 1, "monitor": 1}, 1),
    ],
    ids=["declared", "undeclared", "one"],
)
async def test_limits_of_the_server_are_kept(peers, declared, most, largest):
    """Declared limits are kept, others found by halving; every point is covered either way."""
    peer = peers(variables=variables(50), declared=declared, most=most)
    reader = Reader(peer.url, NAMES)
    async with open_session(reader.link) as session:
        assert (await reader.current(session)).values == tuple(range(50))
        async with reader.frames(session) as frames:
            seen = await collect(frames, NAMES, lambda seen: len(seen) == 50)
        accepted = [count for call, count in peer.calls if count <= most[call]]
    assert seen == {f"V{n}": (n, "") for n in range(50)}
    assert max(accepted) == largest


async def test_our_own_cap_holds_too(peers):
    """No request is larger than max_items_per_call."""
    peer = peers(variables=variables(50))
    reader = Reader(peer.url, NAMES, max_items_per_call=16)
    async with open_session(reader.link) as session:
        await reader.current(session)
        async with reader.frames(session) as frames:
            await collect(frames, NAMES, lambda seen: len(seen) == 50)
    assert max(count for _, count in peer.calls) == 16
    assert reader.plan.requests == 4


LOGIN = {"username": "op", "password": SecretStr("geheim")}


async def test_password_is_not_sent_readable(peers):
    """Where nothing can hide a password it is not sent, unless that is allowed."""
    peer = peers(passwords={"op": "geheim"})
    with pytest.raises(AccessError, match="hide the password"):
        async with open_session(Reader(peer.url, **LOGIN).link):
            pass
    reader = Reader(peer.url, allow_plain_password=True, **LOGIN)
    async with open_session(reader.link) as session:
        assert (await reader.current(session)).values == (0, 1, 2)


async def test_wrong_password_is_an_access_error(peers):
    """A refused login is an AccessError with advice, and does not show the password."""
    peer = peers(passwords={"op": "other"})
    reader = Reader(peer.url, allow_plain_password=True, **LOGIN)
    with pytest.raises(AccessError, match="BadUserAccessDenied") as caught:
        async with open_session(reader.link):
            pass
    assert caught.value.hint
    assert "geheim" not in repr(caught.value)


async def test_what_is_no_server_is_a_connect_error():
    """A port where something else listens is a ConnectError in plain words."""

    async def babble(reader, writer):
        await reader.read(100)
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n" * 10)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(ConnectError):
            async with open_session(Reader(f"opc.tcp://127.0.0.1:{port}", timeout_s=0.5).link):
                pass


async def test_slow_host_loses_the_oldest_and_knows(peer):
    """A host that does not take frames finds the loss counted and the newest values kept."""
    reader = Reader(peer.url, ("V9",))
    async with open_session(reader.link) as session, reader.frames(session) as frames:
        await anext(frames)
        stream = next(iter(session._streams))
        stream._frames._room = 2
        for value in range(100, 106):
            await asyncio.to_thread(peer.write, "V9", value)
            assert await eventually(lambda at=value: newest(stream) == at)
        left = [await anext(frames), await anext(frames)]
    assert [(frame.values, frame.overflow) for frame in left] == [((104,), 4), ((105,), 0)]
    assert stream.dropped == 4


def newest(stream):
    """Give the value that came last, without taking it."""
    waiting = stream._frames._frames
    return waiting[-1].values[-1] if waiting else None
