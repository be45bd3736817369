"""Destinations that come and go: one that hangs leaves all of them as they were."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest
from unit.agent.store.patience import until

from agent.config.destination import Destination
from agent.config.model import Store
from agent.publish import destinations as destinations_module
from agent.publish.destinations import Destinations, serve_all
from agent.publish.publisher import Publisher
from agent.publish.sender import Sender
from agent.store.sqlite import Outbox
from agent.store.writer import Writer

FIRST, SECOND, THIRD = (
    Destination(name=name, url="mqtt://127.0.0.1:1") for name in ("one", "two", "three")
)


class Connections:
    """What stands for the connections: which are up, and which do not let go."""

    def __init__(self):
        self.up, self.begun, self.stubborn = set(), [], {}

    async def run(self, publisher):
        """Be up until cancelled, and longer where it is stubborn."""
        name = publisher._settings.name
        self.begun.append(name)
        self.up.add(name)
        try:
            await asyncio.Event().wait()
        finally:
            while name in self.stubborn and not self.stubborn[name].is_set():
                with suppress(asyncio.CancelledError):
                    await self.stubborn[name].wait()
            self.up.discard(name)


@pytest.fixture
def connections(monkeypatch):
    """Have publishers connect to nothing."""
    made = Connections()

    async def run(publisher):
        await made.run(publisher)

    monkeypatch.setattr(Publisher, "run", run)
    return made


@asynccontextmanager
async def running(tmp_path, connections, *settings):
    """Give destinations that run, over a store with its thread."""
    outbox = Outbox.open(Store(path=tmp_path / "store.db"))
    serve_all(outbox, settings)
    writer = Writer(outbox, commit_interval_s=0.02, on_commit=lambda _: None, on_failure=print)
    made = Destinations(
        settings, Sender("ent", "gw", outbox.epoch), store=(outbox, writer), passwords={},
        clock=lambda: "sync", dates=None, notices=_Notices(), tell=lambda *_args, **_more: None,
    )  # fmt: skip
    writer.start()
    task = asyncio.create_task(made.run())
    await until(lambda: len(connections.up) == len(settings))
    yield made
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await writer.close()


class _Notices:
    meta = staticmethod(bytes)


async def test_one_that_hangs_leaves_all_as_they_were(tmp_path, connections, monkeypatch):
    """The change is refused, the others are connected again; once it lets go the change is made."""
    monkeypatch.setattr(destinations_module, "STOP_S", 2.0)
    async with running(tmp_path, connections, FIRST, SECOND) as made:
        let_go = connections.stubborn["one"] = asyncio.Event()
        with pytest.raises(TimeoutError):
            await made.renew((THIRD,), {})
        await until(lambda: connections.up == {"one", "two"})
        assert connections.begun == ["one", "two", "two"]
        assert made.settings == (FIRST, SECOND)
        assert [one.rows is not None for one in made.status()] == [True, True]
        let_go.set()
        await made.renew((THIRD,), {})
        await until(lambda: connections.up == {"three"})
        assert made.settings == (THIRD,)
        assert [one.rows for one in made.status()] == [None]


async def test_one_that_stays_keeps_its_connection(tmp_path, connections):
    """Where several stay several, only the one that changed begins anew."""
    async with running(tmp_path, connections, FIRST, SECOND) as made:
        await made.renew((FIRST, THIRD), {})
        await until(lambda: connections.up == {"one", "three"})
        assert connections.begun == ["one", "two", "three"]
