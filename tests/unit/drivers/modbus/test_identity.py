"""Who a device is: by function 0x2B, by registers, or not at all."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.drivers.modbus.map_device import Clock, MapDevice, plan_of, session_with

from drivers.api import AddressError, Identity, NoReply, Silent
from drivers.modbus.identity import read_identification
from drivers.modbus.wire.framing import ExceptionReply
from drivers.modbus.wire.pdu import framing_of

FRAMING = framing_of("tcp")
SERIAL = {"serial": {"address": "hr:100/4", "type": "string"}}


async def test_a_device_that_cannot_say_has_an_empty_identity(peer, wire_format):
    """Exception 1 to the identification is no failure, and the session goes on."""
    honest = peer.answer

    def refuse(request):
        if request[7] == 0x2B:
            return wire_format.frame(int.from_bytes(request[:2], "big"), 1, b"\xab\x01")
        return honest(request)

    peer.answer = refuse
    plan = peer.plan("hr:4")
    async with peer.open() as session:
        assert await session.identify(plan) == Identity()
        assert (await session.read(plan)).values == (wire_format.register(4),)


async def test_a_device_that_ignores_the_question_ends_the_session(peer):
    """A device silent to a function it does not know is told as NoReply, like any silence."""
    peer.answer = lambda _: None
    async with peer.open() as session:
        with pytest.raises(NoReply, match="identification"):
            await session.identify(peer.plan("hr:4", timeout_s=0.1))


def mute(device, code=None):
    """Let a device keep silent on function 0x2B, or refuse it, and hold a serial number."""
    honest = device.answer

    def answer(function, start, count):
        if function == 0x2B:
            device.asked.append((function, start, count, False))
            return 0 if code is None else code
        if (function, start, count) == (3, 100, 4):
            return b"SN-42\0\0\0"
        return honest(function, start, count)

    device.answer = answer
    return device


@pytest.mark.parametrize("code", [1, 2, 3, 4])
async def test_registers_tell_what_the_function_does_not(code):
    """A device that refuses function 0x2B is known by its registers; `raw` names them."""
    probes = SERIAL | {
        "model": {"address": "ir:7", "type": "uint16"},
        "firmware": {"address": "hr:200", "type": "uint16"},
    }
    device = mute(MapDevice(holes={("hr", 200)}), code)
    identity = await session_with(device).identify(plan_of(["hr:1"], identity=probes))
    assert identity == Identity(
        model="51", serial="SN-42", raw=(("serial (hr:100/4)", "SN-42"), ("model (ir:7)", "51"))
    )


async def test_the_devices_own_words_come_first(peer, wire_format):
    """A register fills only what function 0x2B left open; both are kept in `raw`."""
    honest = peer.answer
    said = bytes.fromhex("0e 02 83 00 00 02") + b"\x00\x03ACM\x05\x02M1"

    def answer(request):
        if request[7] == 0x2B:
            return wire_format.frame(int.from_bytes(request[:2], "big"), 1, b"\x2b" + said)
        return honest(request)

    peer.answer = answer
    probes = {
        "maker": {"address": "hr:1", "type": "uint16"},
        "firmware": {"address": "hr:2", "type": "float32"},
    }
    async with peer.open() as session:
        identity = await session.identify(peer.plan("hr:4", identity=probes))
    assert (identity.maker, identity.model) == ("ACM", "M1")
    assert identity.firmware
    assert [name for name, _ in identity.raw] == [
        "VendorName", "ModelName", "maker (hr:1)", "firmware (hr:2)",
    ]  # fmt: skip


async def test_a_bad_probe_is_an_address_error():
    """A probe that cannot be read is told together with the bad addresses of the tags."""
    with pytest.raises(AddressError) as caught:
        plan_of(["hr:1", "hr:x"], identity={"serial": {"address": "hr:y", "type": "string"}})
    assert [problem.tag for problem in caught.value.problems] == ["t1", "identity.serial"]


async def test_silence_on_who_it_is_is_remembered_for_a_day():
    """A device that ignores function 0x2B is asked by registers only, until a day has gone by."""
    clock, device = Clock(), mute(MapDevice())
    plan, session = plan_of(["hr:1"], clock, identity=SERIAL), session_with(device)
    for _ in range(3):
        assert (await session.identify(plan)).serial == "SN-42"
    assert len([each for each in device.asked if each[0] == 0x2B]) == 1
    assert "mute_ms" in json.loads(plan.lessons)
    reborn = plan_of(["hr:1"], clock, identity=SERIAL)
    reborn.recall(plan.lessons)
    await session.identify(reborn)
    assert len([each for each in device.asked if each[0] == 0x2B]) == 1
    clock.now_s += 86_400
    await session.identify(reborn)
    assert len([each for each in device.asked if each[0] == 0x2B]) == 2


async def test_silence_without_registers_is_told():
    """Where nothing else can be asked, the host is told that the device kept silent."""
    session, plan = session_with(mute(MapDevice())), plan_of(["hr:1"])
    with pytest.raises(Silent):
        await session.identify(plan)
    assert await session.identify(plan) == Identity()


async def test_ask_identity_false_asks_registers_only():
    """With ask_identity: false function 0x2B is never sent."""
    device = mute(MapDevice())
    plan = plan_of(["hr:1"], identity=SERIAL, ask_identity=False)
    assert (await session_with(device).identify(plan)).serial == "SN-42"
    assert device.asked == []


def asker(answers):
    """Give a function that answers identification requests from a list, and what it was asked."""
    asked = []

    async def ask(request):
        asked.append(request.tail[6:])
        return answers[len(asked) - 1]

    return ask, asked


async def test_objects_over_several_answers():
    """A device may need more than one answer; the second is asked from where the first ended."""
    ask, asked = asker(
        [
            bytes.fromhex("0e 02 83 ff 01 01") + b"\x00\x02AB",
            bytes.fromhex("0e 02 83 00 00 01") + b"\x05\x02CD",
        ]
    )
    identity = await read_identification(ask, FRAMING, 9)
    assert (identity.maker, identity.model) == ("AB", "CD")
    assert [each.hex() for each in asked] == ["0e0200", "0e0201"]


async def test_a_device_with_basic_objects_only():
    """A device that refuses the regular level is asked for the basic one."""
    ask, _ = asker([ExceptionReply(3), bytes.fromhex("0e 01 01 00 00 01") + b"\x00\x02AB"])
    assert (await read_identification(ask, FRAMING, 1)).maker == "AB"


async def test_a_device_that_never_ends_its_identity():
    """More-follows for ever is cut off."""
    endless = [bytes([0x0E, 2, 0x83, 0xFF, at + 1, 1, at, 1, 0x41]) for at in range(255)]
    ask, asked = asker(endless)
    assert (await read_identification(ask, FRAMING, 1)).maker == "A"
    assert len(asked) == 16


@given(st.binary(max_size=60))
def test_no_answer_breaks_the_identity(data):
    """Whatever a device says of itself gives an identity, and raises nothing."""

    async def ask(_request):
        return data

    identity = asyncio.run(read_identification(ask, FRAMING, 1))
    assert isinstance(identity, Identity)


@given(
    st.lists(
        st.tuples(st.integers(0, 255), st.binary(max_size=30)),
        max_size=6,
        unique_by=lambda each: each[0],
    )
)
def test_well_formed_objects_are_all_kept(objects):
    """Every object of a correct answer stands in `raw`."""
    body = b"".join(bytes([number, len(raw)]) + raw for number, raw in objects)

    async def ask(_request):
        return bytes([0x0E, 2, 0x83, 0, 0, len(objects)]) + body

    assert len(asyncio.run(read_identification(ask, FRAMING, 1)).raw) == len(objects)
