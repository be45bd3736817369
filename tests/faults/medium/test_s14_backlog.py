"""S14: fourteen days and ten gigabytes wait: memory stays flat and live data goes between."""

from __future__ import annotations

import os
import re
import threading
import time
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from faults.medium.prefill import prefill
from faults.scale import is_full, rounds
from paho.mqtt.enums import CallbackAPIVersion
from system.agent_process import AgentProcess
from system.loads import counting
from system.mosquitto import Mosquitto

from agent.config.model import Store
from agent.publish.payload import GroupCodec
from drivers.api import Frame

pytestmark = [pytest.mark.foreign, pytest.mark.timeout(120)]

DAYS = 14
ROWS = DAYS * 86_400
FRAMES, TAGS = 10, 125
"""A row of a second: ten polls of 125 values."""
DRAIN_S = 1500
"""How long the backlog is watched while it goes, at most."""
RSS_MB = 150
FRAMES_A_CORE_S = 5000
_ROW = re.compile(rb'\{"n":')


class Counter:
    """A subscriber that counts rows and looks at nothing else."""

    def __init__(self, port):
        self.rows = {"data": 0, "hist": 0}
        self.slowest_ms = 0.0
        self._ready = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.on_connect = lambda client, *_: client.subscribe("hb/v1/#", qos=1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._count
        self._port = port

    def __enter__(self):
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_):
        self._client.disconnect()
        self._client.loop_stop()
        self._client.on_connect = self._client.on_subscribe = self._client.on_message = None

    def _count(self, _client, _userdata, message):
        level = message.topic.rpartition("/")[2]
        if level not in self.rows:
            return
        self.rows[level] += len(_ROW.findall(message.payload))
        if level == "data":
            sent = re.search(rb'"sent":(\d+)', message.payload)
            self.slowest_ms = max(self.slowest_ms, time.time() * 1000 - int(sent[1]))


async def test_a_backlog_of_two_weeks_goes_while_live_data_comes(tmp_path, figure):
    """The agent starts at once, sends live rows as ever, and its memory does not grow."""
    rows = rounds(short=1500, full=ROWS)
    store = Store(path=tmp_path / "chulian.db", max_mb=40_000)
    prefill(store, rows, _body(), values=FRAMES * TAGS)
    size = store.path.stat().st_size
    async with Mosquitto(tmp_path) as broker, counting(TAGS) as machine:
        with Counter(broker.port) as counter:
            async with AgentProcess(
                tmp_path, broker_url=broker.url, devices=[machine], store={"max_mb": 40_000}
            ) as agent:
                began_s = time.monotonic()
                agent.start()
                await agent.up()
                opened_s = time.monotonic() - began_s
                await agent.until(lambda _: counter.rows["hist"], within_s=60, what="drains")
                first_s, first_cpu_s = time.monotonic(), _cpu_s(agent.pid)
                first, first_mb = counter.rows["hist"], _rss_mb(agent.pid)
                live, most_mb = counter.rows["data"], first_mb

                def gone(status):
                    nonlocal most_mb
                    most_mb = max(most_mb, _rss_mb(agent.pid))
                    late = time.monotonic() > first_s + DRAIN_S
                    return late or status["store"]["waiting"]["rows"] <= 8

                await agent.until(gone, within_s=DRAIN_S + 60, what="has sent the backlog")
                took_s = time.monotonic() - first_s
                cpu_s = _cpu_s(agent.pid) - first_cpu_s
                drained = counter.rows["hist"] - first
                live = counter.rows["data"] - live
                assert await agent.stop(within_s=30) == 0
                law = agent.verify() if not is_full() else None  # it reads every byte of 10 GB
    figure("backlog, GB", round(size / 1e9, 2))
    figure("opening, s", round(opened_s, 2))
    figure("drained, share", round(min(1.0, (drained + first) / rows), 3))
    figure("drained, rows/s", round(drained / took_s))
    figure("drained, frames/s of a core", round(drained * FRAMES / cpu_s))
    figure("live rows meanwhile", live)
    figure("slowest live row, ms", round(counter.slowest_ms))
    figure("memory grew by, MB", round(most_mb - first_mb, 1))
    assert most_mb <= RSS_MB
    assert law is None or law["dropped"]["rows"] == 0
    assert live > 0 or not is_full()
    assert drained * FRAMES / cpu_s >= FRAMES_A_CORE_S or drained < 10 * FRAMES


def _body():
    """Give what makes bodies: one block as the agent encodes it, with the time of the number."""
    codec = GroupCodec(
        "counter", "default", [f"r{at}" for at in range(TAGS)], max_row_bytes=200_000
    )
    start_ns = 1_795_400_000 * 10**9
    frames = [
        Frame("counter", "default", start_ns + at * 10**8, tuple(range(at, at + TAGS)))
        for at in range(FRAMES)
    ]
    (row,) = codec.encode(frames)
    head, found, rest = row.body.partition(b",")
    assert found
    assert head.startswith(b'"t0":')
    return lambda number: b'"t0":%d,' % (1_795_400_000_000 + 1000 * number) + rest


def _rss_mb(pid):
    text = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1000


def _cpu_s(pid):
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
