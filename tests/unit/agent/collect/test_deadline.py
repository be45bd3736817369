"""A read that hangs is given up; one that waits its turn on a slow line is not."""

from __future__ import annotations

import asyncio

import pytest
from unit.agent.collect.machines import Shop, hurry, machine
from unit.agent.store.patience import until

from agent.collect import deadline
from agent.collect.deadline import Deadline, Overdue
from drivers.api import NoReply
from drivers.testing.script import Delay, Never


class Hanging:
    """A session whose reads end when they are told to."""

    def __init__(self):
        self.gate = asyncio.Event()

    async def read(self, _plan):
        """Wait for the gate."""
        await self.gate.wait()
        return "frame"


@pytest.fixture
def group():
    """Give one group at run time."""
    return Shop({"a": machine()}).run_of("a").groups[0]


async def test_a_hanging_read_is_given_up(monkeypatch, group):
    """The read ends as overdue, and its task can go on: nothing is left cancelled."""
    monkeypatch.setattr(deadline, "READ_DEADLINE_S", 0.02)
    watch = Deadline([group], cycle_s=0)
    watch.start()
    with pytest.raises(Overdue):
        await watch.read(Hanging(), group)
    watch.stop()
    assert asyncio.current_task().cancelling() == 0
    assert (group.reader, group.overdue) == (None, False)


async def test_a_cancellation_from_outside_goes_on(monkeypatch, group):
    """Whoever cancels the task ends it, even in the instant in which the read is given up."""
    monkeypatch.setattr(deadline, "READ_DEADLINE_S", 0.02)
    watch = Deadline([group], cycle_s=0)
    task = asyncio.create_task(watch.read(Hanging(), group))
    await asyncio.sleep(0)
    group.overdue = True
    group.reader.cancel()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_a_line_that_moves_is_waited_for(monkeypatch):
    """While other reads of the line end, one that waits its turn is not given up."""
    monkeypatch.setattr(deadline, "READ_DEADLINE_S", 0.05)
    waiting, moving = (Shop({"a": machine()}).run_of("a").groups[0] for _ in range(2))
    watch = Deadline([waiting, moving], cycle_s=0)
    watch.start()
    session = Hanging()
    read = asyncio.create_task(watch.read(session, waiting))
    for _ in range(15):
        quick = Hanging()
        quick.gate.set()
        await asyncio.sleep(0.01)
        await watch.read(quick, moving)
    assert not read.done()
    session.gate.set()
    assert await read == "frame"
    watch.stop()


async def test_a_read_that_the_line_passes_by_is_given_up_in_the_end(monkeypatch):
    """Others that go on for ever do not excuse a read that never ends."""
    monkeypatch.setattr(deadline, "READ_DEADLINE_S", 0.02)
    monkeypatch.setattr(deadline, "PATIENCE", 2.0)
    hurry(monkeypatch)
    shop = Shop({"a": machine(faults={1: Never()}), "b": machine()},
                wires={"a": "line", "b": "line"})  # fmt: skip
    async with shop:
        await shop.reads("a", 2)
    assert ("offline", "no_reply") in shop.sink.told("a")


def test_a_long_cycle_makes_the_deadline_longer():
    """A line that needs a minute for one cycle is given three."""
    assert Deadline([], cycle_s=0).limit_s == 60
    assert Deadline([], cycle_s=70).limit_s == 210


async def test_a_driver_that_turns_a_cancellation_into_an_error_leaves_no_mark(monkeypatch, group):
    """Its error goes on as it is; the task is not left cancelled."""
    monkeypatch.setattr(deadline, "READ_DEADLINE_S", 0.02)

    class Converting:
        async def read(self, _plan):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise NoReply("gone") from None

    watch = Deadline([group], cycle_s=0)
    watch.start()
    with pytest.raises(NoReply):
        await watch.read(Converting(), group)
    watch.stop()
    assert asyncio.current_task().cancelling() == 0
    await asyncio.sleep(0)


async def test_slow_reads_are_no_hanging_ones(monkeypatch):
    """A read below the deadline is waited for."""
    monkeypatch.setattr(deadline, "READ_DEADLINE_S", 0.5)
    async with Shop({"a": machine(faults={1: Delay(0.1)})}) as shop:
        await shop.reads("a", 3)
        await until(lambda: shop.status("a").failures == 0)
    assert shop.wire("a").opened == 1
