"""A machine that never answered in this life is missed from the beginning of it."""

from __future__ import annotations

import time

from unit.agent.collect.machines import INTERVAL_S, Shop, machine
from unit.agent.store.patience import until

WAITED_S = 100 * INTERVAL_S


async def test_polls_before_the_first_failure_are_missed(monkeypatch):
    """What was due while the first attempt was under way is counted, however long it took."""
    shop = Shop({"a": machine()})
    shop.wire("a").down = True
    (run,) = shop.collector._devices()
    run._begun_s = time.monotonic() - WAITED_S
    async with shop:
        await until(lambda: shop.status("a").failures)
        since_s, since_ms = run.groups[0].down_since
        assert since_s == run._begun_s
        assert time.time() * 1000 - since_ms >= WAITED_S * 1000
        assert run.missed >= WAITED_S / INTERVAL_S - 1
