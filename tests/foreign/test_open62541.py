"""open62541, a C library, as the third server: read by the whole agent, restarted, its history."""

from __future__ import annotations

import pytest
from foreign.open62541_server import NODES, Open62541Server, held
from foreign.shops import BACK_WITHIN_S, device, judge, options, shop, whole

# long: a server that is starved of CPU does not sample each of its own changes
pytestmark = [pytest.mark.foreign, pytest.mark.long, pytest.mark.timeout(240)]


async def test_values_are_equal_over_a_restart(tmp_path, report):
    """Every change over a restart of 2 s arrives, what was missed from history, nothing twice."""
    with Open62541Server(*options(tmp_path / "log"), "--history", 5_000) as server:
        devices = [device("plain", server.url, NODES, security="none")]
        async with shop(tmp_path, server, devices, held=held) as made:
            await server.order("restart 2")
            took_s = await made.back()
            await whole(made, within_s=60)
            assert await made.agent.stop() == 0
            judge(made, lambda line: report(f"back after {took_s:.1f} s; {line}"), whole=True)
    assert took_s < BACK_WITHIN_S
