"""Gaps filled from a device's own history, over scripted devices: told, paced, never a danger."""

from __future__ import annotations

import asyncio
import time
from typing import ClassVar

import pytest
from unit.agent.collect.machines import Shop, hurry
from unit.agent.store.patience import until

from agent.config.model import Mode
from agent.telemetry.status import DeviceState
from drivers.api import ClockSource, DriverError, Frame, Gap, SessionLost
from drivers.testing.script import Script
from drivers.testing.scripted import PushingSession

MS = 1_000_000


class RememberingSession(PushingSession):
    """A session that subscribes and remembers; the class holds what and how."""

    past: ClassVar[list] = []
    """(column, ms, value), oldest first."""
    asked: ClassVar[list] = []
    ends: ClassVar[list] = []
    """What ends the next histories, after the values."""
    keeps: ClassVar[bool] = True

    async def history(self, plan, *, from_ns, to_ns):
        """Give what was kept."""
        self.asked.append((from_ns // MS, to_ns // MS))
        for column, ms, value in self.past:
            if from_ns <= ms * MS < to_ns:
                yield Frame(
                    plan.device, plan.group, time.time_ns(), (value,), (column,),
                    times_ns=(ms * MS,), clock=ClockSource.DEVICE, backfill=True,
                )  # fmt: skip
        if self.keeps:
            yield Frame(plan.device, plan.group, to_ns, (), (), backfill=True)
        if self.ends:
            raise self.ends.pop(0)


@pytest.fixture(autouse=True)
def memory(monkeypatch):
    """An empty memory, looked into often."""
    hurry(monkeypatch)
    monkeypatch.setattr("agent.collect.backfill.LOOK_S", 0.01)
    for name, value in (("past", []), ("asked", []), ("ends", []), ("keeps", True)):
        monkeypatch.setattr(RememberingSession, name, value)
    return RememberingSession


def shop():
    """One device with two tags that remembers."""
    script = Script({"x": 1, "y": 2})
    return Shop({"a": script}, session=RememberingSession, mode=Mode.SUBSCRIBE)


def told(shop, kind):
    return [event for event in shop.sink.events if event["type"] == kind]


async def interrupted(shop, *, remembered=2):
    """Break the subscription once; the device remembers something of every millisecond since."""
    run = shop.run_of("a")
    await shop.reads("a", 1)
    began_ms = time.time_ns() // MS
    for n in range(remembered):
        RememberingSession.past.append((0, began_ms + 1 + n, 100 + n))
    await asyncio.sleep(0.02)
    shop.script("a").fail(SessionLost("gone"))
    await until(lambda: run.failures >= 1)
    await until(lambda: run.state is DeviceState.ONLINE)


def past(shop):
    """Give the values stored from the history."""
    return [frame.values[0] for frame in shop.sink.frames if frame.backfill]


async def test_a_gap_is_told_and_filled(memory):
    """Both events bear the same span; the values are stored, and nothing else is touched."""
    async with shop() as running:
        await interrupted(running)
        await until(lambda: told(running, "filled"))
        status = running.status("a")
    (gap,), (filled,) = told(running, "gap"), told(running, "filled")
    assert {
        "d": "a",
        "g": "g",
        "reason": "session_lost",
        "changes": "unknown",
    }.items() <= gap.items()
    assert (filled["from"], filled["to"]) == (gap["from"], gap["to"])
    assert (filled["values"], filled["complete"]) == (2, True)
    assert past(running) == [100, 101]
    assert [tag.value for tag in status.tags] == [1, 2], "the page shows the present"
    assert status.missed == 0
    assert told(running, "missed") == []
    assert len(memory.asked) == 1


async def test_a_device_that_keeps_nothing_is_not_called_filled(memory):
    """A gap stays a gap."""
    memory.keeps = False
    async with shop() as running:
        await interrupted(running, remembered=0)
        await until(lambda: memory.asked)
        await running.reads("a", 0)
    assert (len(told(running, "gap")), told(running, "filled")) == (1, [])


async def test_a_history_that_fails_is_told_and_ends_nothing(memory):
    """What could be had is stored; the span is called incomplete; the session goes on."""
    memory.ends.append(DriverError("half of it"))
    async with shop() as running:
        await interrupted(running)
        await until(lambda: told(running, "filled"))
        wire = running.wire("a")
        running.script("a").set("x", 7)
        await until(lambda: (7,) in running.sink.good("a"))
        assert wire.opened == 2
    (filled,) = told(running, "filled")
    assert (filled["values"], filled["complete"]) == (2, False)


async def test_a_fill_that_is_cut_goes_on_in_the_next_session(memory):
    """The session is lost while it fills: the span stays wanted, nothing is stored twice."""
    memory.ends.append(SessionLost("gone again"))
    async with shop() as running:
        await interrupted(running)
        await until(lambda: told(running, "filled"))
    values = past(running)
    assert sorted(set(values)) == sorted(values)
    assert {100, 101} <= set(values)
    assert told(running, "filled")[0]["values"] >= 2
    assert len(memory.asked) >= 2


async def test_what_is_too_old_is_not_asked_for(memory):
    """The span is cut to what the configuration allows, and called incomplete."""
    async with shop() as running:
        entry = running.plans[0].entry
        history = entry.history.model_copy(update={"max_hours": 1e-9})
        object.__setattr__(running.plans[0], "entry", entry.model_copy(update={"history": history}))
        await interrupted(running, remembered=0)
        await until(lambda: told(running, "filled"))
    assert told(running, "filled")[0]["complete"] is False


async def test_once_proven_what_is_known_is_kept_with_every_frame(memory):
    """From the first history on a kill costs nothing: the mark is handed in behind each frame."""
    async with shop() as running:
        await interrupted(running)
        await until(lambda: told(running, "filled"))
        before = len(running.sink.lessons)
        running.script("a").set("x", 8)
        await until(lambda: (8,) in running.sink.good("a"))
        await until(lambda: len(running.sink.lessons) > before)
    assert running.sink.lessons[before][:2] == ("a", "history:g")


async def test_gaps_told_by_the_driver_are_told_and_filled(memory):
    """A frame may say that changes are missing before it; so may one without values."""
    async with shop() as running:
        await running.reads("a", 1)
        run, now_ns = running.run_of("a"), time.time_ns()
        gap = Gap(now_ns - 5000 * MS, now_ns, "publish_gap")
        memory.past.append((1, now_ns // MS - 10, 55))
        await run.take(run.groups[0], Frame("a", "g", now_ns, (), (), overflow=3, gap=gap))
        await until(lambda: told(running, "filled"), within_s=15)
        assert run.lost_changes == 3
    assert told(running, "gap")[0]["reason"] == "publish_gap"
    assert told(running, "filled")[0]["to"] == now_ns // MS
