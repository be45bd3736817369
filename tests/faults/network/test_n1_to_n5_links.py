"""N1, N2, N3, N5: links that are pulled, swallow, lose, are narrow, or flap, on a real stack.

Agent and broker talk over a cable between two network namespaces; the platform reads the broker
over another one. Whatever happens in between, everything stored arrives once and in order.
"""

from __future__ import annotations

import json
import time
from contextlib import asynccontextmanager

import pytest
from faults.delivered import settle
from faults.network.link import cable, needs_root
from faults.scale import is_full, rounds
from system.agent_process import AgentProcess
from system.loads import counting
from system.subscriber import Subscriber
from system.waiting import passed

pytestmark = [pytest.mark.foreign, needs_root, pytest.mark.timeout(180)]

KEEPALIVE_S = 5
BUSY_S = 5.0
"""What a machine busy with other tests may add to any figure."""
REGISTERS = 125


class Gateway:
    """An agent, the cable to its broker, and what arrived there."""

    def __init__(self, link, agent, subscriber):
        self.link = link
        self.agent = agent
        self.subscriber = subscriber

    async def until_connected(self, *, connected, within_s):
        """Wait until it knows so; give how long that took, in seconds."""
        began_s = time.monotonic()
        await self.agent.until(
            lambda s: s["destinations"][0]["connected"] is connected,
            within_s=within_s, what=f"is connected: {connected}",
        )  # fmt: skip
        return time.monotonic() - began_s

    async def until_published(self, *, within_s):
        """Wait for the next message at the platform; give how long that took, in seconds."""
        began_s, before = time.monotonic(), len(self.subscriber.messages)
        await self.agent.until(
            lambda _: len(self.subscriber.messages) > before, within_s=within_s, what="publishes"
        )
        return time.monotonic() - began_s


@asynccontextmanager
async def gateway(folder, *, registers=REGISTERS, **publish):
    """Give a gateway that collects and sends."""
    settings = {"keepalive_s": KEEPALIVE_S, "reconnect_max_s": 5} | publish
    async with cable(folder) as link, counting(registers) as machine:
        with Subscriber(link.side_url) as subscriber:
            async with AgentProcess(
                folder, broker_url=link.url, devices=[machine], publish=settings
            ) as agent:
                agent.start()
                await agent.collecting()
                made = Gateway(link, agent, subscriber)
                await made.until_published(within_s=20)
                yield made


async def test_in_short(tmp_path, figure):
    """Pulled, swallowed, lossy, narrow and flapping, one after the other: all of it arrives."""
    async with gateway(tmp_path) as box:
        box.link.pull()
        await passed(since_s=time.monotonic(), seconds=2)
        box.link.plug()
        await box.until_published(within_s=2 * KEEPALIVE_S + 5 + BUSY_S)
        box.link.swallow("INPUT", "OUTPUT")
        noticed_s = await box.until_connected(connected=False, within_s=2 * KEEPALIVE_S + BUSY_S)
        box.link.deliver()
        await box.until_connected(connected=True, within_s=30)
        box.link.swallow("INPUT", "OUTPUT", share=0.3)
        box.link.narrow(64_000)
        await passed(since_s=time.monotonic(), seconds=2)
        box.link.widen()
        box.link.deliver()
        for _ in range(2):
            box.link.pull()
            await passed(since_s=time.monotonic(), seconds=1)
            box.link.plug()
            await passed(since_s=time.monotonic(), seconds=1)
        books = await settle(box.agent, box.subscriber)
    figure("slowest notice, s", round(noticed_s, 1))
    figure("rows", len(books.rows))


@pytest.mark.long
@pytest.mark.parametrize("longest_s", [10, 600, 3600])
async def test_n1_the_cable_is_pulled(tmp_path, figure, longest_s):
    """However long the cable was out, what was stored arrives, and soon after it is back."""
    outage_s = rounds(short=5, full=longest_s)
    async with gateway(tmp_path) as box:
        box.link.pull()
        await passed(since_s=time.monotonic(), seconds=outage_s)
        box.link.plug()
        back_s = await box.until_published(within_s=2 * KEEPALIVE_S + 5 + BUSY_S)
        books = await settle(box.agent, box.subscriber)
    figure("outage, s", outage_s)
    figure("first message after the return, s", round(back_s, 1))
    figure("rows", len(books.rows))


@pytest.mark.long
@pytest.mark.parametrize("swallowed", [("INPUT", "OUTPUT"), ("OUTPUT",)], ids=["both", "answers"])
async def test_n2_a_black_hole(tmp_path, figure, swallowed):
    """Packets vanish without a word: noticed within two keepalives, and nothing counts twice."""
    slowest_s = repeats = 0
    async with gateway(tmp_path) as box:
        for _ in range(rounds(short=1, full=10)):
            box.link.swallow(*swallowed)
            noticed_s = await box.until_connected(
                connected=False, within_s=2 * KEEPALIVE_S + BUSY_S
            )
            box.link.deliver()
            await box.until_connected(connected=True, within_s=30)
            slowest_s = max(slowest_s, noticed_s)
        books = await settle(box.agent, box.subscriber)
        repeats = books.duplicates
    figure("slowest notice, s", round(slowest_s, 1))
    figure("repeats, removed by id", repeats)


@pytest.mark.long
async def test_n3_three_packets_in_ten_are_lost(tmp_path, figure):
    """On a line that loses 30 % each way data goes on arriving, without a storm of connections."""
    async with gateway(tmp_path, keepalive_s=30) as box:
        before = (await box.agent.status())["destinations"][0]["connects"]
        box.link.swallow("INPUT", "OUTPUT", share=0.3)
        seconds = rounds(short=8, full=120)
        arrived = len(box.subscriber.messages)
        await passed(since_s=time.monotonic(), seconds=seconds)
        await box.until_published(within_s=60)
        arrived = len(box.subscriber.messages) - arrived
        connects = (await box.agent.status())["destinations"][0]["connects"] - before
        box.link.deliver()
        await settle(box.agent, box.subscriber)
    figure("seconds", seconds)
    figure("messages meanwhile", arrived)
    figure("connections meanwhile", connects)
    assert connects <= 1 + seconds / 20


@pytest.mark.long
@pytest.mark.parametrize(("bits_per_s", "registers"), [(64_000, 500), (8_000, 125)])
async def test_n3_a_narrow_line(tmp_path, figure, bits_per_s, registers):
    """More data than the line can carry: what it carries is data, the rest waits on the disk."""
    seconds = rounds(short=10, full=120)
    small = {"keepalive_s": 60, "max_message_kb": 8, "window": 4}
    async with gateway(tmp_path, registers=registers, **small) as box:
        before = (await box.agent.status())["destinations"][0]["connects"]
        box.link.narrow(bits_per_s)
        await box.until_published(within_s=60)
        began_s, first = time.monotonic(), len(box.subscriber.messages)
        await passed(since_s=began_s, seconds=seconds)
        await box.until_published(within_s=60)
        took_s = time.monotonic() - began_s
        came = box.subscriber.messages[first:]
        connects = (await box.agent.status())["destinations"][0]["connects"] - before
        box.link.widen()
        await settle(box.agent, box.subscriber)
    payload = sum(len(json.dumps(m.body, separators=(",", ":"))) for m in came)
    share = payload * 8 / took_s / bits_per_s
    figure("share of the line that is payload", round(share, 2))
    figure("connections meanwhile", connects)
    assert connects == 0
    if is_full():  # a short look is as long as a few messages
        assert share >= 0.6


@pytest.mark.long
async def test_n5_the_line_flaps(tmp_path, dice, figure):
    """Up and down again and again: nothing is lost, and a line that is down is not hammered."""
    seconds = rounds(short=12, full=3600)
    longest_s = 20 if is_full() else 4
    outages = down_s = 0
    async with gateway(tmp_path) as box:
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            box.link.pull()
            span_s = dice.uniform(1, longest_s)
            await passed(since_s=time.monotonic(), seconds=span_s)
            outages, down_s = outages + 1, down_s + span_s
            box.link.plug()
            await passed(since_s=time.monotonic(), seconds=dice.uniform(1, longest_s))
        status = await box.agent.status()
        await box.until_connected(connected=True, within_s=60)
        books = await settle(box.agent, box.subscriber)
    connects = status["destinations"][0]["connects"]
    figure("outages", outages)
    figure("seconds down", round(down_s))
    figure("connections", connects)
    figure("rows", len(books.rows))
    assert connects <= 1 + outages
