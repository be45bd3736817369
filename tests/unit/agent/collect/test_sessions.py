"""Sessions that end: opened again at once, told, or backed off; and what the log says of it."""

from __future__ import annotations

import asyncio
import logging

from unit.agent.collect.machines import INTERVAL_S, Shop, hurry, machine
from unit.agent.store.patience import until

from agent.backoff import Backoff
from agent.collect import supervisor
from agent.telemetry.status import DeviceState
from drivers.api import NoReply, SessionLost
from drivers.testing.script import Delay
from drivers.testing.scripted import PushingSession


async def test_a_device_that_closes_idle_connections_loses_nothing(caplog):
    """A session that ends after it gave data is opened again at once: no event, no BAD frame."""
    with caplog.at_level(logging.INFO, "chulian.collect"):
        async with Shop({"a": machine()}) as shop:
            for _ in range(3):
                await shop.reads("a", 2)
                shop.wire("a").drop()
            await shop.reads("a", 2)
    assert shop.sink.told("a") == [("online", "")]
    assert all(f.qualities is None for f in shop.sink.of("a"))
    assert shop.status("a").failures == 0
    assert shop.wire("a").opened == shop.wire("a").closed == 4
    assert ["is opened again" in r.message for r in caplog.records] == [True]


async def test_a_session_that_ends_before_it_gave_anything_is_backed_off():
    """A link that opens and carries nothing is tried again after a pause, not in a busy loop."""
    shop = Shop({"a": machine()})
    shop.script("a").fault = SessionLost("closed at once")
    async with shop:
        await until(lambda: shop.status("a").failures)
        assert shop.sink.told("a") == [("offline", "session_lost")]
        assert shop.wire("a").opened == 1


async def test_a_subscription_that_is_lost_is_always_told():
    """What changes between two subscriptions is lost: the loss shows, however short it was."""
    async with Shop({"a": machine()}, session=PushingSession) as shop:
        await shop.reads("a", 1)
        shop.wire("a").drop()
        await until(lambda: shop.sink.told("a")[-1] == ("offline", "session_lost"))


async def test_a_link_is_said_to_be_down_and_its_devices_to_answer_again(caplog, monkeypatch):
    """The log names a few of many devices once per episode, and every one that is back."""
    hurry(monkeypatch)
    scripts = {f"d{n}": machine() for n in range(5)}
    shop = Shop(scripts, wires=dict.fromkeys(scripts, "line"))
    with caplog.at_level(logging.INFO, "chulian.collect"):
        async with shop:
            await shop.reads("d4", 1)
            shop.wire("d0").down = True
            shop.wire("d0").drop()
            await until(lambda: shop.wire("d0").tried >= 3)
            shop.wire("d0").down = False
            await shop.reads("d4", 1)
            await until(lambda: all(d.state is DeviceState.ONLINE for d in shop.collector.status()))
    said = [r.message for r in caplog.records]
    assert sum("link down" in text for text in said) == 1
    assert sum("device answers again" in text for text in said) == 5


async def test_a_gap_is_counted_while_it_lasts():
    """What a dead device misses shows while it is dead, and is told once when the gap ends."""
    shop = Shop({"a": machine()})
    async with shop:
        await shop.reads("a", 2)
        shop.wire("a").down = True
        shop.wire("a").drop()
        await until(lambda: shop.status("a").missed >= 10)
        assert shop.sink.missed("a", "device_down") == 0
    assert shop.status("a").missed == shop.sink.missed("a") >= 10


async def test_polls_that_wait_at_the_end_are_counted():
    """What was due and not read when the agent stops is told as missed, not forgotten."""
    shop = Shop({"a": machine(faults={3: Delay(0.5)})})
    async with shop:
        await until(lambda: shop.script("a").reads() >= 4)
        await asyncio.sleep(5 * INTERVAL_S)
    assert shop.sink.missed("a", "late") >= 4
    assert shop.status("a").missed == shop.sink.missed("a")


async def test_silence_is_said_once_of_the_device_alone(caplog, monkeypatch):
    """A unit that stays silent and costs the session each time is one line in the log, not many."""
    hurry(monkeypatch)
    scripts = {"a": machine(), "b": machine()}
    shop = Shop(scripts, wires={"a": "line", "b": "line"})
    shop.script("a").fault = NoReply("silent", device="a")
    with caplog.at_level(logging.INFO, "chulian.collect"):
        async with shop:
            await until(lambda: shop.status("a").failures >= 3)
    assert ["device silent" in r.message for r in caplog.records] == [True]


async def test_a_server_that_gives_something_and_fails_at_once_is_left_in_peace(monkeypatch):
    """Short lives are no success: the pauses grow, until a session lasts."""
    pauses = []

    class Counted(Backoff):
        def next_s(self):
            super().next_s()
            pauses.append(self.failures)
            return 0.01

    monkeypatch.setattr(supervisor, "Backoff", Counted)
    async with Shop({"a": machine()}, session=PushingSession) as shop:
        for n in range(1, 4):
            await shop.reads("a", 1)
            shop.wire("a").drop()
            await until(lambda n=n: len(pauses) == n)
        assert pauses == [1, 2, 3]
        monkeypatch.setattr(supervisor, "STEADY_S", 0.0)
        await shop.reads("a", 1)
        shop.wire("a").drop()
        await until(lambda: len(pauses) == 4)
        assert pauses[-1] == 1
