"""U15 and the wire of U16: a hostile server costs at most its own data, seen through the agent."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from matrix.collecting import resident_bytes, serving
from matrix.opcua import rogue
from matrix.opcua.hosting import running
from system.waiting import passed, until
from unit.drivers.opcua.security.certificates import authority, der, make
from unit.drivers.opcua.turns import watched

from agent.collect.collector import Collector
from agent.config.load import load
from agent.telemetry.status import DeviceState

HEALTHY, POLL_S = "healthy", 0.1
MEMORY_BYTES = 5_000_000
"""What a rogue may cost."""
TURN_S = 0.1
"""What it may hold the loop."""
OPENING = ("endpoints", "certificate")
"""Tricks with these words are played before a channel is chosen."""
SHOWN = ("flood-publish", "flood-keepalive", "names", "honest")
"""Tricks that break no rule: the device is served, at its own cost."""


@pytest.fixture(scope="module")
def ports():
    """The rogue server, in a process of its own; gives the port of each trick."""
    first = authority("a")
    second = authority("b", by=first)
    circle = [der(one).hex() for one in (make(by=second), second.certificate)]
    circle.append(der(authority("a", by=second).certificate).hex())
    process = subprocess.Popen(
        [sys.executable, rogue.__file__, *circle],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    yield json.loads(process.stdout.readline())
    process.kill()
    process.communicate()


class Store:
    """What the agent would store: good frames per device, and every reason."""

    def __init__(self):
        self.good, self.reasons = {}, {}

    async def put_frame(self, codec, frame):
        """Take a frame."""
        if frame.qualities is None:
            self.good[frame.device] = self.good.get(frame.device, 0) + 1
        self.reasons.setdefault(frame.device, set()).update((frame.reasons or {}).values())

    def put_event(self, t_ms, body):
        """Take an event."""

    def put_losses(self, losses):
        """Take spans of loss, as the store does."""

    def put_told(self, told):
        """Take losses and their events, as the store does."""

    def put_lessons(self, lessons):
        """Take lessons."""


def configured(folder, found, ports):
    """Write and load a configuration of one healthy device and a rogue per port."""
    healthy = {"id": HEALTHY, "driver": "modbus", "unit": 1, **found}
    healthy |= {"groups": {"default": {"interval_s": POLL_S}}}
    healthy["tags"] = [{"name": "v", "address": "hr:0", "type": "uint16"}]
    rogues = [
        {
            "id": trick,
            "driver": "opcua",
            "url": f"opc.tcp://127.0.0.1:{port}",
            "security": "auto" if any(word in trick for word in OPENING) else "none",
            "pki": str(folder / "pki"),
            "timeout_s": 1,
            "groups": {"default": {"interval_s": 0.1, "mode": _mode(trick)}},
            "tags": [{"name": "v", "address": "nsu=urn:rogue;s=V"}],
        }
        for trick, port in ports.items()
    ]
    document = {
        "gateway": {"id": "gw-01"},
        "enterprise": {"id": "hb-demo-0001"},
        "publish": [{"url": "mqtt://127.0.0.1:1883"}],
        "devices": [healthy, *rogues],
    }
    path = folder / "agent.yaml"
    path.write_text(json.dumps(document), "utf-8")  # JSON is YAML
    return load(path).devices


def _mode(trick):
    return "poll" if trick.startswith("read") else "subscribe"


@contextmanager
def memory():
    """Sample the memory of the process during the block; gives a function for its growth."""
    began, peak, done = resident_bytes(), [0], threading.Event()

    def sample():
        while not done.wait(0.005):
            peak[0] = max(peak[0], resident_bytes() - began)

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield lambda: peak[0]
    finally:
        done.set()
        sampler.join()


@asynccontextmanager
async def collected(folder, ports):
    """Let the agent's collector read a healthy device beside rogues; all were met once."""
    async with serving("tcp", units=(1,), interval_s=0) as (_, found):
        store = Store()
        collector = Collector(
            configured(folder, found, ports), sink=store,
            codec=lambda _d, _g: None, observer=lambda _d, _g: lambda _f: None,
        )  # fmt: skip
        async with running(collector.run()):
            await until(lambda: _met(collector), within_s=30, what="every device was tried")
            yield store, collector


def _met(collector):
    waiting = {DeviceState.IDLE, DeviceState.CONNECTING}
    return all(one.state not in waiting or one.id in SHOWN for one in collector.status())


def judge(store, collector):
    """Every rogue that breaks a rule is down for a reason in two languages, or its point bad."""
    for device in collector.status():
        if device.id in {HEALTHY, *SHOWN}:
            continue
        problem, tag = device.problem, device.tags[0]
        told = problem is not None and problem.en and problem.zh
        bad = tag.quality == 0 and (tag.reason or device.state is not DeviceState.ONLINE)
        assert told or bad, device
        assert store.good.get(device.id, 0) == 0, device


async def run(folder, ports, *, seconds):
    """Meet the rogues for a time; gives the share of polls kept, the turns, and the growth."""
    with memory() as growth:
        async with watched() as turns, collected(folder, ports) as (store, collector):
            before, began = store.good.get(HEALTHY, 0), asyncio.get_running_loop().time()
            await passed(since_s=began, seconds=seconds)
            kept = (store.good[HEALTHY] - before) * POLL_S
            kept /= asyncio.get_running_loop().time() - began
            judge(store, collector)
    return kept, turns, growth()


def told(kept, turns, growth):
    """Word what a run measured."""
    return (
        f"memory +{growth / 1e6:.1f} MB, longest turn {turns.work_s * 1e3:.0f} ms of work "
        f"({turns.late_s * 1e3:.0f} ms late by the clock), healthy device {kept:.0%} of its polls"
    )


async def test_u15_all_rogues_at_once_do_not_hold_the_others(tmp_path, ports, report):
    """Beside every rogue at once the loop turns, and a healthy device is read."""
    kept, turns, growth = await run(tmp_path, ports, seconds=3)
    report(f"{len(ports)} rogues at once: {told(kept, turns, growth)}")
    assert turns.work_s < TURN_S * 5
    assert kept > 0.2


@pytest.mark.parametrize("trick", ["flood", "flood-limits-0", "change-million-texts", "drip"])
async def test_u15_a_rogue_costs_no_memory(tmp_path, ports, report, trick):
    """One rogue alone costs no more than 5 MB, met again and again."""
    await run(tmp_path, {trick: ports[trick]}, seconds=0.3)
    kept, turns, growth = await run(tmp_path, {trick: ports[trick]}, seconds=1)
    report(told(kept, turns, growth))
    assert growth < MEMORY_BYTES


async def test_u16_names_stay_data(tmp_path, ports, caplog):
    """What a server calls itself is logged on one line, without control characters."""
    async with collected(tmp_path, {"names": ports["names"]}) as (store, _):
        await until(lambda: store.good.get("names"), within_s=20, what="the device is served")
    for record in caplog.records:
        assert record.getMessage().isprintable(), record


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("trick", rogue.TRICKS)
async def test_u15_each_rogue_alone_for_long(tmp_path, ports, report, trick):
    """Each rogue alone for ten seconds: memory, turns of the loop and the other device's rate."""
    await run(tmp_path, {trick: ports[trick]}, seconds=1)
    kept, turns, growth = await run(tmp_path, {trick: ports[trick]}, seconds=10)
    report(told(kept, turns, growth))
    assert growth < MEMORY_BYTES
    assert turns.work_s < TURN_S
    assert kept > 0.95


def test_the_rogue_needs_nothing_of_ours():
    """It is an oracle of its own: no library of the protocol, nothing of the project."""
    code = Path(rogue.__file__).read_text("utf-8")
    assert not {"asyncua", "drivers", "agent", "simulators"} & set(code.split())
