"""What a session promises when the device is honest."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise

import pytest

from drivers.api import (
    Busy,
    ConnectError,
    DataType,
    Identifies,
    Polls,
    Quality,
    SessionLost,
    Subscribes,
    Tag,
)
from drivers.modbus import DRIVER, ModbusLink, ModbusSession


async def test_a_read_gives_all_tables_in_the_order_of_the_tags(peer, wire_format):
    """One read brings every tag, stamped when the last answer was complete."""
    config = peer.config()
    tags = [
        Tag("speed", "hr:300", DataType.UINT16),
        Tag("door", "di:4", DataType.BOOL),
        Tag("alarm", "co:6", DataType.BOOL),
        Tag("load", "ir:2", DataType.INT16),
    ]
    plan = DRIVER.plan(config, tags, device="cnc-01", group="fast")
    before_ns = time.time_ns()
    async with DRIVER.open(DRIVER.link(config)) as session:
        frame = await session.read(plan)
    assert frame.values == (wire_format.register(300), False, True, wire_format.register(2))
    assert (frame.device, frame.group) == ("cnc-01", "fast")
    assert before_ns <= frame.read_ns <= time.time_ns()
    assert frame.good
    assert len(peer.requests) == plan.requests == 4


async def test_equal_answers_give_the_same_values_object(peer):
    """The host may skip work by identity when a device's answer did not change."""
    plan = peer.plan(*(f"hr:{at}" for at in range(300)))
    async with peer.open() as session:
        first = await session.read(plan)
        second = await session.read(plan)
    assert second.values is first.values
    assert second.read_ns > first.read_ns
    assert second is not first


async def test_a_change_is_seen(peer, wire_format):
    """When the device's registers change, so do the values."""
    plan = peer.plan("hr:0", "hr:1")
    async with peer.open() as session:
        before = await session.read(plan)
        peer.answer = lambda request: wire_format.answer(request)[:-1] + b"\xee"
        after = await session.read(plan)
    assert after.values[0] == before.values[0]
    assert after.values[1] == (before.values[1] & 0xFF00) | 0xEE


@pytest.mark.parametrize("learn", [False, True])
async def test_one_bad_block_costs_only_its_tags(peer, wire_format, learn):
    """A request the device refuses is BAD with the reason; learning saves its good neighbour."""

    def refuse_ten(request):
        if int.from_bytes(request[8:10], "big") == 10:
            return wire_format.frame(int.from_bytes(request[:2], "big"), 1, b"\x83\x02")
        return wire_format.answer(request)

    peer.answer = refuse_ten
    async with peer.open() as session:
        plan = peer.plan("hr:0", "hr:10", "hr:11", "hr:20", max_gap=0, learn=learn)
        frame = await session.read(plan)
    saved = wire_format.register(11) if learn else None
    quality = Quality.GOOD if learn else Quality.BAD
    assert frame.values == (wire_format.register(0), None, saved, wire_format.register(20))
    assert frame.qualities == bytes([Quality.GOOD, Quality.BAD, quality, Quality.GOOD])
    refused = [1] if learn else [1, 2]
    assert frame.reasons == dict.fromkeys(refused, "BadConfigurationError")


@pytest.mark.parametrize("code", [5, 6])
async def test_busy_leaves_the_session_usable(peer, wire_format, code):
    """A busy device is an instruction to come back, on the same connection; never a 0."""
    peer.answer = lambda request: wire_format.frame(
        int.from_bytes(request[:2], "big"), 1, bytes([0x83, code])
    )
    plan = peer.plan("hr:0", "hr:9")
    async with peer.open() as session:
        with pytest.raises(Busy) as caught:
            await session.read(plan)
        assert caught.value.wait_s > 0
        assert caught.value.device == "d1"
        peer.answer = wire_format.answer
        assert (await session.read(plan)).good
    assert peer.connections == 1
    assert len(peer.requests) == 3


async def test_reads_wait_for_each_other_in_order(peer, wire_format):
    """Plans of several units share the connection one after the other, each with its answers."""
    plans = [peer.plan("hr:0", f"hr:{10 * unit}", unit=unit) for unit in range(1, 9)]
    async with peer.open() as session:
        frames = await asyncio.gather(*(session.read(plan) for plan in plans))
    for unit, frame in enumerate(frames, 1):
        assert frame.values == (wire_format.register(0), wire_format.register(10 * unit))
    units = [request[6] for request in peer.requests]
    assert units == [unit for unit in range(1, 9) for _ in range(2)]


async def test_a_cancelled_read_closes_the_connection(peer):
    """Whoever stops waiting for an answer ends the session: the answer must meet nobody else."""
    peer.answer = lambda _: None
    async with peer.open() as session:
        read = asyncio.create_task(session.read(peer.plan("hr:0")))
        waiting = asyncio.create_task(session.read(peer.plan("hr:1")))
        await peer.until_asked(1)
        read.cancel()
        with pytest.raises(asyncio.CancelledError):
            await read
        with pytest.raises(SessionLost, match="cancelled"):
            await waiting


async def test_cancelling_a_waiting_read_disturbs_nobody(peer, wire_format):
    """A read that was not sent yet may be cancelled without any effect on the wire."""
    release = asyncio.Event()

    def hold(request):
        asyncio.get_running_loop().create_task(answer_later(request))

    async def answer_later(request):
        await release.wait()
        peer.writers[-1].write(wire_format.answer(request))

    peer.answer = hold
    async with peer.open() as session:
        first = asyncio.create_task(session.read(peer.plan("hr:0")))
        second = asyncio.create_task(session.read(peer.plan("hr:1")))
        await peer.until_asked(1)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        release.set()
        assert (await first).values == (wire_format.register(0),)
    assert len(peer.requests) == 1


async def test_leaving_the_block_ends_reads_and_the_connection(peer):
    """A session that is left fails what waits on it, and its socket is closed."""
    peer.answer = lambda _: None
    async with peer.open() as session:
        read = asyncio.create_task(session.read(peer.plan("hr:0")))
        await peer.until_asked(1)
    with pytest.raises(SessionLost):
        await read
    assert session._wire.lost.done()


async def test_pause_between_requests(peer):
    """A device that needs a rest gets it between an answer and the next request."""
    times = []
    honest = peer.answer

    def note(request):
        times.append(asyncio.get_running_loop().time())
        return honest(request)

    peer.answer = note
    plan = peer.plan("hr:0", "hr:10", "hr:20", pause_between_s=0.05, timeout_s=0.04)
    async with peer.open() as session:
        await session.read(plan)
        await session.read(plan)
    gaps = [after - before for before, after in pairwise(times)]
    assert len(gaps) == 5
    assert min(gaps) > 0.045


async def test_a_read_cancelled_during_a_pause_keeps_the_connection(peer, wire_format):
    """While the device rests no answer is due, so cancelling then costs nothing."""
    plan = peer.plan("hr:0", "hr:10", pause_between_s=30)
    async with peer.open() as session:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await session.read(plan)
        frame = await session.read(peer.plan("hr:3"))
        assert frame.values == (wire_format.register(3),)
    assert peer.connections == 1


async def test_a_plan_without_tags_is_an_empty_frame(peer):
    """Nothing to read is nothing read."""
    async with peer.open() as session:
        assert (await session.read(peer.plan())).values == ()
    assert peer.requests == []


async def test_refused_connection(unused_tcp_port):
    """A closed port is a ConnectError in plain words."""
    with pytest.raises(ConnectError, match="refuses connections") as caught:
        async with DRIVER.open(ModbusLink("127.0.0.1", unused_tcp_port)):
            pass
    assert "another master" in caught.value.hint


async def test_unresolvable_host():
    """A name that does not exist is a ConnectError that names it."""
    with pytest.raises(ConnectError, match=r"no-such-host\.invalid"):
        async with DRIVER.open(ModbusLink("no-such-host.invalid", 502)):
            pass
    with pytest.raises(ConnectError, match="cannot be reached"):
        async with DRIVER.open(ModbusLink("a" * 200, 502)):
            pass


async def test_connecting_has_a_deadline():
    """A host that never answers gives up after connect_timeout_s."""
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        with socket.socket() as first, socket.socket() as second:
            for filler in (first, second):  # fill the backlog: later connections get no answer
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
            with pytest.raises(ConnectError, match=r"does not answer within 0\.2 s") as caught:
                async with DRIVER.open(ModbusLink("127.0.0.1", port, connect_timeout_s=0.2)):
                    pass
    assert "cable" in caught.value.hint


def test_capabilities_are_told_by_the_class():
    """A Modbus session polls and identifies, and does not subscribe."""
    assert issubclass(ModbusSession, Polls)
    assert issubclass(ModbusSession, Identifies)
    assert not issubclass(ModbusSession, Subscribes)
