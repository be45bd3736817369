"""The socket of a running agent: for its own user, bounded, and gone with the agent."""

import asyncio
import contextlib
import json
import os
import socket
import stat

import pytest
from unit.agent.control.machine import TAGS, Bench

from agent.control import server as server_module
from agent.control.client import NoAgent, NoAnswer, hand_in
from agent.control.outcome import Fate, Order
from agent.control.place import addressed, history_path, socket_path
from agent.control.server import listening, local_user
from agent.control.service import taking_orders, writable_points

ORDER = Order("oven", "setpoint", "22", "somebody else")


@contextlib.asynccontextmanager
async def connection(path):
    with addressed(path) as address:
        reader, writer = await asyncio.open_unix_connection(address)
    try:
        yield reader, writer
    finally:
        writer.close()


async def said(path, line):
    """Send a line; give the answer, decoded, None for a connection that is just closed."""
    answer = b""
    async with asyncio.timeout(5), connection(path) as (reader, writer):
        writer.write(line)
        with contextlib.suppress(ConnectionError):  # closed before all of it was taken
            answer = await reader.read()
    return json.loads(answer) if answer else None


@pytest.fixture
async def served(tmp_path):
    bench = Bench(tmp_path)
    path = tmp_path / "store.control"
    async with listening(bench.desk, path):
        yield bench, path


async def test_an_order_is_taken_and_answered(served):
    """An order handed in by the client is carried out, in the name the kernel tells."""
    bench, path = served
    preview = await asyncio.to_thread(hand_in, path, "preview", ORDER)
    assert (preview.fate, preview.old, preview.new) == (Fate.READY, 20.5, 22)
    outcome = await asyncio.to_thread(hand_in, path, "write", ORDER)
    assert (outcome.fate, outcome.after) == (Fate.CONFIRMED, 22)
    assert bench.session.sent == [("setpoint", 220)]
    assert [event["by"] for event in bench.events] == [local_user(os.geteuid())]


async def test_only_the_agents_user_may_connect(served):
    """The socket is readable and writable by its owner alone."""
    _, path = served
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_ISSOCK(path.stat().st_mode)


async def test_others_get_no_answer(served, monkeypatch, caplog):
    """A peer of another user is cut off, whatever it sends."""
    bench, path = served
    monkeypatch.setattr(server_module, "_peer_uid", lambda _sock: 4_000_000_001)
    line = json.dumps({"op": "write", "device": "oven", "tag": "setpoint", "value": "22"})
    assert await said(path, line.encode() + b"\n") is None
    assert bench.session.sent == []
    assert "uid:4000000001" in caplog.text


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"{}\n",
        b"[1]\n",
        b"null\n",
        b"\xff\xfe\n",
        b'{"op": "erase", "device": "oven", "tag": "setpoint", "value": "22"}\n',
        b'{"op": "write", "device": "oven", "tag": "setpoint", "value": 22}\n',
        b'{"op": "write", "device": "oven", "tag": "setpoint"}\n',
        b'{"op": ["write"], "device": "oven", "tag": "setpoint", "value": "1"}\n',
        b"[" * 4000 + b"\n",
        b"x" * 10_000 + b"\n",
    ],
)
async def test_what_is_no_order_is_refused(served, line):
    """Garbage is answered as such, and the next order is taken."""
    bench, path = served
    answer = await said(path, line)
    assert (answer["fate"], answer["code"]) == ("refused", "malformed")
    assert bench.session.sent == []
    assert (await asyncio.to_thread(hand_in, path, "write", ORDER)).fate is Fate.CONFIRMED


async def test_who_says_nothing_is_not_waited_for(served, monkeypatch):
    """A connection without a line is ended after a while."""
    _, path = served
    monkeypatch.setattr(server_module, "ASK_S", 0.05)
    answer = await said(path, b"")
    assert answer["code"] == "malformed"


async def test_connections_are_few(served):
    """Beyond the limit a connection is closed at once; the ones before are served."""
    _, path = served
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        release = asyncio.Event()

        async def idle(ready):
            async with connection(path) as (_, writer):
                writer.write(b'{"op"')
                await writer.drain()
                ready.set()
                await release.wait()

        readies = [asyncio.Event() for _ in range(server_module.MAX_CONNECTIONS)]
        for ready in readies:
            group.create_task(idle(ready))
            await ready.wait()
        with pytest.raises(NoAnswer):
            while True:  # until the server has seen all of them
                await asyncio.to_thread(hand_in, path, "preview", ORDER)
        release.set()


async def test_an_order_outlives_its_asker(served):
    """Who hangs up after the line does not stop what was ordered."""
    bench, path = served
    done = asyncio.Event()
    told = bench.session.write

    async def write(plan, values):
        done.set()
        return await told(plan, values)

    bench.session.write = write
    async with connection(path) as (_, writer):
        line = {"op": "write", "device": "oven", "tag": "setpoint", "value": "22"}
        writer.write(json.dumps(line).encode() + b"\n")
        await writer.drain()
    async with asyncio.timeout(5):
        await done.wait()
    assert bench.session.sent == [("setpoint", 220)]


async def test_the_end_ends_what_is_under_way(tmp_path):
    """Leaving while a write is out puts it on record and removes the socket."""
    bench, path = Bench(tmp_path), tmp_path / "c"
    sent = asyncio.Event()

    async def never(_plan, _values):
        sent.set()
        await asyncio.Event().wait()

    bench.session.write = never
    async with listening(bench.desk, path):
        asking = asyncio.create_task(asyncio.to_thread(hand_in, path, "write", ORDER))
        await sent.wait()
    with pytest.raises(NoAnswer):
        await asking
    assert [event["reason"] for event in bench.events] == ["BadShutdown"]
    assert not path.exists()
    with pytest.raises(NoAgent):
        hand_in(path, "write", ORDER)


async def test_a_socket_left_behind_is_replaced(tmp_path):
    """After a kill the next agent listens at the same path."""
    path = tmp_path / "c"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with pytest.raises(NoAgent):
        hand_in(path, "preview", ORDER)
    async with listening(Bench(tmp_path).desk, path):
        outcome = await asyncio.to_thread(hand_in, path, "preview", ORDER)
    assert outcome.fate is Fate.READY


async def test_a_deep_folder_is_no_obstacle(tmp_path):
    """A path longer than a socket address is reached all the same."""
    folder = tmp_path / ("d" * 120)
    folder.mkdir()
    async with listening(Bench(tmp_path).desk, folder / "c"):
        outcome = await asyncio.to_thread(hand_in, folder / "c", "preview", ORDER)
        assert outcome.fate is Fate.READY
    assert list(folder.iterdir()) == []


async def test_a_long_file_name_is_no_obstacle(tmp_path):
    """A store whose name alone is longer than a socket address has its socket beside it too."""
    store = tmp_path / ("s" * 200 + ".db")
    path = socket_path(store)
    assert path.parent == tmp_path
    assert path != socket_path(store.with_name("t" + store.name[1:]))
    with pytest.raises(NoAgent):
        hand_in(path, "preview", ORDER)
    async with listening(Bench(tmp_path).desk, path):
        outcome = await asyncio.to_thread(hand_in, path, "preview", ORDER)
    assert outcome.fate is Fate.READY


async def test_without_leave_there_is_no_socket(tmp_path):
    """An agent of which no point may be written listens to nobody."""
    plain = tuple(tag.model_copy(update={"write": None}) for tag in TAGS)
    devices = Bench(tmp_path, tags=plain).devices
    assert writable_points(devices) == 0
    store = tmp_path / "chulian.db"
    async with taking_orders(
        devices, store=store, session=lambda _: None, record=lambda *_: None
    ) as path:
        assert path == ""
        assert list(tmp_path.iterdir()) == []


async def test_an_agent_takes_orders_beside_its_store(tmp_path, caplog):
    """With leave the path is told, and the session is the collector's own."""
    bench = Bench(tmp_path)
    store = tmp_path / "chulian.db"
    async with taking_orders(
        bench.devices, store=store, session=lambda _: bench.session, record=bench.record
    ) as path:
        assert path == str(socket_path(store)) == f"{store}.control"
        outcome = await asyncio.to_thread(hand_in, socket_path(store), "write", ORDER)
    assert outcome.fate is Fate.CONFIRMED
    assert history_path(store).exists()
    assert "3 points may be written" in caplog.text


async def test_a_socket_that_cannot_be_made_stops_nobody(tmp_path, caplog):
    """Collecting goes on without orders; the log says why."""
    async with taking_orders(
        Bench(tmp_path).devices, store=tmp_path / "none" / "chulian.db",
        session=lambda _: None, record=lambda *_: None,
    ) as path:  # fmt: skip
        assert path == ""
    assert "no orders to write are taken" in caplog.text


def test_an_unknown_user_has_a_name():
    """Who is not in the box's list of users is told by number."""
    assert local_user(4_000_000_000) == "uid:4000000000"
