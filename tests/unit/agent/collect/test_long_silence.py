"""A silence that lasts is counted while it lasts: a crash must not forget days of it."""

from __future__ import annotations

from itertools import pairwise

from unit.agent.collect.machines import Shop, machine
from unit.agent.store.patience import until

from agent.collect import device, ledger
from drivers.api import ConnectError


async def test_a_long_silence_is_told_before_it_ends(monkeypatch):
    """Missed polls are told and kept in parts, which add up to what the device missed."""
    monkeypatch.setattr(device, "TELL_EVERY_S", 0.05)
    monkeypatch.setattr(ledger, "TELL_EVERY_S", 0.05)
    async with Shop({"a": machine()}) as shop:
        await shop.reads("a", 3)
        shop.script("a").fault = ConnectError("gone", device="a")
        await until(lambda: len(missed(shop)) >= 2, within_s=30)
        assert shop.run_of("a").groups[0].down_since is not None
    told = missed(shop)
    assert {event["reason"] for event in told} == {"device_down"}
    every = [e["polls"] for e in shop.sink.events if e["type"] == "missed"]
    assert sum(every) == shop.run_of("a").missed
    spans = [(event["from"], event["to"]) for event in told]
    assert all(one[1] <= other[0] for one, other in pairwise(spans))


def missed(shop):
    """Give the events of missed polls for a device that is down."""
    events = shop.sink.events
    return [e for e in events if e["type"] == "missed" and e["reason"] == "device_down"]
