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
from simulators.platform import Platform

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
    """With a bad file, then with a machine renamed, polling goes on and the page says why."""
    async with shop(tmp_path, {}) as (agent, _):
        await agent.until(lambda s: _device(s, "counter")["reads"] > 5, what="reads")
        whole = agent.config.read_text("utf-8")
        agent.config.write_text(whole.replace('"interval_s": 0.1', '"interval_s": "often"'))
        agent.signal(signal.SIGHUP)
        seen = await agent.until(lambda s: s["process"]["problems"], what="says what is wrong")
        assert "interval_s" in seen["process"]["problems"][0]["en"]
        agent.config.write_text(whole)
        _edit(agent, lambda d: d["devices"][0].update(name="another name"))
        agent.signal(signal.SIGHUP)
        seen = await agent.until(
            lambda s: any("restart" in p["en"] for p in s["process"]["problems"]), what="says so"
        )
        assert "counter (its points" in seen["process"]["problems"][0]["en"]
        reads = _device(seen, "counter")["reads"]
        await agent.until(lambda s: _device(s, "counter")["reads"] > reads + 5, what="goes on")
        assert "Traceback" not in agent.complaints()
        assert await agent.stop() == 0


async def test_machines_come_and_go(tmp_path):
    """A new machine is collected at once, under a meta message that knows it; the other goes on."""
    async with Broker() as broker, counting(4) as sound, counting(3) as other:
        async with (
            Platform(broker.url) as platform,
            AgentProcess(tmp_path, broker_url=broker.url, devices=[sound]) as agent,
        ):
            agent.start()
            before = await agent.collecting()
            _edit(agent, lambda d: d["devices"].append(other | {"id": "late"}))
            agent.signal(signal.SIGHUP)
            seen = await agent.until(
                lambda s: len(s["devices"]) == 2 and _device(s, "late")["values"] > 20,
                what="collects the new machine",
            )
            known = _device(before, "counter")
            assert _device(seen, "counter")["since_ms"] == known["since_ms"]
            assert seen["process"]["problems"] == []
            _edit(agent, lambda d: d["devices"].pop(0))
            agent.signal(signal.SIGHUP)
            seen = await agent.until(
                lambda s: [d["id"] for d in s["devices"]] == ["late"], what="lets the first go"
            )
            values = _device(seen, "late")["values"]
            await agent.until(lambda s: _device(s, "late")["values"] > values, what="goes on")
            assert await agent.stop() == 0
            summary = platform.summary()
            assert (summary["schema_errors"], summary["holes"]) == (0, [])
            assert summary["unaccounted_rows"] == 0
        agent.verify()


async def test_destinations_come_and_go(tmp_path):
    """A second destination gets what waits and all that comes; polling never notices."""
    async with Broker() as first, Broker() as second, counting(4) as machine:
        async with (
            Platform(first.url) as one,
            Platform(second.url, from_start=False) as two,
            AgentProcess(tmp_path, broker_url=first.url, devices=[machine]) as agent,
        ):
            agent.start()
            before = await agent.collecting()
            _edit(agent, lambda d: d["publish"].append({"name": "cloud", "url": second.url}))
            agent.signal(signal.SIGHUP)
            seen = await agent.until(lambda s: _acked(s, "cloud") > 5, what="sends to both")
            assert all(d["rows"]["balanced"] for d in seen["destinations"])
            first_one = _device(before, "counter")
            assert _device(seen, "counter")["since_ms"] == first_one["since_ms"]
            _edit(agent, lambda d: d["publish"].pop())
            agent.signal(signal.SIGHUP)
            seen = await agent.until(
                lambda s: len(s["destinations"]) == 1 and s["destinations"][0]["connected"],
                what="sends to the first again",
            )
            assert seen["process"]["problems"] == []
            acked = seen["store"]["acked"]["rows"]
            await agent.until(lambda s: s["store"]["acked"]["rows"] > acked + 5, what="goes on")
            assert await agent.stop() == 0
            for platform in (one, two):
                summary = platform.summary()
                assert (summary["schema_errors"], summary["holes"]) == (0, [])
        agent.verify()


def _acked(status, name):
    found = [d for d in status["destinations"] if d["name"] == name and d["rows"]]
    return found[0]["rows"]["acked"]["rows"] if found else 0
