"""Values, statuses and times of a real server, read and subscribed."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
import uvloop
from unit.drivers.opcua.live.conftest import Reader, collect

from drivers.api import ClockSource, Quality
from drivers.opcua.opening import open_session


async def test_read_gives_the_values_of_now(peer):
    """A read gives every tag in the plan's order, stamped by the device."""
    reader = Reader(peer.url, ("W3", "W1", "W2"))
    now = datetime.now(UTC)
    peer.write("W3", 33, source=now)
    async with open_session(reader.link) as session:
        frame = await reader.current(session)
    assert frame.values == (33, 1, 2)
    assert frame.good
    assert frame.clock is ClockSource.DEVICE
    assert abs(frame.times_ns[0] - now.timestamp() * 1e9) < 2000


async def test_changes_follow_the_current_values(peer):
    """A subscription gives every tag's current value, then each change, none left out."""
    reader = Reader(peer.url, ("W0", "W1", "W2"))
    peer.write("W0", 0, source=datetime.now(UTC))
    async with open_session(reader.link) as session, reader.frames(session) as frames:
        names = [tag.name for tag in reader.plan.tags]
        seen = await collect(frames, names, lambda seen: len(seen) == 3)
        assert seen == {"W0": (0, ""), "W1": (1, ""), "W2": (2, "")}
        for value in range(100, 105):
            await asyncio.to_thread(peer.write, "W0", value, source=datetime.now(UTC))
            seen = await collect(frames, names, lambda seen: "W0" in seen)
            assert seen == {"W0": (value, "")}


async def test_changes_between_two_messages_are_all_given(peer):
    """Changes faster than messages come as several entries of one tag, in their order."""
    reader = Reader(peer.url, ("W4",), publish_interval_s=0.3)
    peer.write("W4", 0, source=datetime.now(UTC))
    found = []
    async with open_session(reader.link) as session, reader.frames(session) as frames:
        async for frame in frames:
            if not found:
                for value in range(1, 11):
                    await asyncio.to_thread(peer.write, "W4", value, source=datetime.now(UTC))
            found += frame.values
            if found[-1] == 10:
                break
    assert found == list(range(11))


@pytest.mark.parametrize(
    ("status", "judged"),
    [
        (0x80310000, (None, Quality.BAD, "BadNoCommunication", 0)),
        (0x40900000, (5, Quality.UNCERTAIN, "UncertainLastUsableValue", 0)),
        (0x00000480, (5, Quality.GOOD, "", 1)),
    ],
)
async def test_status_of_the_server_is_kept(peer, status, judged):
    """A status becomes quality and reason, read as well as subscribed; bad is no value."""
    reader = Reader(peer.url, ("W5",))
    peer.write("W5", 5, status=status, source=datetime.now(UTC))
    async with open_session(reader.link) as session:
        async with reader.frames(session) as frames, asyncio.timeout(5):
            told = await anext(frames)
        for frame in (await reader.current(session), told):
            quality = Quality((frame.qualities or bytes([Quality.GOOD]))[0])
            reason = (frame.reasons or {}).get(0, "")
            assert (frame.values[0], quality, reason, frame.overflow) == judged


@pytest.mark.parametrize("source", [None, datetime(2000, 1, 1, tzinfo=UTC), "ahead"])
async def test_unbelievable_times_become_the_receipt(peer, source):
    """A source time that is absent or far off is replaced, counted, and costs no quality."""
    ahead = datetime.now(UTC) + timedelta(hours=1)
    peer.write("W6", 6, source=ahead if source == "ahead" else source)
    reader = Reader(peer.url, ("W6",))
    async with open_session(reader.link) as session:
        before = time.time_ns()
        frame = await reader.current(session)
        assert session.restamped == 1
    assert before <= frame.read_ns <= time.time_ns()
    assert (frame.times_ns, frame.clock, frame.good) == (None, ClockSource.AGENT, True)


async def test_refused_points_spoil_no_other(peer):
    """A node or namespace the server lacks is BAD with its name; the others are good."""
    reader = Reader(peer.url, ("W1", "NoSuch", "W2"))
    expected = {"W1": (1, ""), "NoSuch": (None, "BadNodeIdUnknown"), "W2": (2, "")}
    async with open_session(reader.link) as session:
        frame = await reader.current(session)
        assert frame.values == (1, None, 2)
        assert frame.reasons == {1: "BadNodeIdUnknown"}
        async with reader.frames(session) as frames:
            assert await collect(frames, list(expected), lambda s: len(s) == 3) == expected


async def test_unknown_namespace_is_bad_and_said(peer, caplog):
    """Tags of a namespace that the server lacks are BAD, and the log names those it has."""
    reader = Reader(peer.url, ("W1",), uri="urn:elsewhere")
    async with open_session(reader.link) as session:
        frame = await reader.current(session)
    assert (frame.values, frame.reasons) == ((None,), {0: "BadNodeIdUnknown"})
    assert "no namespace urn:elsewhere" in caplog.text
    assert "urn:chulian:test" in caplog.text


async def test_text_in_gb18030_is_read(peer):
    """Text that a controller sends in GB18030 arrives as text."""
    raw = "报警:主轴过载".encode("gb18030").decode("utf-8", "surrogateescape")
    peer.write("Text", raw, source=datetime.now(UTC))
    reader = Reader(peer.url, ("Text",))
    async with open_session(reader.link) as session:
        assert (await reader.current(session)).values == ("报警:主轴过载",)


async def test_server_says_who_it_is(peer):
    """Identity holds what the server states of itself."""
    reader = Reader(peer.url)
    async with open_session(reader.link) as session:
        found = await session.identify(reader.plan)
    assert (found.maker, found.model) == ("FreeOpcUa", "FreeOpcUa Python Server")
    assert found.uri == "urn:freeopcua:python:server"
    assert dict(found.raw)["ApplicationUri"] == found.uri


def test_runs_under_uvloop(peer):
    """Reading and subscribing work the same under uvloop."""

    async def play():
        reader = Reader(peer.url, ("W1", "W2"))
        async with open_session(reader.link) as session, reader.frames(session) as frames:
            assert (await reader.current(session)).values == (1, 2)
            return await collect(frames, ["W1", "W2"], lambda seen: len(seen) == 2)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(play()) == {"W1": (1, ""), "W2": (2, "")}
