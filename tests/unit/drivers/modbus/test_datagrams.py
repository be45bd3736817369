"""Modbus over UDP: another port after each silence, strangers ignored."""

from __future__ import annotations

import asyncio

import pytest
from unit.drivers.modbus.rtu_peers import config, honest, plan
from unit.drivers.modbus.rtu_peers import register as rtu_register

from drivers.api import ConnectError, Silent
from drivers.modbus import DRIVER


class UdpPeer(asyncio.DatagramProtocol):
    """A device on UDP whose answers a test invents."""

    def __init__(self, answer):
        self.answer = answer
        self.asked_from = []
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.asked_from.append(addr[1])
        answer = self.answer(data)
        if answer is not None:
            self.transport.sendto(answer, addr)


@pytest.fixture
async def device(wire_format):
    """Give a running device."""
    loop = asyncio.get_running_loop()
    transport, peer = await loop.create_datagram_endpoint(
        lambda: UdpPeer(wire_format.answer), local_addr=("127.0.0.1", 0)
    )
    peer.settings = {
        "host": "127.0.0.1",
        "port": transport.get_extra_info("sockname")[1],
        "network": "udp",
    }
    yield peer
    transport.close()


async def test_reads_over_udp(device, wire_format):
    """A device on UDP is read like any other."""
    made = config(**device.settings)
    async with DRIVER.open(DRIVER.link(made)) as session:
        seen = [await session.read(plan(made, f"hr:{at}")) for at in range(5)]
    assert [each.values for each in seen] == [(wire_format.register(at),) for at in range(5)]
    assert len(set(device.asked_from)) == 1


async def test_after_a_silence_another_port_asks(device, wire_format):
    """A late datagram arrives at a port that nobody listens to any more."""
    late = []
    device.answer = late.append
    made = config(**device.settings, timeout_s=0.05)
    link = DRIVER.link(made)
    async with DRIVER.open(link) as session:
        with pytest.raises(Silent):
            await session.read(plan(made, "hr:100"))
        device.answer = wire_format.answer
        device.transport.sendto(wire_format.answer(late[0]), ("127.0.0.1", device.asked_from[0]))
        assert (await session.read(plan(made, "hr:200"))).values == (wire_format.register(200),)
    assert len(set(device.asked_from)) == 2
    assert link.counts.timeouts == 1


async def test_datagrams_of_others_are_ignored_and_counted(device, wire_format):
    """A datagram from another address is no answer, however right it looks."""
    loop = asyncio.get_running_loop()
    stranger, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0)
    )
    made = config(**device.settings)
    link = DRIVER.link(made)

    def misled(request):
        false = wire_format.answer(request)[:-2] + b"\xff\xff"
        stranger.sendto(false, ("127.0.0.1", device.asked_from[-1]))
        return wire_format.answer(request)

    device.answer = misled
    async with DRIVER.open(link) as session:
        for at in range(3):
            seen = await session.read(plan(made, f"hr:{at}"))
            assert seen.values == (wire_format.register(at),)
    stranger.close()
    assert link.counts.foreign_datagrams >= 2


async def test_a_wrong_datagram_is_dropped(device, wire_format):
    """An answer with another id is no answer; the right one after it is."""

    def wrong_first(request):
        wrong = bytes([request[0] ^ 1]) + wire_format.answer(request)[1:]
        device.transport.sendto(wrong, ("127.0.0.1", device.asked_from[-1]))

    made = config(**device.settings, timeout_s=0.1)
    link = DRIVER.link(made)
    device.answer = wrong_first
    async with DRIVER.open(link) as session:
        with pytest.raises(Silent):
            await session.read(plan(made, "hr:1"))
        device.answer = wire_format.answer
        assert (await session.read(plan(made, "hr:1"))).values == (wire_format.register(1),)
    assert link.counts.garbage_bytes > 0


async def test_an_unknown_name_is_a_connect_error():
    """A name that cannot be resolved is said to be so, in both languages."""
    made = config(host="no-such-host.invalid", network="udp")
    with pytest.raises(ConnectError) as caught:
        async with DRIVER.open(DRIVER.link(made)):
            pass
    assert caught.value.zh


@pytest.mark.parametrize("settings", [{"transaction_ids": "unit"}, {"framing": "rtu"}], ids=str)
async def test_a_doubled_datagram_is_not_the_next_answer(device, wire_format, settings):
    """A network may double a datagram; where it bears no id it arrives where nobody listens."""
    answer = honest if "framing" in settings else wire_format.answer
    held = rtu_register if "framing" in settings else wire_format.register

    def doubled(request):
        device.transport.sendto(answer(request), ("127.0.0.1", device.asked_from[-1]))
        return answer(request)

    device.answer = doubled
    made = config(**device.settings, **settings)
    places = [50 * at for at in range(8)]
    async with DRIVER.open(DRIVER.link(made)) as session:
        for _ in range(3):
            seen = await session.read(plan(made, *(f"hr:{at}" for at in places)))
            assert seen.values == tuple(held(at) for at in places)
