"""N4: a link that is slow, uneven, drips or is reset in the middle of a message."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager

import pytest
from faults.delivered import settle
from faults.scale import rounds
from system.agent_process import AgentProcess
from system.loads import counting
from system.mosquitto import Mosquitto
from system.subscriber import Subscriber
from system.waiting import passed

from simulators.proxy import TcpProxy

pytestmark = [pytest.mark.foreign, pytest.mark.timeout(180)]

KEEPALIVE_S = 10
REGISTERS = 50


@asynccontextmanager
async def gateway(folder):
    """Give link, agent and subscriber of a gateway that sends through a proxy."""
    async with (
        Mosquitto(folder) as broker,
        TcpProxy("127.0.0.1", broker.port) as link,
        counting(REGISTERS) as machine,
    ):
        url = f"mqtt://127.0.0.1:{link.port}"
        publish = {"keepalive_s": KEEPALIVE_S, "window": 100}
        with Subscriber(broker.url) as subscriber:
            async with AgentProcess(
                folder, broker_url=url, devices=[machine], publish=publish
            ) as agent:
                agent.start()
                await agent.until(
                    lambda s: s["store"]["acked"]["rows"] > 3, within_s=60, what="delivers"
                )
                yield link, agent, subscriber


@pytest.mark.long
async def test_n4_a_round_trip_of_three_seconds(tmp_path, dice, figure):
    """Late and unevenly late answers are no reason to connect again."""
    async with gateway(tmp_path) as (link, agent, subscriber):
        before = link.accepted
        end_s = time.monotonic() + rounds(short=6, full=120)
        link.delay(1.5)
        while time.monotonic() < end_s:
            await passed(since_s=time.monotonic(), seconds=2)
            link.delay(dice.uniform(0.1, 1.5))  # a round trip of 0.2 to 3 s
        needless = link.accepted - before
        link.clear()
        await settle(agent, subscriber)
    figure("connections meanwhile", needless)
    assert needless == 0


async def test_n4_resets_in_the_middle_of_messages(tmp_path, dice, figure):
    """Reset again and again while data drips: what was cut comes again, and counts once."""
    resets = rounds(short=3, full=60)
    async with gateway(tmp_path) as (link, agent, subscriber):
        for _ in range(resets):
            link.drip(dice.choice([2_000, 20_000, 200_000]))
            await passed(since_s=time.monotonic(), seconds=dice.uniform(0.05, 1.0))
            link.cut()
            link.clear()
            await agent.until(
                lambda s: s["destinations"][0]["connected"], within_s=30, what="connects again"
            )
        books = await settle(agent, subscriber)
    figure("cuts", resets)
    figure("repeats, removed by id", books.duplicates)
    figure("rows", len(books.rows))
