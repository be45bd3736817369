"""S1, S2: kill -9 again and again, start-up included, against a broker that syncs what it takes.

Several gateways live side by side, each with a broker, a platform and a machine of its own. After
each kill the mark of the store says what was committed; at the end every such row has arrived.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import pytest
from faults.delivered import settle
from faults.scale import is_full, rounds
from system.agent_process import AgentProcess
from system.loads import counting
from system.mosquitto import Mosquitto
from system.subscriber import Subscriber
from system.waiting import until

from agent.store.mark import read_mark

pytestmark = [pytest.mark.foreign, pytest.mark.timeout(120)]

REGISTERS = 125
STARTING_S = (0.0, 1.2)
"""From the start of the process: lives that end before their first commit, most of them."""
WORKING_S = (0.0, 0.8)
"""From the first commit of a life, however long the start took: lives that end under load."""
WORKING_SHARE = 0.5
FIRST_COMMIT_S = 60.0
SIDE_BY_SIDE = 3


async def test_every_committed_row_arrives_once_and_in_order(tmp_path, dice, figure):
    """After the last of the kills no row that was committed is missing, doubled or out of order."""
    kills = rounds(short=3, full=1000)
    gateways = SIDE_BY_SIDE if is_full() else 1
    shares = [kills // gateways + (at < kills % gateways) for at in range(gateways)]
    folders = [tmp_path / f"gw{at}" for at in range(gateways)]
    lives = [[_life(dice) for _ in range(share)] for share in shares]
    found = await asyncio.gather(
        *(_storm(folder, planned) for folder, planned in zip(folders, lives, strict=True))
    )
    together = Counter()
    for gateway in found:
        together.update(gateway)
    for name, count in sorted(together.items()):
        figure(name, count)
    assert together["kills"] == kills
    assert together["committed rows lost"] == 0
    assert together["kills after a first commit"] >= kills // 4, "the load never got going"


def _life(dice):
    """Give whether a life may get to work, and how long it then, or at all, lasts."""
    works = dice.random() < WORKING_SHARE
    return works, dice.uniform(*(WORKING_S if works else STARTING_S))


async def _storm(folder, lives):
    """Let one gateway live and die so often; give what became of its rows."""
    folder.mkdir()
    found = Counter(kills=len(lives))
    async with Mosquitto(folder) as broker, counting(REGISTERS) as machine:
        with Subscriber(broker.url) as subscriber:
            async with AgentProcess(folder, broker_url=broker.url, devices=[machine]) as agent:
                committed = await _lives(agent, lives, found)
                await _last_life(agent)
                books = await settle(agent, subscriber)
    numbers = {n for _, _, n in books.rows}
    assert len({epoch for _, epoch, _ in books.rows}) == 1, "the store was begun anew"
    found["committed rows lost"] = len(set(range(1, committed + 1)) - numbers)
    found["rows"] = len(books.rows)
    found["repeats, removed by id"] = books.duplicates
    return found


async def _lives(agent, lives, found):
    """Start and kill; give the highest number that was ever committed."""
    committed = 0
    for works, span_s in lives:
        agent.start()
        if works:
            await until(lambda: _reached(agent) > committed or agent.returncode is not None,  # noqa: B023 - awaited here
                        within_s=FIRST_COMMIT_S, what="commits")  # fmt: skip
        await asyncio.sleep(span_s)
        assert agent.returncode is None, f"the agent ended by itself: {agent.complaints()}"
        await agent.kill()
        reached = _reached(agent)
        assert reached >= committed, "the mark went back: a number may be given twice"
        found["kills after a first commit"] += reached > committed
        committed = reached
    return committed


def _reached(agent):
    mark = read_mark(agent.store)
    return 0 if mark is None else mark.last_seq


async def _last_life(agent):
    began_s = time.monotonic()
    agent.start()
    await agent.up()
    took_s = time.monotonic() - began_s
    print(f"the last start answers after {took_s:.2f} s")
    await agent.collecting()
