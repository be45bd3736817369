"""A pause ends early for a broker that returned, and for nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import time
from pathlib import Path

import pytest
from unit.agent.store.patience import until

from agent.config.destination import Destination
from agent.publish import lookout
from agent.publish.lookout import Lookout

LONG_S = 600.0
SHORT_S = 0.3


@pytest.fixture
def port():
    """A port that is ours and refuses connections until somebody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock


@pytest.fixture
def looks(monkeypatch):
    """What each look found, as it is made."""
    found = []
    real = lookout.takes_connections

    async def noted(address, within_s):
        found.append(await real(address, within_s))
        return found[-1]

    monkeypatch.setattr(lookout, "takes_connections", noted)
    return found


def looking_for(sock, **fields):
    """A lookout for the broker at a socket's port."""
    url = f"mqtt://127.0.0.1:{sock.getsockname()[1]}"
    return Lookout(Destination(url=url, **({"probe_s": 0.02} | fields)))


async def lasting_s(pause):
    """Make a pause; give how long it was."""
    began_s = time.monotonic()
    async with asyncio.timeout(60):
        await pause
    return time.monotonic() - began_s


async def returning(sock, looks):
    """Have somebody listen once two looks found nobody."""
    await until(lambda: looks[-2:] == [False, False], within_s=60)
    sock.listen()


async def test_a_pause_ends_when_the_broker_returns(port, looks):
    """A pause of ten minutes is over with the first look that finds somebody."""
    pause = asyncio.create_task(looking_for(port).pause(LONG_S))
    await returning(port, looks)
    async with asyncio.timeout(60):
        await pause
    assert looks.count(True) == 1
    assert looks[-1]


async def test_who_listens_all_the_while_has_not_returned(port, looks):
    """A broker that refuses logins gets one look a pause, and no attempt before its time."""
    port.listen()
    assert await lasting_s(looking_for(port).pause(SHORT_S)) >= SHORT_S
    assert looks == [True]


async def test_a_return_in_vain_costs_the_next_pause_its_looks(port, looks):
    """After an early attempt that brought no lasting connection one pause is made in full."""
    waiting = looking_for(port)
    pause = asyncio.create_task(waiting.pause(LONG_S))
    await returning(port, looks)
    async with asyncio.timeout(60):
        await pause
    waiting.connected(None)
    waiting.lost(lasted_s=1.0)
    looks.clear()
    assert await lasting_s(waiting.pause(SHORT_S)) >= SHORT_S
    assert looks == []
    await waiting.pause(SHORT_S)
    assert looks == [True]


async def test_a_connection_that_lasted_earns_the_looks_back(port, looks):
    """After an early attempt whose connection lasted the next pause looks again."""
    waiting = looking_for(port)
    pause = asyncio.create_task(waiting.pause(LONG_S))
    await returning(port, looks)
    async with asyncio.timeout(60):
        await pause
    waiting.connected(None)
    waiting.lost(lasted_s=lookout.LASTING_S)
    looks.clear()
    await waiting.pause(SHORT_S)
    assert looks == [True]


async def test_no_look_where_none_is_wanted_or_no_address_is_known(port, looks):
    """Switched off, or with nothing but a name, a pause is only a pause."""
    await looking_for(port, probe_s=0).pause(SHORT_S)
    await Lookout(Destination(url="mqtt://broker.example", probe_s=0.02)).pause(SHORT_S)
    assert looks == []


async def test_a_name_is_looked_for_where_it_was_found_last(port, looks):
    """The address of the last connection stands for the name."""
    port.listen()
    waiting = Lookout(Destination(url="mqtt://broker.example", probe_s=0.02))
    waiting.connected(port.getsockname())
    waiting.lost(lasted_s=1.0)
    await waiting.pause(SHORT_S)
    assert looks == [True]


async def test_a_machine_out_of_descriptors_finds_nobody(port):
    """Where no socket can be had nothing is raised: that would end the publisher."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    port.listen()
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        found = await lookout.takes_connections(port.getsockname(), 60.0)
        near = lookout.is_near(("192.0.2.1", 1883))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (found, near) == (False, False)


async def test_looks_cut_short_leave_no_descriptor(port):
    """Where the broker's queue is full a look waits; ended or cancelled, it leaves nothing open."""
    port.listen(0)
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            peer = stack.enter_context(socket.socket())
            peer.setblocking(False)
            peer.connect_ex(port.getsockname())
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(10):
            assert not await lookout.takes_connections(port.getsockname(), 0.01)
            look = asyncio.create_task(lookout.takes_connections(port.getsockname(), 60.0))
            await asyncio.sleep(0)
            look.cancel()
            await asyncio.gather(look, return_exceptions=True)
        assert len(list(Path("/proc/self/fd").iterdir())) == before


async def test_a_look_sends_nothing(port):
    """Whoever takes the connection reads its end at once."""
    port.listen()
    port.setblocking(False)
    assert await lookout.takes_connections(port.getsockname(), 10.0)
    peer, _ = await asyncio.get_running_loop().sock_accept(port)
    with contextlib.closing(peer):
        assert await asyncio.get_running_loop().sock_recv(peer, 100) == b""


async def test_far_attempts_are_spread_within_the_pause(port, looks, monkeypatch):
    """Beyond a router the attempt comes at random within a share of the outage."""
    monkeypatch.setattr(lookout, "is_near", lambda _address: False)
    spans = []
    monkeypatch.setattr(lookout.random, "uniform", lambda low, high: spans.append((low, high)) or 0)
    pause = asyncio.create_task(looking_for(port, probe_s=0.02).pause(LONG_S))
    await returning(port, looks)
    async with asyncio.timeout(60):
        await pause
    low, high = spans[-1]
    assert low == 0
    assert high >= lookout.FAR_SPREAD_LEAST_S


@pytest.mark.parametrize(
    ("gone_s", "every_s", "spread_s"), [(5, 1, 3), (60, 1, 6), (600, 10, 30), (86_400, 1440, 30)]
)
def test_far_brokers_are_spared_the_more_the_longer_they_are_away(gone_s, every_s, spread_s):
    """Looks become rarer, and attempts are spread wider up to the longest pause."""
    assert lookout.look_every_s(gone_s, least_s=1.0) == pytest.approx(every_s)
    assert lookout.spread_s(gone_s, most_s=30) == pytest.approx(spread_s)


@pytest.mark.parametrize(
    ("address", "near"),
    [
        (("127.0.0.1", 1883), True),
        (("fe80::1", 1883, 0, 0), True),
        (("203.0.113.7", 1883), False),
        (("2001:db8::7", 1883, 0, 0), False),
    ],
)
def test_only_what_no_router_is_between_is_near(address, near):
    """Our own machine and network are near; what takes a router is far, and all unknown."""
    assert lookout.is_near(address) is near


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mqtt://192.0.2.1", ("192.0.2.1", 1883)),
        ("mqtts://192.0.2.1", ("192.0.2.1", 8883)),
        ("mqtt://[2001:db8::1]:99", ("2001:db8::1", 99)),
        ("mqtt://broker.example:99", None),
        ("mqtt://192.0.2.1:99999", None),
    ],
)
def test_only_addresses_are_taken_from_a_url(url, address):
    """A name is never looked up; a port that cannot be is no address."""
    assert lookout.literal_address(url) == address
