"""SIGHUP after an edit of the ledger: rate, page, meta and journal go on by the new one at once."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import defaultdict
from urllib.request import ProxyHandler, build_opener

import pytest
from system.agent_process import AgentProcess
from system.loads import counting
from system.waiting import until

from agent.kpi.report import DEVICE, GROUP
from agent.ledger.history import History
from agent.ledger.journal import Journal, journal_path
from simulators.mqtt.broker import Broker
from simulators.platform import Platform

pytestmark = pytest.mark.timeout(120)
LEDGER = {
    "processes": [{"id": "turn", "name": "车"}],
    "equipment": [{"id": "L1", "control_type": "CNC", "processes": ["turn"]}],
    "rate": {"emit_every_s": 1, "period_days": 10},
}
SECOND = {"id": "L2", "control_type": "manual", "processes": ["turn"]}


def _edit(agent, **sections):
    document = json.loads(agent.config.read_text("utf-8")) | sections
    agent.config.write_text(json.dumps(document, ensure_ascii=False), "utf-8")


def _journal(agent):
    return Journal(journal_path(agent.store)).read()


def _page(port):
    with build_opener(ProxyHandler({})).open(f"http://127.0.0.1:{port}/ledger", timeout=20) as said:
        return said.read().decode()


async def _declared(agent, *share):
    return await agent.until(
        lambda s: s["rate"] and s["rate"]["declared"] == list(share), what=f"shows {share}"
    )


def _machines(row):
    """Give the number of machines that a row of the rate tells; None for any other row."""
    if row.device != DEVICE or row.group != GROUP:
        return None
    return next(p.value for p in row.points() if p.metric.endswith(".machines"))


@pytest.fixture
async def shop(tmp_path):
    """Give an agent with one machine in its ledger, and the platform."""
    rows = []
    async with (
        Broker() as broker,
        counting(4) as machine,
        Platform(broker.url, on_row=rows.append) as platform,
        AgentProcess(tmp_path, broker_url=broker.url, devices=[machine]) as agent,
    ):
        _edit(agent, **LEDGER)
        agent.start()
        yield agent, platform, rows


async def test_a_new_machine_of_the_ledger_counts_at_once(shop):
    """1 of 1 becomes 1 of 2 without a restart; page and journal know it; polling goes on."""
    agent, platform, rows = shop
    await _declared(agent, 1, 1)
    before = await agent.collecting()
    await until(lambda: _journal(agent).entries, within_s=30, what="keeps the first ledger")
    first = _journal(agent).last_hash
    _edit(
        agent, equipment=[*LEDGER["equipment"], SECOND], enterprise={"id": "ent-test", "name": "鄂"}
    )
    agent.signal(signal.SIGHUP)
    after = await _declared(agent, 1, 2)
    assert after["started_ms"] - before["started_ms"] < 1000
    assert after["devices"][0]["since_ms"] == before["devices"][0]["since_ms"]
    assert after["process"]["problems"] == []
    assert after["enterprise"] == "鄂"
    assert "L2" in await asyncio.to_thread(_page, agent.port)
    await until(lambda: _journal(agent).last_hash != first, within_s=30, what="keeps the second")
    history = History.of(_journal(agent).entries)
    assert [len(one.after.equipment) for one in history.batches] == [1, 2]
    await until(lambda: _by_version(rows) == [{1}, {2}], within_s=30, what="sends both rates")
    gateway = platform.receiver.gateways["gw-test"]
    assert [one["id"] for one in gateway.meta["ledger"]["equipment"]] == ["L1", "L2"]
    assert await agent.stop() == 0
    assert _by_version(rows) == [{1}, {2}]
    assert platform.summary()["schema_errors"] == 0
    agent.verify()


def _by_version(rows):
    """Give the numbers of machines told under each meta message, which must be one."""
    found = defaultdict(set)
    for row in rows:
        if (machines := _machines(row)) is not None:
            found[row.meta_version].add(machines)
    return [found[version] for version in sorted(found)]


async def test_a_bad_ledger_changes_nothing(shop):
    """A machine that runs an unknown process refuses the file; the rate stays, and it is told."""
    agent, *_ = shop
    await _declared(agent, 1, 1)
    _edit(agent, equipment=[*LEDGER["equipment"], {**SECOND, "processes": ["mill"]}])
    agent.signal(signal.SIGHUP)
    seen = await agent.until(lambda s: s["process"]["problems"], what="says what is wrong")
    assert "mill" in seen["process"]["problems"][0]["en"]
    assert "未生效" in seen["process"]["problems"][0]["zh"]
    assert seen["rate"]["declared"] == [1, 1]
    assert await agent.stop() == 0


async def test_another_enterprise_waits_for_a_restart_whole(shop):
    """With another enterprise.id no part of the ledger is taken, and every section is named."""
    agent, *_ = shop
    await _declared(agent, 1, 1)
    _edit(agent, equipment=[*LEDGER["equipment"], SECOND], enterprise={"id": "other"})
    agent.signal(signal.SIGHUP)
    seen = await agent.until(lambda s: s["process"]["problems"], what="says what waits")
    assert (
        "enterprise (enterprise.id is in every topic), equipment ("
        in (seen["process"]["problems"][0]["en"])
    )
    assert seen["rate"]["declared"] == [1, 1]
    assert await agent.stop() == 0
