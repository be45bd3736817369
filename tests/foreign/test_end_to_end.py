"""From machine to platform with nothing of ours but the agent: every value that arrives is true.

Modbus: a server in C on libmodbus, whose wire is tapped, so that what it answered is known to the
word. OPC UA: a server in JavaScript on node-opcua, watched by a client of its own. Broker: Debian's
mosquitto. Platform: a plain MQTT client that decodes by itself.
"""

from __future__ import annotations

import os
import struct
import subprocess
from collections import defaultdict
from contextlib import asynccontextmanager
from datetime import UTC
from itertools import pairwise
from pathlib import Path

import pytest
from asyncua import Client, ua
from system.agent_process import AgentProcess
from system.modbus_tap import ModbusTap
from system.mosquitto import Mosquitto
from system.subscriber import Subscriber, values_of
from system.waiting import need, until

pytestmark = [pytest.mark.foreign, pytest.mark.timeout(120)]

MAKE_CERTS = Path(__file__).parents[2] / "deploy" / "mosquitto" / "make-certs"
PERIOD_MS = 70
"""The C server changes all registers so often; no multiple of it is the poll interval."""
POLL_S = 0.1
CHANGE_MS = 100
"""The JavaScript server changes all variables so often."""
SCANS = 40
"""Polls that must have arrived before the agent is stopped."""

TYPES = {"uint16": ">H", "int16": ">h", "uint32": ">I", "int32": ">i", "uint64": ">Q"}
REGISTERS = (
    [("hr", at, "uint16") for at in range(150)]
    + [("hr", at, kind) for kind in ("int16", "uint32", "int32", "uint64") for at in (150, 160)]
    + [("ir", at, "uint16") for at in range(60)]
    + [("ir", 60, "int16"), ("ir", 64, "uint32")]
)
BITS = [(table, at) for table in ("co", "di") for at in range(40)]
VARIABLES = 48
TURN = ("Boolean", "SByte", "Byte", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64",
        "Float", "Double", "String")  # fmt: skip
"""The types of the changing variables, as server.js says at its head."""
NODES = "nsu=urn:chulian:peer:node-opcua;s="
STILL = {
    "Int64": (-2, "g", ""),
    "UInt64": ("18446744073709551615", "g", ""),
    "Double": (-1.0e300, "g", ""),
    "String": ("主轴转速", "g", ""),
    "BadNoCommunication": (None, "b", "BadNoCommunication"),
    "UncertainLastUsableValue": (7, "u", "UncertainLastUsableValue"),
}
"""What never changes, with its quality; integers beyond 2^53 travel as strings."""


def plc(port):
    """Give the C server as a device."""
    tags = [
        {"name": f"{table}.{kind}.{at}", "address": f"{table}:{at}", "type": kind}
        for table, at, kind in REGISTERS
    ]
    tags += [{"name": f"{table}.{at}", "address": f"{table}:{at}", "type": "bool"}
             for table, at in BITS]  # fmt: skip
    return {"id": "plc", "driver": "modbus", "host": "127.0.0.1", "port": port, "timeout_s": 5,
            "groups": {"default": {"interval_s": POLL_S}}, "tags": tags}  # fmt: skip


def cnc(url):
    """Give the JavaScript server as a device."""
    tags = [{"name": f"v.{n}", "address": f"{NODES}V{n}"} for n in range(VARIABLES)]
    tags += [
        {
            "name": f"still.{name.lower()}", "group": "still",
            "address": f"{NODES}{'Status' if name[:3] in {'Bad', 'Unc'} else 'Still'}.{name}",
        }
        for name in STILL
    ]  # fmt: skip
    groups = {"default": {"interval_s": CHANGE_MS / 2000}, "still": {"interval_s": 1}}
    return {"id": "cnc", "driver": "opcua", "url": url, "security": "none",
            "publish_interval_s": 0.2,
            "groups": groups, "tags": tags}  # fmt: skip


class Watcher:
    """Notes which generation the OPC UA server stamped with which time."""

    def __init__(self):
        self.generations = {}
        """Source time in ms -> generation."""

    def datachange_notification(self, _node, value, data):
        """Take one change of the server's own counter."""
        stamp = data.monitored_item.Value.SourceTimestamp
        self.generations[round(stamp.replace(tzinfo=UTC).timestamp() * 1000)] = value


@asynccontextmanager
async def watching(url):
    """Watch the counter of the OPC UA server with a client of the test's own."""
    watcher = Watcher()
    async with Client(url) as client:
        index = await client.get_namespace_index("urn:chulian:peer:node-opcua")
        subscription = await client.create_subscription(100, watcher)
        counter = client.get_node(ua.NodeId("Generation", index))
        await subscription.subscribe_data_change(counter, queuesize=1000, sampling_interval=10)
        await until(lambda: len(watcher.generations) > 3, within_s=10, what="the counter moves")
        yield watcher


@pytest.fixture
async def machines(libmodbus, node_opcua):
    """Run both servers; gives their devices, the tap and the watcher."""
    with (
        libmodbus(count=300, period_ms=PERIOD_MS) as port,
        node_opcua("--variables", VARIABLES, "--interval-ms", CHANGE_MS) as url,
    ):
        async with ModbusTap(port) as tap, watching(url) as watcher:
            yield [plc(tap.port), cnc(url)], tap, watcher


@pytest.mark.parametrize("way", ["mqtt5", "mqtt5-tls", "mqtt311"])
async def test_every_value_is_what_the_machine_held(tmp_path, machines, way):
    """Every value that reaches the platform is what the machine held then; none is missing."""
    devices, tap, watcher = machines
    protocol, _, tls = way.partition("-")
    certificates, settings = None, {"protocol": protocol}
    if tls:
        certificates = make_certs(tmp_path / "certs")
        settings["tls"] = {"ca": str(certificates / "ca.crt")}
    async with Mosquitto(tmp_path, certificates=certificates) as broker:
        ca = certificates and certificates / "ca.crt"
        agent = AgentProcess(tmp_path, broker_url=broker.url, devices=devices, publish=settings)
        with Subscriber(broker.url, ca=ca) as subscriber:
            async with agent:
                agent.start()
                await agent.until(
                    lambda _: _scans(subscriber) > SCANS and _still(subscriber),
                    within_s=40, what="has all it reads arrive",
                )  # fmt: skip
                assert await agent.stop() == 0
                law = agent.verify()
            await until(lambda: len(subscriber.books().rows) >= law["acked"]["rows"], within_s=10,
                        what="everything acknowledged arrives")  # fmt: skip
        # the watcher hears with a delay: let it catch up with the last value published
        last_ms = max(value.time_ms for value in _values(subscriber, "cnc"))
        await until(lambda: max(watcher.generations) >= last_ms, within_s=10, what="the watcher")
    assert (subscriber.books().holes, subscriber.books().altered) == ([], 0)
    assert law["dropped"]["rows"] == law["rejected"]["rows"] == 0
    assert "Traceback" not in agent.complaints()
    check_modbus(list(_values(subscriber, "plc")), tap)
    check_opcua([v for v in _values(subscriber, "cnc") if v.metric.startswith("v.")], watcher)
    check_still(subscriber)
    assert len(subscriber.of("meta")) >= 1
    assert [body["state"] for _, body in subscriber.of("status")][-1] == "offline"


def check_modbus(values, tap):
    """The k-th scan published is the k-th round on the wire, value by value, stamped after it."""
    assert tap.refusals == 0
    rounds = _rounds(tap.exchanges)
    scans = defaultdict(dict)
    for value in values:
        if value.quality == "g":
            scans[value.time_ms][value.metric] = value.value
        else:
            assert value.reason == "BadNoCommunication", value
    times = sorted(scans)
    assert len(times) >= SCANS
    assert len(rounds) - len(times) in {0, 1}, "one poll may have been under way at the end"
    for time_ms, exchanges in zip(times, rounds, strict=False):
        assert scans[time_ms] == _held(exchanges)
        assert time_ms >= int(exchanges[-1].answered_ms) - 1
    for time_ms, following in zip(times, rounds[1:], strict=False):
        assert time_ms <= following[0].asked_ms, "stamped later than the next question"
    seen = [_generation(exchange) for each in rounds for exchange in each if exchange.table == "hr"]
    moved = sum(after != before for before, after in pairwise(seen))
    print(f"modbus: {len(times)} scans of {len(scans[times[0]])} values, {moved} changes")
    assert moved > SCANS / 2
    assert all((after - before) % 65536 < 1000 for before, after in pairwise(seen))


def _rounds(exchanges):
    """Put exchanges into rounds: the k-th time each question was asked."""
    asked = defaultdict(list)
    for exchange in exchanges:
        asked[exchange.key].append(exchange)
    whole = min(map(len, asked.values()))
    assert max(map(len, asked.values())) - whole <= 1
    return [
        sorted((each[k] for each in asked.values()), key=lambda found: found.asked_ms)
        for k in range(whole)
    ]


def _held(exchanges):
    """Work out what every tag of the PLC must have been, from one round on the wire."""
    cells = {
        (exchange.table, exchange.start + at): cell
        for exchange in exchanges
        for at, cell in enumerate(exchange.cells)
    }
    held = {f"{table}.{at}": cells[table, at] for table, at in BITS}
    for table, at, kind in REGISTERS:
        size = struct.calcsize(TYPES[kind]) // 2
        words = [cells[table, at + offset] for offset in range(size)]
        (value,) = struct.unpack(TYPES[kind], struct.pack(f">{size}H", *words))
        held[f"{table}.{kind}.{at}"] = str(value) if abs(value) > 2**53 - 1 else value
    return held


def _generation(exchange):
    """Tell the generation of one answer; all of its words are of the same one."""
    found = {(cell - exchange.start - at) % 65536 for at, cell in enumerate(exchange.cells)}
    assert len(found) == 1, "the peer itself mixes generations"
    return found.pop()


def check_opcua(values, watcher):
    """Every value is the one of the generation that the server stamped with its time."""
    seen = defaultdict(set)
    for value in values:
        if value.quality != "g":
            assert value.reason == "BadNoCommunication", value
            continue
        generation = watcher.generations[value.time_ms]
        n = int(value.metric.removeprefix("v."))
        expected = _expected(n, generation)
        assert (value.value, type(value.value)) == (expected, type(expected)), value
        seen[n].add(value.time_ms)
    assert len(seen) == VARIABLES
    times = set.union(*seen.values())
    known = [t for t in watcher.generations if min(times) <= t <= max(times)]
    share = min(len(each) for each in seen.values()) / len(known)
    print(
        f"opcua: {len(known)} generations of {VARIABLES} values, each seen to {share:.1%} or more"
    )
    assert len(known) > SCANS / 2
    assert share > 0.9


def _expected(n, generation):
    h, kind = (generation + n) % 120, TURN[n % len(TURN)]
    if kind == "Boolean":
        return h % 2 == 1
    if kind in {"Float", "Double"}:
        return h / 4
    return str(h) if kind == "String" else h


def check_still(subscriber):
    """What never changes arrives as it is, with the server's own quality and reason."""
    found = {(v.metric, v.value, v.quality, v.reason) for v in _still(subscriber)}
    expected = {(f"still.{name.lower()}", *held) for name, held in STILL.items()}
    assert expected <= found
    assert all(reason == "BadNoCommunication" for *_, reason in found - expected)


def make_certs(folder):
    """Have the deployment's own script make a CA and a certificate for the broker."""
    need("openssl")
    subprocess.run(
        [MAKE_CERTS, folder, "127.0.0.1"], check=True, capture_output=True,
        env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    return folder


def _scans(subscriber):
    """Count the scans of the PLC that have arrived."""
    bodies = [body for _, body in subscriber.of("data", "hist")]
    return sum(len(row["t"]) for body in bodies for row in body["b"] if row["d"] == "plc")


def _values(subscriber, device):
    rows = {(body["ep"], row["n"]): row
            for _, body in subscriber.of("data", "hist") for row in body["b"]
            if row["d"] == device}  # fmt: skip
    return [value for row in rows.values() for value in values_of(row)]


def _still(subscriber):
    found = [v for v in _values(subscriber, "cnc") if v.metric.startswith("still.")]
    return found if len({v.metric for v in found}) == len(STILL) else []
