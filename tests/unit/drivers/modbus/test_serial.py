"""A serial line of our own: a pty, with units that are silent, late, noisy, torn, unplugged."""

from __future__ import annotations

import asyncio
import errno
import itertools
import threading
import time

import pytest
import serial
from unit.drivers.modbus.rtu_peers import PtyPeer, config, frame, honest, plan, register, values

from drivers.api import AccessError, ConnectError, SessionLost, Silent
from drivers.modbus import DRIVER
from drivers.modbus.wire.port import _worded

ADDRESSES = ("hr:0", "hr:1", "hr:5")


@pytest.fixture
async def bus():
    """Give a running bus."""
    peer = PtyPeer()
    yield peer
    peer.unplug()


def opened(bus, **settings):
    """Open a session on the bus; give it and its link."""
    link = DRIVER.link(bus.config(**settings))
    return DRIVER.open(link), link


async def test_units_of_a_line_are_read_by_one_session(bus):
    """Thirty units on one port are each read under their own name, one request at a time."""
    opening, link = opened(bus)
    plans = [plan(bus.config(unit=unit), *ADDRESSES) for unit in range(1, 31)]
    async with opening as session:
        frames = await asyncio.gather(*(session.read(each) for each in plans))
    for unit, seen in enumerate(frames, start=1):
        assert seen.values == values(ADDRESSES, unit)
    assert link.counts.connections == 1
    assert link.counts.timeouts == 0


async def test_the_line_rests_between_frames(bus):
    """Between an answer and the next request are at least 3.5 characters, also at low speed."""
    opening, link = opened(bus, baud=2400, stop_bits=2)
    async with opening as session:
        for _ in range(5):
            await session.read(plan(bus.config(baud=2400, stop_bits=2), "hr:0"))
    gaps = [later - earlier for earlier, later in itertools.pairwise(bus.arrived_s)]
    assert link.rest_s == pytest.approx(3.5 * 11 / 2400)
    assert min(gaps) >= link.rest_s


@pytest.mark.parametrize(("baud", "rest_s"), [(9600, 3.5 * 10 / 9600), (115200, 0.00175)])
def test_the_rest_shrinks_with_speed_to_a_floor(baud, rest_s):
    """Above 19,200 bit/s the rest stays at 1.75 ms."""
    assert DRIVER.link(config(serial="/dev/ttyS0", baud=baud)).rest_s == pytest.approx(rest_s)


async def test_a_silent_unit_costs_the_others_nothing_but_its_wait(bus):
    """A dead unit is Silent; the port stays open and the others are read as before."""
    bus.answer = lambda request: None if request[0] == 7 else honest(request)
    opening, link = opened(bus)
    dead, alive = bus.config(unit=7, timeout_s=0.05), bus.config(unit=8)
    async with opening as session:
        with pytest.raises(Silent, match=r"unit 7: asked for hr:0 \+1") as caught:
            await session.read(plan(dead, "hr:0"))
        assert (await session.read(plan(alive, *ADDRESSES))).values == values(ADDRESSES, 8)
    assert caught.value.device == "d7"
    assert caught.value.zh
    assert caught.value.hint_zh
    assert link.counts.timeouts == 1
    assert link.counts.connections == 1


async def test_a_late_answer_of_the_same_shape_is_never_the_next_ones(bus):
    """What a unit still owes is told apart by asking for fewer registers first."""
    held = []

    def late_once(request):
        if not bus.requests[1:]:
            held.append(honest(request))
            return None
        return [*(held.pop() for _ in held[:]), honest(request)]

    bus.answer = late_once
    opening, link = opened(bus)
    first = plan(bus.config(timeout_s=0.05), "hr:100", "hr:101")
    second = plan(bus.config(), "hr:200", "hr:201")
    async with opening as session:
        with pytest.raises(Silent):
            await session.read(first)
        assert (await session.read(second)).values == values(("hr:200", "hr:201"))
    assert link.counts.late_answers == 1
    assert [request[5] for request in bus.requests] == [2, 1, 2]


async def test_without_the_rule_the_late_answer_would_be_taken(bus, monkeypatch):
    """The test above would notice: without `Trust` register 100 appears as register 200."""
    monkeypatch.setattr("drivers.modbus.wire.trust.Trust.owe", lambda *_: None)
    held = []

    def late_once(request):
        if not bus.requests[1:]:
            held.append(honest(request))
            return None
        return held.pop()

    bus.answer = late_once
    opening, _ = opened(bus)
    async with opening as session:
        with pytest.raises(Silent):
            await session.read(plan(bus.config(timeout_s=0.05), "hr:100"))
        assert (await session.read(plan(bus.config(), "hr:200"))).values == (register(100),)


async def test_an_answer_to_a_cancelled_read_is_waited_for(bus):
    """A cancelled read leaves the bus busy until its answer came; the next is not mixed up."""
    release = []
    bus.answer = lambda request: release.append(honest(request))
    opening, link = opened(bus)
    async with opening as session:
        reading = asyncio.create_task(session.read(plan(bus.config(), "hr:100")))
        await bus.until_asked(1)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        bus.answer = honest
        following = asyncio.create_task(session.read(plan(bus.config(), "hr:200")))
        await asyncio.sleep(0)
        assert len(bus.requests) == 1
        bus.send(release[0])
        assert (await following).values == (register(200),)
    assert link.counts.timeouts == 0


@pytest.mark.parametrize(
    "mangle",
    [
        lambda good: [good[:1], good[1:4], good[4:]],
        lambda good: [bytes([byte]) for byte in good],
        lambda good: [b"\xff\x00" + good],
        lambda good: [good + b"\x00"],
        lambda good: [good + good],
    ],
    ids=["torn", "drip", "noise before", "noise after", "doubled"],
)
async def test_frames_are_found_in_what_arrives(bus, mangle):
    """Torn, prefixed and doubled answers still give the right values, and the line goes on."""
    bus.answer = lambda request: mangle(honest(request))
    opening, _ = opened(bus)
    async with opening as session:
        for at in range(3):
            addresses = (f"hr:{at}", f"hr:{at + 1}")
            assert (await session.read(plan(bus.config(), *addresses))).values == values(addresses)


@pytest.mark.parametrize(
    "mangle",
    [
        lambda good: good[:-1] + bytes([good[-1] ^ 1]),
        lambda good: frame(b"\x02" + good[1:-2]),
        lambda good: frame(good[:1] + b"\x04" + good[2:-2]),
        lambda good: frame(b"\x01\x03\x02\0\7"),
        lambda good: b"\xaa" * 300,
    ],
    ids=["crc", "unit", "function", "short", "flood"],
)
async def test_garbage_is_dropped_and_the_next_request_is_answered(bus, mangle):
    """A wrong answer is Silent for its device, counted, and the very next read is good."""
    opening, link = opened(bus)
    patient = plan(bus.config(timeout_s=0.06), "hr:0", "hr:1")
    async with opening as session:
        bus.answer = lambda request: mangle(honest(request))
        with pytest.raises(Silent):
            await session.read(patient)
        bus.answer = honest
        assert (await session.read(patient)).values == values(("hr:0", "hr:1"))
    assert link.counts.garbage_bytes > 0


async def test_bytes_nobody_asked_for_are_counted(bus):
    """Chatter between requests is dropped."""
    opening, link = opened(bus)
    async with opening as session:
        bus.send(b"hello")
        assert (await session.read(plan(bus.config(), "hr:3"))).values == (register(3),)
    assert link.counts.stray_bytes + link.counts.garbage_bytes == 5


async def test_an_unplugged_adapter_ends_the_session(bus):
    """When the port vanishes the read is SessionLost, and opening again names the port."""
    opening, link = opened(bus)
    async with opening as session:
        await session.read(plan(bus.config(), "hr:0"))
        bus.unplug()
        with pytest.raises(SessionLost, match="is gone") as caught:
            await session.read(plan(config(serial=bus.path), "hr:0"))
    assert "USB" in caught.value.hint_zh
    with pytest.raises(ConnectError, match="no such port"):
        async with DRIVER.open(link):
            pass


async def test_a_port_in_use_is_said_to_be(bus):
    """Two programs cannot share a port; the second is told so."""
    opening, link = opened(bus)
    async with opening:
        with pytest.raises(ConnectError, match="another program uses the port") as caught:
            async with DRIVER.open(link):
                pass
    assert "占用" in caught.value.zh
    async with DRIVER.open(link) as session:
        assert (await session.read(plan(bus.config(), "hr:0"))).values == (register(0),)


def test_a_forbidden_port_names_the_group():
    """Without permission the error says which group to join."""
    link = DRIVER.link(config(serial="/dev/ttyUSB9"))
    error = _worded(link, serial.SerialException(errno.EACCES, "Permission denied"))
    assert isinstance(error, AccessError)
    assert "dialout" in error.hint
    assert "dialout" in error.hint_zh


async def test_ascii_lines_are_read_too(bus):
    """The same line with ASCII frames."""
    received = b""

    def feed(data):
        nonlocal received
        received += data
        if received.endswith(b"\r\n"):
            body = bytes.fromhex(received[1:-4].decode())
            received = b""
            answer = honest(body)[:-2]
            digits = (answer + bytes([-sum(answer) & 0xFF])).hex().upper().encode()
            bus.send(b":" + digits + b"\r\n")

    bus.feed = feed
    settings = {"framing": "ascii"}
    async with DRIVER.open(DRIVER.link(bus.config(**settings))) as session:
        seen = await session.read(plan(bus.config(**settings), *ADDRESSES))
    assert seen.values == values(ADDRESSES)


async def test_an_opening_that_is_cancelled_holds_the_port_no_longer(bus, monkeypatch):
    """A thread may still be opening the port; the next opening finds it free all the same."""
    opener, opening = serial.serial_for_url, threading.Event()

    def slowly(*args, **settings):
        opening.set()
        made = opener(*args, **settings)
        time.sleep(0.05)
        return made

    monkeypatch.setattr(serial, "serial_for_url", slowly)
    for _ in range(3):
        opened_by, _ = opened(bus)
        opening.clear()
        task = asyncio.create_task(opened_by.__aenter__())
        await asyncio.to_thread(opening.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    again, _ = opened(bus)
    async with again as session:
        assert (await session.read(plan(bus.config(), "hr:1"))).values == (register(1),)
