"""Ten thousand variables on one server: how soon they are subscribed, and whether memory stays.

The agent is a process of its own with its store and page, the broker is mosquitto, the server
node-opcua. Every change the server makes is in its log; what arrives is counted by a client.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import threading
import time
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from foreign.node_server import NODES, NodeServer
from matrix.collecting import resident_bytes
from paho.mqtt.enums import CallbackAPIVersion
from system.agent_process import AgentProcess
from system.mosquitto import Mosquitto
from system.waiting import passed, until

from drivers.api import Tag
from drivers.opcua import DRIVER

pytestmark = [pytest.mark.foreign, pytest.mark.long]

SOAK = "CHULIAN_SOAK_S"
"""How long the soak lasts, in seconds; an hour where it is not said."""
SERIES = "CHULIAN_SOAK_SERIES"
"""Where the samples of the soak are written, a JSON object a line, if anywhere."""
SOAK_S = float(os.environ.get(SOAK, "3600"))
VARIABLES = 10_000
CHANGE_MS = 1_000
"""Each variable changes so often: 10,000 changes a second."""
SUBSCRIBED_WITHIN_S = 10.0
SETTLED = 0.25
"""Share of the soak after which memory has found its level."""
GROWTH = 1.10
"""Most that memory may grow from then on: less than a leak of 1 byte in 100 values would make."""
MIB = 1024 * 1024


class Counter:
    """Counts what arrives, metric by metric, and keeps none of it."""

    def __init__(self, url):
        self.values = 0
        self.metrics = {}
        """Metric -> how many values of it arrived."""
        self.newest_ms = 0
        address, _, port = url.removeprefix("mqtt://").partition(":")
        self._subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, "counter", protocol=mqtt.MQTTv5)
        self._client.on_connect = lambda client, *_: client.subscribe("hb/v1/#", qos=1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._on_message
        self._client.connect(address, int(port), 30)

    def __enter__(self):
        self._client.loop_start()
        assert self._subscribed.wait(10), "the broker did not answer the subscription"
        return self

    def __exit__(self, *_):
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client, _userdata, message):
        if message.topic.rpartition("/")[2] not in {"data", "hist"}:
            return
        for row in json.loads(message.payload)["b"]:
            columns = {name: (row["t"], values) for name, values in row.get("s", {}).items()}
            for name, (times, values) in (columns | row.get("p", {})).items():
                self.values += len(values)
                self.metrics[name] = self.metrics.get(name, 0) + len(values)
                self.newest_ms = max(self.newest_ms, row["t0"] + max(times))


def tags():
    """Give all variables as points."""
    return [{"name": f"v.{n}", "address": f"{NODES}V{n}"} for n in range(VARIABLES)]


def machine(log):
    """Give the server, its changes in a log."""
    return NodeServer(
        "--variables", VARIABLES, "--types", "Int32", "--interval-ms", CHANGE_MS, "--log", log
    )


async def test_ten_thousand_variables_are_subscribed_in_seconds(tmp_path, report):
    """From nothing to the first value of each of 10,000 variables in 10 s at most."""
    with machine(tmp_path / "log") as server:
        config = DRIVER.config(driver="opcua", url=server.url, security="none", timeout_s=30)
        plan = DRIVER.plan(
            config, [Tag(t["name"], t["address"]) for t in tags()], device="d", group="all"
        )
        before_bytes, began_s, seen = resident_bytes(), time.monotonic(), set()
        async with DRIVER.open(DRIVER.link(config)) as session, asyncio.timeout(50):
            stream = session.subscribe(plan, interval_s=0.5)
            async for frame in stream:
                assert frame.good
                seen.update(range(VARIABLES) if frame.columns is None else frame.columns)
                if len(seen) == VARIABLES:
                    break
            took_s = time.monotonic() - began_s
            await stream.aclose()
    grown = (resident_bytes() - before_bytes) / MIB
    report(f"{VARIABLES} variables in {took_s:.2f} s, memory +{grown:.1f} MiB")
    assert took_s < SUBSCRIBED_WITHIN_S


@pytest.mark.timeout(SOAK_S + 300)
async def test_memory_stays_flat(tmp_path, report):
    """Under 10,000 changes a second memory finds its level and stays there; nothing is missing."""
    device = {
        "id": "cnc", "driver": "opcua", "url": "", "security": "none", "timeout_s": 30,
        "publish_interval_s": 1, "groups": {"default": {"interval_s": 0.5}}, "tags": tags(),
    }  # fmt: skip
    log = tmp_path / "log"
    samples = []
    with machine(log) as server:
        async with Mosquitto(tmp_path) as broker:
            devices = [device | {"url": server.url}]
            agent = AgentProcess(tmp_path, broker_url=broker.url, devices=devices)
            with Counter(broker.url) as counter:
                async with agent:
                    agent.start()
                    began_s = time.monotonic()
                    await until(lambda: len(counter.metrics) == VARIABLES, within_s=120,
                                what="every variable arrives")  # fmt: skip
                    await _soak(agent, counter, log, began_s=began_s, samples=samples)
                    status = await agent.status()
                    assert await agent.stop(within_s=60) == 0
    first, last = samples[int(len(samples) * SETTLED)], samples[-1]
    offered = (last["generations"] - first["generations"]) * VARIABLES
    arrived = last["values"] - first["values"]
    peak = max(s["rss"] for s in samples[int(len(samples) * SETTLED) :])
    lost = status["devices"][0]["lost_changes"]
    report(
        f"{last['s'] - first['s']:.0f} s, offered {offered}, arrived {arrived}"
        f" ({arrived / offered:.2%}), counted as lost {lost}; memory"
        f" {first['rss'] / MIB:.1f} -> {last['rss'] / MIB:.1f} MiB, peak {peak / MIB:.1f};"
        f" processor {(last['cpu'] - first['cpu']) / (last['s'] - first['s']):.0%} of a core"
    )
    assert peak < first["rss"] * GROWTH + MIB


async def _soak(agent, counter, log, *, began_s, samples):
    """Let time pass and take a sample of everything now and then."""
    every_s = min(10.0, SOAK_S / 20)
    while time.monotonic() < began_s + SOAK_S:
        sample = {
            "s": round(time.monotonic() - began_s, 1),
            "rss": _resident_bytes(agent.pid),
            "cpu": _processor_s(agent.pid),
            "values": counter.values,
            "generations": len(log.read_bytes().splitlines()),
            "behind_s": round(time.time() - counter.newest_ms / 1000, 1),
        }
        samples.append(sample)
        if path := os.environ.get(SERIES):
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(json.dumps(sample) + "\n")
        assert agent.returncode is None, agent.complaints()
        await passed(since_s=time.monotonic(), seconds=every_s)


def _resident_bytes(pid):
    pages = Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]
    return int(pages) * resource.getpagesize()


def _processor_s(pid):
    """Give the processor time of a process, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
