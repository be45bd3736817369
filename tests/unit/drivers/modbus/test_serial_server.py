"""RTU over TCP: serial servers that forward late bytes into new connections, and heartbeats."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from itertools import cycle, islice

import pytest
from unit.drivers.modbus.rtu_peers import TcpPeer, honest, plan, register, values

from drivers.api import Busy, ConnectError, NoReply, SessionLost
from drivers.modbus import DRIVER

ADDRESSES = ("hr:0", "hr:1", "hr:5")


@pytest.fixture
async def server():
    """Give a running serial server."""
    peer = TcpPeer()
    await peer.start()
    yield peer
    await peer.stop()


class Late:
    """Answers the first request only when the next one arrives, in order, as a slow bus does."""

    def __init__(self):
        self.held = []
        self.over = False

    def __call__(self, request):
        if not self.over:
            self.over = True
            self.held.append(honest(request))
            return None
        return [*(self.held.pop() for _ in self.held[:]), honest(request)]


async def test_reading_through_a_serial_server(server):
    """RTU frames travel over TCP as they would on the line."""
    async with DRIVER.open(DRIVER.link(server.config())) as session:
        frames = [await session.read(plan(server.config(unit=unit), *ADDRESSES)) for unit in (1, 9)]
    assert [each.values for each in frames] == [values(ADDRESSES), values(ADDRESSES, 9)]


async def test_late_bytes_in_a_new_connection_reach_no_value(server):
    """A serial server that gives a late answer to the next connection cannot mislead."""
    server.answer = Late()
    link = DRIVER.link(server.config())
    async with DRIVER.open(link) as session:
        with pytest.raises(NoReply):
            await session.read(plan(server.config(timeout_s=0.05), "hr:100", "hr:101"))
    async with DRIVER.open(link) as session:
        seen = await session.read(plan(server.config(), "hr:200", "hr:201"))
        assert seen.values == values(("hr:200", "hr:201"))
        again = await session.read(plan(server.config(), "hr:300", "hr:301"))
    assert again.values == values(("hr:300", "hr:301"))
    assert link.counts.late_answers == 1
    assert [request[5] for request in server.requests] == [2, 1, 2, 2]


async def test_the_same_without_the_rule_misleads(server, monkeypatch):
    """Without `Trust` the test above would see register 100 under the name of 200."""
    monkeypatch.setattr("drivers.modbus.wire.trust.Trust.owe", lambda *_: None)
    late = Late()
    server.answer = lambda request: late(request) if not late.over else late.held.pop()
    link = DRIVER.link(server.config())
    async with DRIVER.open(link) as session:
        with pytest.raises(NoReply):
            await session.read(plan(server.config(timeout_s=0.05), "hr:100"))
    async with DRIVER.open(link) as session:
        assert (await session.read(plan(server.config(), "hr:200"))).values == (register(100),)


async def test_a_unit_that_cannot_be_told_apart_is_left_alone(server):
    """With single registers only, a unit waits until nothing late can come; others do not."""
    server.answer = lambda request: None if request[0] == 1 else honest(request)
    link = DRIVER.link(server.config())
    async with DRIVER.open(link) as session:
        with pytest.raises(NoReply):
            await session.read(plan(server.config(timeout_s=0.05, late_s=0.3), "hr:100"))
    server.answer = honest
    async with DRIVER.open(link) as session:
        with pytest.raises(Busy, match="left alone") as caught:
            await session.read(plan(server.config(), "hr:200"))
        assert 0 < caught.value.wait_s <= 0.3
        assert caught.value.zh
        assert (await session.read(plan(server.config(unit=2), "hr:200"))).values == (
            register(200, 2),
        )
        async with asyncio.timeout(5):
            while True:
                with suppress(Busy):
                    seen = await session.read(plan(server.config(), "hr:200"))
                    break
                await asyncio.sleep(0.02)
    assert seen.values == (register(200),)


async def test_a_refusal_proves_nothing_while_an_answer_is_owed(server):
    """A late refusal is not taken for the answer to what was asked next."""
    server.answer = lambda _: None
    link = DRIVER.link(server.config())
    async with DRIVER.open(link) as session:
        with pytest.raises(NoReply):
            await session.read(plan(server.config(timeout_s=0.05), "hr:100", "hr:101"))
    refusal = bytes.fromhex("01 83 02 c0 f1")
    server.answer = lambda request: (
        honest(request) if server.requests[2:] else [refusal, honest(request)]
    )
    async with DRIVER.open(link) as session:
        seen = await session.read(plan(server.config(), "hr:200", "hr:201"))
    assert seen.good
    assert seen.values == values(("hr:200", "hr:201"))
    assert link.counts.late_answers >= 1


@pytest.mark.parametrize("lateness", [0.1, 0.3])
async def test_no_wrong_value_from_a_bus_that_is_often_late(server, lateness):
    """A unit that answers in order, often too late, never has a value under a wrong address."""
    chance = random.Random(11)
    queue = []
    owed = 0

    def often_late(request):
        nonlocal owed
        queue.append(honest(request))
        if chance.random() < lateness:
            owed += 1
            return None
        ready, queue[:] = queue[:], []
        return ready

    server.answer = often_late
    settings = {"timeout_s": 0.02}
    link = DRIVER.link(server.config())
    good = 0
    for _ in range(25):
        with suppress(NoReply, SessionLost, Busy):
            async with DRIVER.open(link) as session:
                for _ in range(8):
                    at = chance.randrange(0, 500, 2)
                    addresses = [f"hr:{at + step}" for step in range(chance.choice([2, 2, 3, 4]))]
                    seen = await session.read(plan(server.config(**settings), *addresses))
                    assert seen.values == values(addresses)
                    good += 1
    assert owed > 5
    assert good > 8


HEARTBEAT = b"\x55\xaaHB"


@pytest.mark.parametrize(
    "mangle",
    [
        lambda good: [HEARTBEAT + good],
        lambda good: [HEARTBEAT[:2], HEARTBEAT[2:], good],
        lambda good: [HEARTBEAT[:3], HEARTBEAT[3:] + good],
        lambda good: [HEARTBEAT + HEARTBEAT + good[:3], good[3:]],
        lambda good: [good + HEARTBEAT],
        lambda good: [good + HEARTBEAT[:1], HEARTBEAT[1:]],
    ],
    ids=["glued", "torn", "torn and glued", "twice", "after", "after, torn"],
)
async def test_heartbeats_are_skipped(server, mangle):
    """Heartbeats between frames, torn or glued, are stripped; every value is right."""
    server.answer = lambda request: mangle(honest(request))
    settings = {"heartbeat": "hex:55aa4842"}
    link = DRIVER.link(server.config(**settings))
    async with DRIVER.open(link) as session:
        for at in range(5):
            seen = await session.read(plan(server.config(**settings), f"hr:{at}", f"hr:{at + 1}"))
            assert seen.values == (register(at), register(at + 1))
    assert link.counts.heartbeats >= 5
    assert server.connections == 1


async def test_a_heartbeat_between_reads_is_skipped(server):
    """A heartbeat that comes while nothing is asked does not end the session."""
    settings = {"heartbeat": "hex:55aa4842"}
    link = DRIVER.link(server.config(**settings))
    async with DRIVER.open(link) as session:
        await session.read(plan(server.config(**settings), "hr:0"))
        server.send(HEARTBEAT[:3])
        server.send(HEARTBEAT[3:])
        seen = await session.read(plan(server.config(**settings), "hr:1"))
    assert seen.values == (register(1),)


async def test_the_connection_is_left_between_polls(server):
    """With close_after_poll each read has its own connection, and none is held between."""
    settings = {"close_after_poll": True}
    link = DRIVER.link(server.config(**settings))
    made = plan(server.config(**settings), *ADDRESSES)
    other = plan(server.config(unit=2, **settings), *ADDRESSES)
    async with DRIVER.open(link) as session:
        for _ in range(3):
            seen = await asyncio.gather(session.read(made), session.read(other))
            assert [each.values for each in seen] == [values(ADDRESSES), values(ADDRESSES, 2)]
            await server.until_left()
    assert server.connections == 3


async def test_a_poll_that_cannot_connect_ends_the_session_once(server):
    """With close_after_poll a connection that fails is SessionLost, then ConnectError."""
    settings = {"close_after_poll": True, "connect_timeout_s": 0.5}
    link = DRIVER.link(server.config(**settings))
    made = plan(server.config(**settings), "hr:0")
    async with DRIVER.open(link) as session:
        await session.read(made)
        await server.stop()
        with pytest.raises(SessionLost) as caught:
            await session.read(made)
        assert caught.value.zh
        with pytest.raises(SessionLost):
            await session.read(made)
    with pytest.raises(ConnectError, match="refuses") as refused:
        async with DRIVER.open(link):
            pass
    assert refused.value.zh
    assert refused.value.hint_zh


async def test_a_slow_starter_is_given_its_rest(server):
    """pause_after_connect_s holds the first request back, and only the first."""
    settings = {"pause_after_connect_s": 0.5}
    loop = asyncio.get_running_loop()
    async with DRIVER.open(DRIVER.link(server.config(**settings))) as session:
        begun = loop.time()
        await session.read(plan(server.config(**settings), "hr:0"))
        first_s, begun = loop.time() - begun, loop.time()
        await session.read(plan(server.config(**settings), "hr:0"))
        second_s = loop.time() - begun
    assert first_s >= 0.49
    assert second_s < 0.5


class Doubling:
    """Sends every answer twice: the second one 2 ms later, or with the next answer, before it."""

    def __init__(self, peer):
        self.peer = peer
        self.second = None

    def __call__(self, request):
        answer = honest(request)
        doubled = [self.second[1]] if self.second and not self.second[0].cancelled() else []
        if self.second:
            self.second[0].cancel()
        timer = asyncio.get_running_loop().call_later(0.002, self.again, answer)
        self.second = timer, answer
        return [*doubled, answer]

    def again(self, answer):
        self.second = None
        with suppress(RuntimeError):  # uvloop's word for a connection that is closed
            self.peer.send(answer)


async def test_an_answer_sent_twice_is_never_that_to_the_next_question(server):
    """The double of an answer comes while the line listens, and ends the connection instead."""
    server.answer = Doubling(server)
    link = DRIVER.link(server.config())
    seen = []
    starts = cycle(range(100, 120, 2))
    for start in islice(starts, 200):  # on a busy machine few doubles come after their answer
        if len(seen) >= 10:
            break
        wanted = [(f"hr:{at}", f"hr:{at + 1}") for at in (start, start + 50)]
        with suppress(SessionLost):
            async with DRIVER.open(link) as session:
                for names in wanted:
                    frame = await session.read(plan(server.config(), *names))
                    seen.append(frame.values == values(names))
    assert len(seen) >= 10
    assert all(seen)
