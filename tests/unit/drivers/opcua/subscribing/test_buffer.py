"""The bounded buffer between the wire and the host."""

from __future__ import annotations

import asyncio

import pytest

from drivers.api import Frame, SessionLost
from drivers.opcua.subscribing.buffer import FrameBuffer


def frame(number, size=1):
    return Frame("d", "g", number, (0,) * size)


async def taken(buffer, count):
    return [await buffer.get() for _ in range(count)]


async def test_frames_come_in_order():
    """What goes in first comes out first."""
    buffer = FrameBuffer()
    for number in range(5):
        buffer.put(frame(number))
    assert [found.read_ns for found in await taken(buffer, 5)] == list(range(5))


async def test_oldest_go_when_full_and_are_counted():
    """When full, the oldest frames go; the next frame given tells how many values went."""
    buffer = FrameBuffer(frames=3)
    for number in range(10):
        buffer.put(frame(number, size=2))
    found = await taken(buffer, 3)
    assert [(f.read_ns, f.overflow) for f in found] == [(7, 14), (8, 0), (9, 0)]
    assert buffer.dropped == 14


async def test_values_are_bounded_too():
    """Large frames are bounded by their values; the newest always stays."""
    buffer = FrameBuffer(values=10)
    buffer.put(frame(0, size=6))
    buffer.put(frame(1, size=6))
    buffer.put(frame(2, size=100))
    only = await buffer.get()
    assert (only.read_ns, only.overflow) == (2, 12)


async def test_lost_reports_of_dropped_frames_are_kept():
    """A dropped frame's own count of lost changes is not lost with it."""
    buffer = FrameBuffer(frames=1)
    first = frame(0)
    first.overflow = 5
    buffer.put(first)
    buffer.put(frame(1))
    buffer.lose(2)
    assert (await buffer.get()).overflow == 5 + 1 + 2


async def test_end_comes_after_the_frames():
    """The error of the end is raised once everything before it is taken."""
    buffer = FrameBuffer()
    buffer.put(frame(1))
    buffer.end(SessionLost("first"))
    buffer.end(SessionLost("second"))
    assert (await buffer.get()).read_ns == 1
    with pytest.raises(SessionLost, match="first"):
        await buffer.get()


async def test_waiting_taker_is_woken():
    """A taker that waits gets the next frame, or the end."""
    buffer = FrameBuffer()
    taker = asyncio.create_task(buffer.get())
    await asyncio.sleep(0)
    buffer.put(frame(3))
    assert (await taker).read_ns == 3
    taker = asyncio.create_task(buffer.get())
    await asyncio.sleep(0)
    buffer.end(SessionLost("over"))
    with pytest.raises(SessionLost, match="over"):
        await taker


async def test_cancelled_taker_loses_nothing():
    """A taker cancelled while waiting leaves the next frame to the next taker."""
    buffer = FrameBuffer()
    taker = asyncio.create_task(buffer.get())
    await asyncio.sleep(0)
    taker.cancel()
    buffer.put(frame(4))
    with pytest.raises(asyncio.CancelledError):
        await taker
    assert (await buffer.get()).read_ns == 4
