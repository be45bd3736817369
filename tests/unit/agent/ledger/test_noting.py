"""The running agent writes down the ledger it works by."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest

from agent.ledger.edit import read_config
from agent.ledger.journal import Journal, journal_path
from agent.ledger.noting import keep_history

CONFIGS = Path(__file__).resolve().parents[4] / "configs"


@pytest.fixture
def loaded(tmp_path):
    """The sample workshop, its store in a folder of its own."""
    config, _ = read_config(CONFIGS / "workshop.yaml")
    store = config.store.model_copy(update={"path": tmp_path / "chulian.db"})
    config = config.model_copy(update={"store": store})
    return SimpleNamespace(config=config, path=Path("agent.yaml"))


class Clock:
    """A clock somebody vouches for only after it was looked at some times."""

    def __init__(self, looks):
        self.looks = looks

    @property
    def free(self):
        self.looks -= 1
        return self.looks >= 0


async def test_nothing_is_written_until_the_clock_is_trusted(loaded):
    """An entry bears a day, so it waits for the true one; then every record stands there."""
    journal = Journal(journal_path(loaded.config.store.path))
    waiting = asyncio.create_task(keep_history(loaded, Clock(10**9), look_s=0))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not journal.path.exists()
    waiting.cancel()
    await keep_history(loaded, Clock(3), look_s=0)
    known = journal.read()
    assert (len(known.entries), known.bad) == (24, None)
    assert {one.who for one in known.entries} == {"agent.yaml"}
    await keep_history(loaded, Clock(0), look_s=0)
    assert len(journal.read().entries) == 24


async def test_a_gateway_without_a_ledger_keeps_no_history(loaded):
    """Who declares nothing finds no file beside the store."""
    bare = loaded.config.model_copy(update={"processes": (), "equipment": ()})
    await keep_history(SimpleNamespace(config=bare, path=loaded.path), Clock(0))
    assert not journal_path(bare.store.path).exists()


async def test_a_damaged_history_stops_nobody(loaded, caplog):
    """It is told in the log, and the agent goes on."""
    path = journal_path(loaded.config.store.path)
    path.write_text("{}\n")
    await keep_history(loaded, Clock(0))
    assert "--set-aside" in caplog.text
    assert path.read_text() == "{}\n"
