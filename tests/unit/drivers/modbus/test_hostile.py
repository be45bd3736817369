"""Peers that lie, stammer, stall and flood: never a wrong value, never a session that lives on."""

from __future__ import annotations

import asyncio
import random
import struct
from contextlib import suppress

import pytest

from drivers.api import DataType, NoReply, Quality, SessionLost


def wrong_unit(request, frame):
    return frame.answer(request)[:6] + b"\x02" + frame.answer(request)[7:]


def wrong_function(request, frame):
    return frame.answer(request)[:7] + b"\x04" + frame.answer(request)[8:]


def wrong_id(request, frame):
    return struct.pack(">H", struct.unpack_from(">H", request)[0] ^ 1) + frame.answer(request)[2:]


def wrong_protocol(request, frame):
    return frame.answer(request)[:2] + b"\0\x05" + frame.answer(request)[4:]


def one_register_for_all(request, frame):
    return frame.frame(struct.unpack_from(">H", request)[0], 1, b"\x03\x02\x00\x07")


def too_many_registers(request, frame):
    return frame.frame(struct.unpack_from(">H", request)[0], 1, b"\x03\x64" + bytes(100))


def odd_byte_count(request, frame):
    return frame.frame(struct.unpack_from(">H", request)[0], 1, b"\x03\x05" + bytes(5))


def lying_byte_count(request, frame):
    return frame.answer(request)[:8] + b"\x04" + frame.answer(request)[9:]


def lying_length(request, frame):
    return frame.answer(request)[:4] + b"\xff\xff" + frame.answer(request)[6:]


def doubled(request, frame):
    return frame.answer(request) * 2


def answer_and_garbage(request, frame):
    return frame.answer(request) + b"\0"


def garbage(_request, _frame):
    return b"HTTP/1.1 400 Bad Request\r\n\r\n"


def flood(request, frame):
    return frame.answer(request)[:9] + bytes(1_000_000)


def rtu_over_tcp(_request, _frame):
    return bytes.fromhex("01 03 06 00 03 00 0a 00 11 9c b6")


PERSONALITIES = [
    wrong_unit,
    wrong_function,
    wrong_id,
    wrong_protocol,
    one_register_for_all,
    too_many_registers,
    odd_byte_count,
    lying_byte_count,
    lying_length,
    doubled,
    answer_and_garbage,
    garbage,
    flood,
    rtu_over_tcp,
]


@pytest.mark.parametrize("personality", PERSONALITIES, ids=lambda each: each.__name__)
async def test_a_wrong_answer_ends_the_session(peer, wire_format, personality):
    """An answer wrong in any way gives no frame, closes the connection, and it stays closed."""
    peer.answer = lambda request: personality(request, wire_format)
    plan = peer.plan("hr:0", "hr:1", "hr:2")
    async with peer.open() as session:
        with pytest.raises(SessionLost) as caught:
            await session.read(plan)
        assert caught.value.device == "d1"
        assert not isinstance(caught.value, NoReply)
        peer.answer = wire_format.answer
        with pytest.raises(SessionLost, match="over"):
            await session.read(plan)
    assert len(peer.requests) == 1


@pytest.mark.parametrize("ids", ["strict", "unit", "off"])
async def test_a_late_answer_is_never_the_next_ones(peer, wire_format, ids):
    """After a timeout the connection is gone: what the device still sends reaches no value."""
    release = asyncio.Event()

    def late(request):
        late_writer, late_answer = peer.writers[-1], wire_format.answer(request)
        asyncio.get_running_loop().create_task(send_later(late_writer, late_answer))

    async def send_later(writer, answer):
        await release.wait()
        writer.write(answer)

    peer.answer = late
    first = peer.plan("hr:100", timeout_s=0.1, transaction_ids=ids)
    second = peer.plan("hr:200", transaction_ids=ids)
    async with peer.open() as session:
        with pytest.raises(NoReply) as caught:
            await session.read(first)
        assert caught.value.device == "d1"
        release.set()
        with pytest.raises(SessionLost):
            await session.read(second)
    peer.answer = wire_format.answer
    async with peer.open() as session:
        assert (await session.read(second)).values == (wire_format.register(200),)


@pytest.mark.parametrize("ids", ["strict", "unit"])
async def test_bytes_nobody_asked_for_end_the_session(peer, wire_format, ids):
    """An answer doubled after the read is over poisons the connection, not the next read."""
    plan = peer.plan("hr:1", transaction_ids=ids)
    async with peer.open() as session:
        assert (await session.read(plan)).values == (wire_format.register(1),)
        peer.writers[0].write(wire_format.answer(peer.requests[0]))
        async with asyncio.timeout(5):
            await session._wire.lost
        with pytest.raises(SessionLost, match="nobody asked for"):
            await session.read(plan)


async def test_torn_answers_are_put_together(peer, wire_format):
    """An answer that comes byte by byte is the same answer."""
    peer.answer = lambda request: [bytes([byte]) for byte in wire_format.answer(request)]
    async with peer.open() as session:
        frame = await session.read(peer.plan("hr:0", "hr:1", "hr:50"))
    assert frame.values == tuple(wire_format.register(at) for at in (0, 1, 50))


async def test_a_trickle_does_not_stretch_the_deadline(peer, wire_format):
    """A device that sends a part and stops has not answered in time."""
    peer.answer = lambda request: wire_format.answer(request)[:8]
    async with peer.open() as session:
        with pytest.raises(NoReply, match="only part of an answer"):
            await session.read(peer.plan("hr:0", timeout_s=0.1))


async def test_silence_is_no_reply(peer):
    """A silent unit is named, with what it was asked, and the connection is closed."""
    peer.answer = lambda _: None
    async with peer.open() as session:
        with pytest.raises(NoReply, match=r"unit 9: asked for hr:5 \+2, no answer within 0\.1 s"):
            await session.read(peer.plan("hr:5", "hr:6", unit=9, timeout_s=0.1))
        async with asyncio.timeout(5):
            await session._wire.lost


async def test_silence_in_the_middle_of_a_read(peer, wire_format):
    """The deadline holds for each request: the second that stays silent ends the read in time."""
    peer.answer = lambda request: None if len(peer.requests) > 1 else wire_format.answer(request)
    loop = asyncio.get_running_loop()
    async with peer.open() as session:
        begun = loop.time()
        with pytest.raises(NoReply, match="hr:9"):
            await session.read(peer.plan("hr:0", "hr:9", timeout_s=0.2))
        assert 0.15 < loop.time() - begun < 2


async def test_closing_in_the_middle_of_an_answer(peer, wire_format):
    """A connection cut inside an answer is a lost session, and no frame."""

    def half(request):
        peer.writers[-1].write(wire_format.answer(request)[:10])
        return peer.CUT

    peer.answer = half
    async with peer.open() as session:
        with pytest.raises(SessionLost, match="closed the connection"):
            await session.read(peer.plan("hr:0", "hr:1"))


async def test_accepting_and_closing_hints_at_another_master(peer):
    """A device that closes before it answered anything is told apart, with the usual cause."""
    peer.answer = lambda _: peer.CUT
    async with peer.open() as session:
        with pytest.raises(SessionLost, match="before it answered anything") as caught:
            await session.read(peer.plan("hr:0"))
    assert "another master" in caught.value.hint


async def test_gateway_that_does_not_echo(peer, wire_format):
    """With transaction_ids unit a gateway that always answers id 0 is read correctly."""
    peer.answer = lambda request: b"\0\0" + wire_format.answer(request)[2:]
    async with peer.open() as session:
        frame = await session.read(peer.plan("hr:3", "ir:9", transaction_ids="unit"))
        assert frame.values == (wire_format.register(3), wire_format.register(9))
        with pytest.raises(SessionLost, match="transaction id") as caught:
            await session.read(peer.plan("hr:3"))
    assert "transaction_ids: unit" in caught.value.hint


async def test_all_zero_bytes_are_not_an_answer(peer, wire_format):
    """Zeros of the right length are refused in every mode."""
    peer.answer = lambda request: bytes(len(wire_format.answer(request)))
    for ids in ("strict", "unit", "off"):
        async with peer.open() as session:
            with pytest.raises(SessionLost):
                await session.read(peer.plan("hr:0", transaction_ids=ids))


async def test_one_dead_unit_behind_a_gateway(peer, wire_format):
    """A unit its gateway cannot reach is BAD, asked once per read, and hurts no other unit."""

    def gateway(request):
        if request[6] == 7:
            return wire_format.frame(int.from_bytes(request[:2], "big"), 7, b"\x83\x0b")
        return wire_format.answer(request)

    peer.answer = gateway
    dead = peer.plan("hr:0", "hr:10", "hr:20", unit=7)
    alive = peer.plan("hr:0", "hr:10", unit=8)
    async with peer.open() as session:
        frames = await asyncio.gather(session.read(dead), session.read(alive))
    assert frames[0].values == (None, None, None)
    assert frames[0].qualities == bytes([Quality.BAD] * 3)
    assert frames[0].reasons == dict.fromkeys(range(3), "BadNoCommunication")
    assert frames[1].values == (wire_format.register(0), wire_format.register(10))
    assert frames[1].good
    assert [request[6] for request in peer.requests] == [7, 8, 8]


async def test_many_refusals_leave_the_session_alive(peer, wire_format):
    """A refused address is data: two thousand refusals later the same session still reads."""
    refused = peer.plan("hr:0", data_type=DataType.INT16)

    def refuse(request):
        return wire_format.frame(int.from_bytes(request[:2], "big"), 1, b"\x83\x02")

    peer.answer = refuse
    async with peer.open() as session:
        for _ in range(2000):
            frame = await session.read(refused)
            assert frame.values == (None,)
            assert frame.reasons == {0: "BadConfigurationError"}
        peer.answer = wire_format.answer
        assert (await session.read(refused)).values == (wire_format.register(0),)
    assert peer.connections == 1


@pytest.mark.parametrize("ids", ["strict", "unit", "off"])
async def test_no_wrong_value_from_a_gateway_that_is_often_late(peer, wire_format, ids):
    """Whatever answers come too late, every frame holds the register that it asked for."""
    chance = random.Random(7)
    late = []
    lateness = 0

    def sometimes_late(request):
        nonlocal lateness
        for writer, answer in late:
            if not writer.is_closing():
                writer.write(answer)
        late.clear()
        if chance.random() < 0.15:
            lateness += 1
            late.append((peer.writers[-1], wire_format.answer(request)))
            return None
        return wire_format.answer(request)

    peer.answer = sometimes_late
    plans = [peer.plan(f"hr:{at}", timeout_s=0.03, transaction_ids=ids) for at in range(60)]
    waiting = list(enumerate(plans))
    good = silent = 0
    while waiting:
        async with peer.open() as session:
            with suppress(NoReply):
                while waiting:
                    at, plan = waiting.pop()
                    silent += 1
                    frame = await session.read(plan)
                    silent -= 1
                    good += 1
                    assert frame.values == (wire_format.register(at),)
    assert good + silent == len(plans)
    assert silent >= lateness > 5
    assert good > 0
