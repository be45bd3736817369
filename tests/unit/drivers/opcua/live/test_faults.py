"""Servers that stop, hang, forget, refuse and limit."""

from __future__ import annotations

import asyncio
import itertools
import time
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr
from unit.drivers.opcua.live.conftest import VARIABLES, Reader, collect
from unit.drivers.opcua.opcua_server import NAMESPACE, OpcuaPeer

from drivers.api import AccessError, ConnectError, SessionLost
from drivers.opcua.opening import open_session
from drivers.testing.expect import eventually
from drivers.testing.wire import TcpWire


@asynccontextmanager
async def wired(peer, *names):
    """Put a wire before a server; give it and a reader that reads through it."""
    wire = TcpWire("127.0.0.1", peer.port)
    host, port = await wire.start()
    try:
        yield wire, Reader(f"opc.tcp://{host}:{port}/test", names or ("V0",), timeout_s=0.5)
    finally:
        await wire.stop()


async def lost(frames, *, within_s):
    """Drain frames until the stream says that the session is lost."""
    async with asyncio.timeout(within_s):
        with pytest.raises(SessionLost) as caught:
            async for _ in frames:
                pass
    return str(caught.value)


async def test_restart_ends_the_session_and_a_new_one_finds_its_nodes():
    """A restart ends the subscription; a new session finds its nodes under new indexes."""
    peer = OpcuaPeer(VARIABLES, namespaces=("urn:a", NAMESPACE))
    await asyncio.to_thread(peer.start)
    reader = Reader(peer.url)
    try:
        async with open_session(reader.link) as session, reader.frames(session) as frames:
            assert (await reader.current(session)).values == (0, 1, 2)
            await anext(frames)
            await asyncio.to_thread(peer.stop)
            await lost(frames, within_s=1)
        with pytest.raises(ConnectError, match="refused the connection"):
            async with open_session(reader.link):
                pass
        peer.namespaces = (NAMESPACE, "urn:b", "urn:a")
        await asyncio.to_thread(peer.start)
        async with open_session(reader.link) as session, reader.frames(session) as frames:
            assert (await reader.current(session)).values == (0, 1, 2)
            seen = await collect(frames, ["V0", "V1", "V2"], lambda seen: len(seen) == 3)
        assert seen == {"V0": (0, ""), "V1": (1, ""), "V2": (2, "")}
    finally:
        await asyncio.to_thread(peer.stop)


async def test_frozen_server_is_noticed_by_its_silence(peer):
    """Three missed keep-alive messages end the subscription, whatever the connection looks like."""
    async with (
        wired(peer) as (wire, reader),
        open_session(reader.link) as session,
        reader.frames(session) as frames,
    ):
        await anext(frames)
        wire.freeze()
        began = time.monotonic()
        assert "kept silent" in await lost(frames, within_s=2)
        assert time.monotonic() - began > 0.3
        with pytest.raises(SessionLost):
            await session.read(reader.plan)


async def test_idle_session_notices_a_dead_server(peer):
    """A session that nobody reads asks by itself, and ends when there is no answer."""
    async with wired(peer) as (wire, reader), open_session(reader.link) as session:
        keeper = asyncio.create_task(session.keep(interval_s=0.02, timeout_s=0.1))
        assert not await eventually(keeper.done, within_s=0.2)
        wire.freeze()
        async with asyncio.timeout(2):
            await keeper
        assert not session.alive
        with pytest.raises(SessionLost, match="no answer in time"):
            await session.read(reader.plan)


async def test_points_that_appear_later_are_found(peer):
    """A node that the server did not have yet is asked for again, and gives its values then."""
    name = f"Late{next(SERIAL)}"
    reader = Reader(peer.url, ("V1", name))
    async with open_session(reader.link) as session, reader.frames(session) as frames:
        seen = await collect(frames, ["V1", name], lambda seen: len(seen) == 2)
        assert seen[name] == (None, "BadNodeIdUnknown")
        await asyncio.to_thread(peer.add, name, 5)
        keeper = asyncio.create_task(session.keep(interval_s=0.05))
        seen = await collect(frames, ["V1", name], lambda seen: name in seen)
        keeper.cancel()
    assert seen == {name: (5, "")}


async def test_renewed_channel_goes_on(peer):
    """Renewing the channel's keys disturbs neither reads nor subscriptions."""
    reader = Reader(peer.url)
    async with open_session(reader.link) as session, reader.frames(session) as frames:
        await anext(frames)
        for _ in range(5):
            assert await session._services.renew_channel() > 60
            assert (await reader.current(session)).values == (0, 1, 2)


async def test_short_pause_is_no_loss(peer):
    """A server that pauses for less than that loses nothing."""
    async with (
        wired(peer, "W0") as (wire, reader),
        open_session(reader.link) as session,
        reader.frames(session) as frames,
    ):
        await collect(frames, ["W0"], lambda seen: "W0" in seen)
        wire.freeze()
        await asyncio.to_thread(peer.write, "W0", 77)
        await asyncio.sleep(0.25)  # the pause itself
        wire.thaw()
        seen = await collect(frames, ["W0"], lambda seen: "W0" in seen)
    assert seen == {"W0": (77, "")}


async def test_subscription_ended_by_the_server_is_told(peer):
    """A subscription that the server forgets ends with an error, not in silence."""
    reader = Reader(peer.url)
    async with open_session(reader.link) as session, reader.frames(session) as frames:
        await anext(frames)
        await asyncio.to_thread(peer.end_subscriptions)
        await lost(frames, within_s=3)


SERIAL = itertools.count()
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
async def test_limits_of_the_server_are_kept(peer, declared, most, largest):
    """Declared limits are kept, others found by halving; every point is covered either way."""
    peer.most.update(most)
    peer.declare(declared)
    peer.calls.clear()
    reader = Reader(peer.url, NAMES)
    async with open_session(reader.link) as session:
        assert (await reader.current(session)).values == tuple(range(50))
        async with reader.frames(session) as frames:
            seen = await collect(frames, NAMES, lambda seen: len(seen) == 50)
        accepted = [count for call, count in peer.calls if count <= most[call]]
    assert seen == {f"V{n}": (n, "") for n in range(50)}
    assert max(accepted) == largest


async def test_our_own_cap_holds_too(peer):
    """No request is larger than max_items_per_call."""
    peer.calls.clear()
    reader = Reader(peer.url, NAMES, max_items_per_call=16)
    async with open_session(reader.link) as session:
        await reader.current(session)
        async with reader.frames(session) as frames:
            await collect(frames, NAMES, lambda seen: len(seen) == 50)
    assert max(count for _, count in peer.calls) == 16
    assert reader.plan.requests == 4


LOGIN = {"username": "op", "password": SecretStr("geheim")}


async def test_password_is_not_sent_readable(peer):
    """Where nothing can hide a password it is not sent, unless that is allowed."""
    peer.passwords["op"] = "geheim"
    with pytest.raises(AccessError, match="hide the password"):
        async with open_session(Reader(peer.url, **LOGIN).link):
            pass
    reader = Reader(peer.url, allow_plain_password=True, **LOGIN)
    async with open_session(reader.link) as session:
        assert (await reader.current(session)).values == (0, 1, 2)


async def test_wrong_password_is_an_access_error(peer):
    """A refused login is an AccessError with advice, and does not show the password."""
    peer.passwords["op"] = "other"
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
    reader = Reader(peer.url, ("W9",))
    async with open_session(reader.link) as session, reader.frames(session) as frames:
        await anext(frames)
        stream = next(iter(session._streams))
        stream._frames._room = 2
        for value in range(100, 106):
            await asyncio.to_thread(peer.write, "W9", value)
            assert await eventually(lambda at=value: newest(stream) == at)
        left = [await anext(frames), await anext(frames)]
    assert [(frame.values, frame.overflow) for frame in left] == [((104,), 4), ((105,), 0)]
    assert stream.dropped == 4


def newest(stream):
    """Give the value that came last, without taking it."""
    waiting = stream._frames._frames
    return waiting[-1].values[-1] if waiting else None
