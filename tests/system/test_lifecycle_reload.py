"""SIGHUP: the file is read again while machines are polled; what is wrong with it is only told."""

from __future__ import annotations

import json
import signal
from contextlib import asynccontextmanager, closing

import pytest
from system.agent_process import AgentProcess
from system.loads import counting
from system.supervisor import Supervisor
from system.waiting import free_port, until

from simulators.mqtt.broker import Broker

pytestmark = pytest.mark.timeout(120)


def _device(status, name):
    return next(device for device in status["devices"] if device["id"] == name)


def _edit(agent, change):
    document = json.loads(agent.config.read_text("utf-8"))
    change(document)
    agent.config.write_text(json.dumps(document), "utf-8")


@asynccontextmanager
async def shop(folder, environment):
    """Give an agent with a sound machine and a `moved` one at a wrong port, and the right one."""
    async with Broker() as broker, counting(4) as sound, counting(4) as moved:
        right = moved["port"]
        wrong = moved | {"id": "moved", "port": free_port()}
        async with AgentProcess(
            folder, broker_url=broker.url, devices=[sound, wrong], environment=environment,
            publish={"no_subscriber": "accept"},
        ) as agent:  # fmt: skip
            agent.start()
            yield agent, right


async def test_only_what_changed_begins_anew(tmp_path):
    """A corrected port brings one machine up; the other's polls, and the store, never notice."""
    with closing(Supervisor()) as systemd:
        async with shop(tmp_path, {"NOTIFY_SOCKET": f"@{systemd.name}"}) as (agent, right):
            before = await agent.until(
                lambda s: (
                    _device(s, "counter")["reads"] > 5 and _device(s, "moved")["state"] == "backoff"
                ),
                what="reads one of the two",
            )
            _edit(agent, lambda d: d["devices"][1].update(port=right))
            agent.signal(signal.SIGHUP)
            after = await agent.until(lambda s: _device(s, "moved")["reads"] > 5, what="reads both")
            sound = _device(after, "counter")
            assert sound["since_ms"] == _device(before, "counter")["since_ms"]
            assert sound["reads"] > _device(before, "counter")["reads"]
            assert after["store"]["epoch"] == before["store"]["epoch"]
            assert after["started_ms"] - before["started_ms"] < 1000
            assert after["process"]["problems"] == []
            await until(lambda: len(systemd.times("READY=1")) == 2, within_s=20, what="READY again")
            assert len(systemd.times("RELOADING=1")) == 1
            assert await agent.stop() == 0
            agent.verify()


async def test_a_bad_file_and_a_change_that_must_wait_are_only_told(tmp_path):
    """With a bad file, then with a new machine in it, polling goes on and the page says why."""
    async with shop(tmp_path, {}) as (agent, _):
        await agent.until(lambda s: _device(s, "counter")["reads"] > 5, what="reads")
        whole = agent.config.read_text("utf-8")
        agent.config.write_text(whole.replace('"interval_s": 0.1', '"interval_s": "often"'))
        agent.signal(signal.SIGHUP)
        seen = await agent.until(lambda s: s["process"]["problems"], what="says what is wrong")
        assert "interval_s" in seen["process"]["problems"][0]["en"]
        agent.config.write_text(whole)
        _edit(agent, lambda d: d["devices"].append(d["devices"][0] | {"id": "extra", "unit": 2}))
        agent.signal(signal.SIGHUP)
        seen = await agent.until(
            lambda s: any("restart" in p["en"] for p in s["process"]["problems"]), what="says so"
        )
        assert "extra (new)" in seen["process"]["problems"][0]["en"]
        reads = _device(seen, "counter")["reads"]
        await agent.until(lambda s: _device(s, "counter")["reads"] > reads + 5, what="goes on")
        assert "Traceback" not in agent.complaints()
        assert await agent.stop() == 0
