"""Gateways and devices with habits: their own ids, late answers, one master, idle closes."""

from __future__ import annotations

import asyncio

import pytest

from drivers.api import NoReply, SessionLost
from drivers.modbus import DRIVER


@pytest.mark.parametrize("step", [1, -1])
async def test_a_gateway_that_counts_by_itself(peer, wire_format, step):
    """With strict ids an id one off is refused; with unit it is read, each value its own."""

    def counts(request):
        number = (int.from_bytes(request[:2], "big") + step) & 0xFFFF
        return number.to_bytes(2, "big") + wire_format.answer(request)[2:]

    peer.answer = counts
    async with peer.open() as session:
        for at in range(5):
            seen = await session.read(peer.plan(f"hr:{at}", transaction_ids="unit"))
            assert seen.values == (wire_format.register(at),)
        with pytest.raises(SessionLost, match="transaction id"):
            await session.read(peer.plan("hr:0"))


@pytest.mark.parametrize("ids", ["unit", "off"])
async def test_a_gateway_that_forwards_late_answers_into_new_connections(peer, wire_format, ids):
    """Without ids the debt of the last connection is cleared before its look-alike is asked."""
    owed = []

    def late_first(request):
        if peer.connections == 1:
            owed.append(request)
            return None
        ready = [wire_format.answer(each) for each in (*owed, request)]
        owed.clear()
        return ready

    peer.answer = late_first
    link = DRIVER.link(peer.config())
    settings = {"transaction_ids": ids}
    async with DRIVER.open(link) as session:
        with pytest.raises(NoReply):
            await session.read(peer.plan("hr:100", "hr:101", timeout_s=0.05, **settings))
    async with DRIVER.open(link) as session:
        seen = await session.read(peer.plan("hr:200", "hr:201", **settings))
    assert seen.values == (wire_format.register(200), wire_format.register(201))
    assert link.counts.late_answers == 1


async def test_a_device_for_one_master(peer, wire_format):
    """A device that takes one connection only: the second is told who may hold it."""
    async with peer.open() as first:
        await first.read(peer.plan("hr:0"))
        held = peer.connections
        peer.answer = lambda request: (
            peer.CUT if peer.connections > held else wire_format.answer(request)
        )
        async with peer.open() as second:
            with pytest.raises(SessionLost, match="before it answered anything") as caught:
                await second.read(peer.plan("hr:0"))
    assert "别的主站" in caught.value.hint_zh


async def test_a_device_that_closes_idle_connections(peer, wire_format):
    """An idle close is a lost session at the next read; a new session reads on."""
    async with peer.open() as session:
        await session.read(peer.plan("hr:0"))
        peer.writers[-1].close()
        async with asyncio.timeout(5):
            await session._wire.lost
        with pytest.raises(SessionLost, match="closed the connection") as caught:
            await session.read(peer.plan("hr:0"))
    assert "空闲" in caught.value.hint_zh
    async with peer.open() as session:
        assert (await session.read(peer.plan("hr:1"))).values == (wire_format.register(1),)


async def test_ids_go_on_over_connections(peer):
    """No connection uses an id again that an earlier one may still be answered with."""
    link = DRIVER.link(peer.config())
    for _ in range(5):
        async with DRIVER.open(link) as session:
            await session.read(peer.plan("hr:1", "hr:50"))
    ids = [int.from_bytes(each[:2], "big") for each in peer.requests]
    assert [(at - ids[0]) & 0xFFFF for at in ids] == list(range(10))
