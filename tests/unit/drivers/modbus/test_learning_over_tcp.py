"""Learning over real sockets: each session is a connection, and silence ends it."""

from __future__ import annotations

import pytest
from unit.drivers.modbus.map_device import SILENCE, Clock, MapDevice, held

from drivers.api import NoReply
from drivers.modbus.learning.learner import Learner


def put(peer, device):
    """Let the peer be the device."""
    peer.answer = device.over_tcp


@pytest.mark.parametrize("code", [2, 3])
async def test_holes_and_a_limit_are_learned(peer, code):
    """Two reads find two holes and the limit of a real peer; the third is not refused once."""
    device = MapDevice(holes={("hr", 10), ("hr", 99)}, longest=31, hole_code=code, length_code=code)
    put(peer, device)
    plan = peer.plan(*(f"hr:{at}" for at in range(120)))
    legal = set(range(120)) - {10, 99}
    async with peer.open() as session:
        for _ in range(3):
            await session.read(plan)
        device.asked.clear()
        frame = await session.read(plan)
    assert device.refused == 0
    assert {at for at, value in enumerate(frame.values) if value is not None} == legal
    assert all(frame.values[at] == held("hr", at) for at in legal)
    assert peer.connections == 1


async def test_a_limit_met_by_silence_is_learned_across_sessions(peer):
    """Every silence ends the connection; what was seen is kept in the plan, and the limit found."""
    device = MapDevice(longest=50, length_code=SILENCE)
    put(peer, device)
    clock = Clock()
    plan = peer.plan(*(f"hr:{at}" for at in range(120)), timeout_s=0.05)
    plan.learner = Learner(clock=clock, wall_ns=clock.wall_ns)
    frames = silences = 0
    while not plan.lessons or plan.learner.silence.searching:
        async with peer.open() as session:
            try:
                frame = await session.read(plan)
            except NoReply:
                silences += 1
                assert silences < 6
                continue
            frames += 1
            assert frame.good
            clock.now_s += 11
    assert frames > 0
    device.asked.clear()
    async with peer.open() as session:
        frame = await session.read(plan)
    assert frame.values == tuple(held("hr", at) for at in range(120))
    assert [count for _, _, count, _ in device.asked] == [50, 50, 20]
