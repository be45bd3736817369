"""Lines that cannot be begun anew leave every other line as it was, and read on."""

from __future__ import annotations

import asyncio

import pytest
from unit.agent.collect.machines import Shop, hurry, machine

from agent.collect import collector
from agent.collect.collector import _line_of


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    hurry(monkeypatch)


@pytest.fixture
async def shop():
    """Give two machines on lines of their own, both being read."""
    async with Shop({"a": machine(), "b": machine()}) as made:
        await made.reads("a", 1)
        await made.reads("b", 1)
        yield made


async def test_a_line_that_hangs_takes_no_other_with_it(shop, monkeypatch):
    """One driver does not let go: the other machine is read on, and the first as soon as it can."""
    monkeypatch.setattr(collector, "END_S", 2.0)
    tasks, first = shop.collector._tasks, _line_of(shop.plans[0])
    began, let_go = asyncio.Event(), asyncio.Event()
    tasks[first].cancel()
    await asyncio.wait([tasks[first]])
    hanging = tasks[first] = asyncio.create_task(_stubborn(began, let_go))
    await began.wait()
    with pytest.raises(TimeoutError):
        await shop.collector.replace(shop.plans, between=_never)
    await shop.reads("b", 3)
    let_go.set()
    await asyncio.wait([hanging])
    await shop.collector.replace(shop.plans)
    await shop.reads("a", 3)
    await shop.reads("b", 3)


async def test_a_store_that_takes_nothing_leaves_the_lines_as_they_were(shop):
    """What is to be done between takes too long: machines are read on, by the plans there were."""

    async def too_long():
        raise TimeoutError

    before = shop.collector._plans
    with pytest.raises(TimeoutError):
        await shop.collector.replace(shop.plans[:1], gone={"b"}, between=too_long)
    assert shop.collector._plans is before
    await shop.reads("a", 3)
    await shop.reads("b", 3)


async def _never():
    pytest.fail("a line was not down")


async def _stubborn(began, let_go):
    """Heed no cancelling until let go."""
    began.set()
    while not let_go.is_set():
        try:
            await let_go.wait()
        except asyncio.CancelledError:
            continue
