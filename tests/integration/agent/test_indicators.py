"""Digests and indicators of a whole agent over a real mosquitto: believed when true, else named.

The clock stays as it is; only how long after its end a day is sealed is set, to before it.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime

import orjson
import paho.mqtt.client as mqtt
import pytest
from integration.agent.agents import Life, loaded
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from system.mosquitto import Mosquitto

from agent.kpi import digest, live, sealing
from drivers.testing.script import Script
from simulators.platform.compare import compare
from simulators.platform.platform import Platform

TWO_DAYS_MS = 2 * 86_400_000
LEDGER = {
    "processes": [{"id": "turn"}],
    "equipment": [
        {"id": "L1", "control_type": "CNC", "processes": ["turn"], "device": "m0"},
        {"id": "L2", "control_type": "CNC", "links": [{"process": "turn"}], "device": "m1"},
        {"id": "L3", "control_type": "CNC", "processes": ["turn"]},
        {"id": "L4", "control_type": "manual", "processes": ["turn"]},
    ],
    "rate": {
        "period_days": 1, "min_days": 1, "scheduled_days": 1, "emit_every_s": 1,
    },
}  # fmt: skip


def settled(gateway):
    """Tell whether some indicators came, with the values that they rest on."""
    told = gateway.told
    return len(told.indicators) > 2 and not compare(told, gateway.evidence)


def midday():
    """Give a time zone in which no day ends within the next hours."""
    hour = datetime.now(UTC).hour
    return f"Etc/GMT{hour - 12:+d}" if hour != 12 else "UTC"


@pytest.fixture
def _today_is_sealed(monkeypatch):
    monkeypatch.setattr(digest, "SEALED_AFTER_MS", -TWO_DAYS_MS)
    monkeypatch.setattr(sealing, "LOOK_EVERY_S", 1.0)
    monkeypatch.setattr(live, "SAVE_EVERY_S", 1.0)


async def heard(broker, tmp_path):
    """Run an agent until three indicators came; give the platform's findings, meta and rows."""
    rows = []
    scripts = {
        "m0": Script({"PROGRAM.LINE": lambda tick: tick}),
        "m1": Script({"POWER.ACTIVE": 7}),
    }
    sections = {"gateway": {"id": "gw", "timezone": midday()}}
    async with Platform(broker.url, on_row=rows.append) as platform:
        state = platform.receiver.gateways
        configuration = loaded(tmp_path, broker.url, scripts, **sections, **LEDGER)
        async with Life(configuration), asyncio.timeout(120):
            await platform.until(lambda: "gw" in state and settled(state["gw"]))
        summary = platform.summary()["gateways"]["gw"]
        return summary, state["gw"].meta, rows


class Gateway:
    """Sends what was heard once more, as another gateway, with something changed."""

    def __init__(self, broker, name, meta, rows):
        self._broker, self.name = broker, name
        self._meta = {**meta, "gw": name}
        self._rows = [(row.kind, dict(row.content)) for row in rows]

    async def send(self, alter):
        """Send meta and every row that `alter` lets through, and wait until all are sent."""
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        client.max_inflight_messages_set(100)
        client.connect("127.0.0.1", self._broker.port)
        client.loop_start()
        try:
            sent = [self._publish(client, "meta", self._meta)]
            for number, (kind, content) in enumerate(self._altered(alter), 1):
                body = self._body(kind, {**content, "n": number})
                sent.append(self._publish(client, kind, body))
            for one in sent:
                await asyncio.to_thread(one.wait_for_publish, 30)
        finally:
            client.disconnect()
            await asyncio.to_thread(client.loop_stop)
        return len(sent) - 1

    def _altered(self, alter):
        for kind, content in self._rows:
            for found in alter(orjson.loads(orjson.dumps(content))):
                yield kind, found

    def _body(self, kind, content):
        meta = self._meta
        head = {"v": 1, "gw": self.name, "ep": meta["ep"], "seq": content["n"], "sent": 1,
                "clk": "sync", "mv": meta["mv"]}  # fmt: skip
        return head | {("e" if kind == "event" else "b"): [content]}

    def _publish(self, client, kind, body):
        return client.publish(f"hb/v1/ent/{self.name}/{kind}", orjson.dumps(body), qos=1)


def is_(record, kind, nr=None):
    return record.get("type") == kind and nr in {None, record.get("nr")}


def verified_by_decree(record):
    """Tell the machine without a device as verified, and the rate with it."""
    if is_(record, "indicator"):
        for standings in record["machines"].values():
            next(one for one in standings if one[0] == "L3")[1:3] = ["verified", "verified"]
        record["sum"]["rates"]["strict"]["mean"]["verified"] = [1, 2]
    yield record


def other_signature(record):
    """Change what a signed digest says."""
    if is_(record, "digest", 2):
        link = json.loads(record["link"])
        link["sealed_ms"] += 1
        record["link"] = json.dumps(link, sort_keys=True, separators=(",", ":"))
    yield record


def second_is_missing(record):
    """Leave a digest out."""
    if not is_(record, "digest", 2):
        yield record


def second_comes_twice(record):
    """Send a digest again as another row."""
    yield record
    if is_(record, "digest", 2):
        yield record


FALSE = {
    verified_by_decree: {"machine_differs", "rate_differs"},
    other_signature: {"false_signature", "broken_chain"},
    second_is_missing: {"missing_digest"},
    second_comes_twice: {"replayed_digest"},
}


@pytest.mark.usefixtures("_today_is_sealed")
async def test_the_platform_agrees_or_names_the_difference(tmp_path):
    """A true agent leaves nothing to find; each falsification is found under its own name."""
    async with Mosquitto(tmp_path) as broker:
        summary, meta, rows = await heard(broker, tmp_path)
        assert summary["findings"] == []
        assert meta["key"] == json.loads(first_link(rows))["key"]
        assert summary["digests"] > 2
        assert summary["rate"]["machines"]["L1"]["status"] == "verified"
        assert summary["rate"]["verified"]["mean"] == [1, 4]
        for alter, expected in FALSE.items():
            found = await findings(broker, Gateway(broker, alter.__name__, meta, rows), alter)
            assert {one["code"] for one in found} == expected, alter.__name__
            told = Counter((one["code"], one["about"]) for one in found)
            if alter is verified_by_decree:
                assert told["machine_differs", "strict L3"] == 1
                assert told["rate_differs", "strict mean verified"] == 1


def first_link(rows):
    return next(row.content["link"] for row in rows if row.content.get("type") == "digest")


async def findings(broker, gateway, alter):
    """Give what a platform finds in what a gateway sends again, altered."""
    async with Platform(broker.url) as platform:
        count = await gateway.send(alter)
        known = platform.receiver.gateways

        def arrived():
            return gateway.name in known and known[gateway.name].counts["rows"] >= count

        async with asyncio.timeout(60):
            await platform.until(arrived)
        assert platform.receiver.errors == []
        return platform.summary()["gateways"][gateway.name]["findings"]
