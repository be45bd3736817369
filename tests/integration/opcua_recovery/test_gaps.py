"""Whatever way changes are missed: a gap is told, and filled without a hole."""

from __future__ import annotations

import asyncio

import pytest
from integration.opcua_recovery.plant import Line, Plant, missing, twice
from unit.agent.store.patience import until

from agent.telemetry.status import DeviceState
from simulators.proxy import TcpProxy

FILL_S = 30.0


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    """Look for spans often; come back quickly."""
    monkeypatch.setattr("agent.collect.backfill.LOOK_S", 0.1)


async def streaming(line, *, frames=3):
    """Wait until live values flow."""
    goal = len(line.sink.frames) + frames
    await until(lambda: len(line.sink.frames) >= goal, within_s=FILL_S)


async def filled(line, *, times=1):
    """Wait until so many gaps were filled; give the last event."""
    await until(lambda: len(line.told("filled")) >= times, within_s=FILL_S)
    return line.told("filled")[-1]


async def test_a_server_that_was_away_leaves_no_hole():
    """What the machine did while its server was away comes from its history, once."""
    async with Plant() as plant, Line(plant.device.url) as line:
        await streaming(line)
        await plant.device.stop()
        await plant.beats(8)
        await plant.device.start()
        told = await filled(line)
        await plant.rest()
        await streaming(line, frames=0)
    (gap,) = line.told("gap")
    assert (gap["d"], gap["g"], gap["changes"]) == ("cnc", "g", "unknown")
    assert (gap["from"], gap["to"]) == (told["from"], told["to"])
    assert gap["to"] - gap["from"] >= 700
    assert told["complete"] is True
    assert told["values"] == sum(line.got(backfill=True).values()) >= 7 * 4
    assert missing(plant, line) == {}
    assert twice(line) == {}


@pytest.mark.long
async def test_a_session_closed_behind_our_back_leaves_no_hole():
    """A killed session, with the server alive, is a gap like any other."""
    async with Plant() as plant, Line(plant.device.url) as line:
        await streaming(line)
        await plant.device.kill_sessions()
        await filled(line)
        await plant.rest()
    assert line.told("gap")[0]["reason"] in {"session_lost", "unreachable"}
    assert missing(plant, line) == {}
    assert twice(line) == {}


@pytest.mark.long
async def test_a_link_that_swallows_everything_leaves_no_hole():
    """A half-open link is noticed by its silence; the gap begins with the last sign of life."""
    async with Plant() as plant, TcpProxy("127.0.0.1", plant.device.port) as proxy:
        url = f"opc.tcp://127.0.0.1:{proxy.port}/chulian/simulator"
        async with Line(url) as line:
            await streaming(line)
            proxy.freeze()
            await until(lambda: line.device.state is not DeviceState.ONLINE, within_s=FILL_S)
            last_ms = max(ms for _, ms, _ in line.got())
            proxy.cut()
            proxy.thaw()
            told = await filled(line)
            await plant.rest()
    assert told["from"] <= last_ms + 1000
    assert missing(plant, line) == {}
    assert twice(line) == {}


async def test_a_subscription_that_is_deaf_is_proven_and_made_anew():
    """Keep-alives go on while changes are not told: a comparison finds out, and the gap is told."""
    async with Plant() as plant, Line(plant.device.url, check_interval_s=0.5) as line:
        await streaming(line)
        plant.device.faults.on.add("deaf")
        await plant.beats(5)
        await until(lambda: line.told("gap"), within_s=FILL_S)
        plant.device.faults.on.discard("deaf")
        await filled(line)
        await plant.rest()
    assert line.told("gap")[0]["reason"] == "changes_unnoticed"
    assert line.device.state is DeviceState.ONLINE
    assert line.sink.told("cnc") == [("online", "")]


@pytest.mark.long
async def test_lost_messages_are_asked_for_again():
    """What the server can send again is no gap, and nothing is missing."""
    async with Plant() as plant, Line(plant.device.url) as line:
        await streaming(line)
        plant.device.faults.lose = 2
        await until(lambda: plant.device.faults.counts["lost"] == 2, within_s=FILL_S)
        await streaming(line)
        await plant.rest()
        await asyncio.sleep(0.3)
    assert line.told("gap") == []
    assert missing(plant, line) == {}


@pytest.mark.long
async def test_lost_messages_that_are_gone_are_a_gap_that_is_filled():
    """What the server cannot send again comes from its history."""
    async with Plant() as plant, Line(plant.device.url) as line:
        await streaming(line)
        plant.device.faults.on.add("no-republish")
        plant.device.faults.lose = 2
        await filled(line)
        await plant.rest()
        await asyncio.sleep(0.3)
    assert line.told("gap")[0]["reason"] == "publish_gap"
    assert line.device.lost_changes >= 1
    assert missing(plant, line) == {}


@pytest.mark.long
async def test_a_machine_without_a_history_has_a_gap_and_nothing_more():
    """Nothing is filled, nothing is called filled."""
    async with Plant(depth=0) as plant, Line(plant.device.url) as line:
        await streaming(line)
        await plant.device.kill_sessions()
        await until(lambda: line.told("gap"), within_s=FILL_S)
        await streaming(line)
        await asyncio.sleep(0.5)
    assert line.told("filled") == []
    assert not any(frame.backfill for frame in line.sink.frames)


@pytest.mark.long
async def test_filling_can_be_switched_off():
    """With fill: false a gap stays a gap, and nothing is kept for a later life."""
    async with Plant() as plant, Line(plant.device.url, history={"fill": False}) as line:
        await streaming(line)
        await plant.device.kill_sessions()
        await until(lambda: line.told("gap"), within_s=FILL_S)
        await streaming(line)
        await asyncio.sleep(0.5)
    assert line.told("filled") == []
    assert [key for _, key, _, _ in line.lessons if key] == []


async def test_the_time_in_which_we_were_away_is_filled_once():
    """A later life fills what the machine did meanwhile; the life after that does not again."""
    async with Plant() as plant:
        async with Line(plant.device.url) as first:
            await streaming(first)
        await plant.beats(8)
        async with Line(plant.device.url, lessons=first.lessons) as second:
            told = await filled(second)
            await streaming(second)
        async with Line(plant.device.url, lessons=second.lessons) as third:
            await streaming(third)
            await filled(third)
        await plant.rest()
    (away,) = second.told("gap")
    assert (away["reason"], away["from"]) == ("agent_away", told["from"])
    assert told["complete"] is True
    assert told["values"] >= 7 * 4
    assert missing(plant, first, second, third) == {}
    assert twice(first, second, third) == {}


@pytest.mark.long
async def test_a_device_that_is_away_in_a_whole_life_is_filled_in_the_next():
    """What was known of it is kept while it is not heard."""
    async with Plant() as plant:
        async with Line(plant.device.url) as first:
            await streaming(first)
        await plant.device.stop()
        async with Line(plant.device.url, lessons=first.lessons) as second:
            await until(lambda: second.device.failures >= 1, within_s=FILL_S)
            assert second.sink.good("cnc") == []
        await plant.device.start()
        kept = second.lessons or first.lessons
        async with Line(plant.device.url, lessons=kept) as third:
            await filled(third)
        await plant.rest()
    assert missing(plant, first, third) == {}
    assert twice(first, third) == {}
