"""A disk that takes nothing holds up a change of devices only so long, and nothing changes."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from agent.process import renewal
from agent.process.reload import Changes
from agent.process.renewal import Renewal

CHANGES = Changes(("new",), (), ("new",), None, {}, ())


class Parts:
    """What a renewal has at hand; `stores` says whether the disk takes what was read."""

    def __init__(self):
        self.did = []
        self.stores = asyncio.Event()
        self.stores.set()
        self.renewal = Renewal(
            SimpleNamespace(config=None, devices=("old",)),
            store=(SimpleNamespace(meta_version=lambda _: 7), self),
            collector=self,
            destinations=SimpleNamespace(explain=lambda *_: self.did.append("explain")),
            rate=SimpleNamespace(renew=lambda _config, devices: self.did.append(devices)),
            shop=SimpleNamespace(join=self.did.append),
            indicators=SimpleNamespace(key="", on_key=None),
        )
        self.on_replace = lambda: None

    async def flush(self):
        await self.stores.wait()

    async def do(self, work, then):
        then(work())

    async def replace(self, plans, *, gone, between):
        self.did.append("lines down")
        self.on_replace()
        await between()
        self.did.append("lines up")


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(renewal, "STORED_S", 0.05)
    monkeypatch.setattr(renewal, "content_of", lambda *_args, **_more: {})


async def test_with_a_dead_disk_no_line_is_touched():
    """Nothing was changed when it turns out that nothing can be stored."""
    parts = Parts()
    parts.stores.clear()
    with pytest.raises(TimeoutError):
        await parts.renewal.apply(CHANGES)
    assert parts.did == []


async def test_a_disk_that_dies_while_lines_are_down_changes_nothing_either():
    """Rate, shifts and meta message go on by the devices there were."""
    parts = Parts()
    parts.on_replace = parts.stores.clear
    with pytest.raises(TimeoutError):
        await parts.renewal.apply(CHANGES)
    assert parts.did == ["lines down"]


async def test_everything_knows_the_devices_before_their_lines_are_up():
    """With a sound disk the parts are renewed while the lines are down."""
    parts = Parts()
    await parts.renewal.apply(CHANGES)
    assert parts.did == ["lines down", ("new",), ("new",), "explain", "lines up"]
