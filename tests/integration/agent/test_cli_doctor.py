"""`chulian doctor` beside a running agent and without one."""

from __future__ import annotations

import asyncio
import json

import pytest
from integration.agent.agents import Life, free_port, loaded, shop
from integration.agent.publishing import hurry, listening

from agent.cli.main import main
from agent.config.model import Http
from agent.doctor import devices
from agent.doctor.finding import Level
from drivers.api import ConnectError
from simulators.mqtt import Broker


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    hurry(monkeypatch)


def written(tmp_path, *, port, url):
    """Write the configuration of a box without devices of its own."""
    path = tmp_path / "agent.yaml"
    document = {
        "gateway": {"id": "gw"},
        "enterprise": {"id": "ent"},
        "store": {"path": str(tmp_path / "store.db")},
        "publish": [{"url": url}],
        "http": {"port": port},
        "clock": {"synchronised_file": str(tmp_path)},
    }
    path.write_text(json.dumps(document), "utf-8")
    return path


async def doctor(path, *words):
    """Run the command beside the loop; give its exit code."""
    return await asyncio.to_thread(main, ["--lang", "en", "doctor", *words, "-c", str(path)])


async def test_the_running_agent_is_asked(tmp_path, capsys):
    """While an agent runs its own words are taken, its store is not opened, and nothing is bad."""
    http = Http(port=free_port())
    async with Broker() as broker, listening(broker):
        path = written(tmp_path, port=http.port, url=broker.url)
        async with Life(loaded(tmp_path, broker.url, shop(2), http=http)) as agent:
            await agent.stored(5)
            await doctor(path, "--json")
    document = json.loads(capsys.readouterr().out)
    found = {one["code"]: one for one in document["findings"]}
    assert document["running"] is True
    assert found["store_law"]["level"] == "ok"
    assert found["platform"]["level"] == "ok"
    assert [one["where"] for one in document["findings"] if one["code"] == "device"] == ["m0", "m1"]


async def test_without_an_agent_the_doctor_looks_itself(tmp_path, capsys):
    """With no agent the store is read, and the broker logged in to."""
    async with Broker() as broker:
        path = written(tmp_path, port=free_port(), url=broker.url)
        async with Life(loaded(tmp_path, broker.url, shop(1))) as agent:
            await agent.stored(3)
        code = await doctor(path, "--json")
    document = json.loads(capsys.readouterr().out)
    found = {one["code"]: one for one in document["findings"]}
    assert document["running"] is False
    for good in ("store_law", "store_mark", "platform_login", "clock"):
        assert found[good]["level"] == "ok", good
    levels = {one["level"] for one in document["findings"]}
    assert code == (1 if "warn" in levels else 0)


async def test_devices_are_read_once_and_told_apart(tmp_path):
    """Of two lines one answers and one does not: each device has its finding."""
    scripts = shop(2)
    scripts["m1"].fault = ConnectError("gone", device="m1")
    found = []
    plans = loaded(tmp_path, "mqtt://127.0.0.1:1", scripts).devices
    await devices.ask_all(plans, found.append)
    levels = {one.where: one.level for one in found}
    assert levels == {"m0": Level.OK, "m1": Level.AWAY}
    assert "1 of 1" in next(one for one in found if one.where == "m0").seen.en


async def test_a_broker_that_is_away_ends_with_three(tmp_path, capsys):
    """What does not answer has an exit code of its own, and is told with what to do."""
    path = written(tmp_path, port=free_port(), url=f"mqtt://127.0.0.1:{free_port()}")
    assert await doctor(path, "--no-devices") == 3
    shown = capsys.readouterr().out
    assert "✗ 127.0.0.1:" in shown
    assert "→ Check cable" in shown
    assert await doctor(path, "--no-platform") in {0, 1}


async def test_a_configuration_that_is_wrong_ends_with_two(tmp_path, capsys):
    """Problems of the file are told as `chulian check` tells them."""
    path = tmp_path / "agent.yaml"
    path.write_text("gateway: {}\n", "utf-8")
    assert await doctor(path) == 2
    assert "gateway" in capsys.readouterr().err
