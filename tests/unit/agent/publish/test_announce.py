"""The retained messages hold to the schema and say what the configuration says."""

from __future__ import annotations

import orjson
import pytest
from unit.agent.normalize.engineering import group_plan, tag
from unit.agent.publish.messages import CHECKER, EPOCH

from agent.config.model import AgentConfig, Report
from agent.config.plan import DevicePlan
from agent.publish.announce import digest, meta_content, meta_message, status_message
from agent.telemetry.status import Count, StoreStatus
from drivers.testing.scripted import ScriptedConfig, ScriptedDriver

CONFIG = {
    "gateway": {"id": "gw"},
    "enterprise": {"id": "ent", "name": "某机械厂", "region": "420111"},
    "publish": [{"url": "mqtt://broker"}],
    "processes": [{"id": "turning", "name": "车削", "valid_from": "2026-01-01"}],
    "equipment": [
        {"id": "E1", "control_type": "CNC", "processes": ["turning"], "device": "cnc-1",
         "in_service_from": "2020-05-01"},
    ],
    "devices": [{"id": "cnc-1", "name": "一号车床", "driver": "scripted", "line": "L1"}],
}  # fmt: skip


@pytest.fixture
def config():
    return AgentConfig.model_validate(CONFIG)


def devices(config, **fields):
    """Give the plan of the one device."""
    states = {"1": "running"}
    group = group_plan(
        [tag("spindle.speed", unit="r/min", deadband=5, **fields), tag("m.state", states=states)],
        interval_s=0.25,
        report=Report.CHANGE,
    )
    entry, driver = config.devices[0], ScriptedDriver()
    return [DevicePlan(entry, driver, ScriptedConfig(), "link", (group,))]


def content_of(config, plans):
    return meta_content(config, plans, rules="1", control_metrics=["program."])


def test_meta_says_what_names_mean_and_how_the_rate_is_computed(config):
    """The meta message is valid and names metrics, ledger and rules."""
    content = content_of(config, devices(config))
    body = orjson.loads(meta_message(orjson.dumps(content), gateway="gw", epoch=EPOCH, version=7))
    CHECKER.check("meta", body, gateway="gw")
    assert (body["mv"], body["tz"]) == (7, "Asia/Shanghai")
    (device,) = body["devices"]
    assert (device["d"], device["name"], device["line"]) == ("cnc-1", "一号车床", "L1")
    assert device["m"][0] == {
        "n": "spindle.speed", "dt": "float64", "u": "r/min", "g": "g", "period": 250,
        "report": "change", "deadband": 5.0, "desc": "",
    }  # fmt: skip
    assert device["m"][1]["dt"] == "state"
    assert body["ledger"]["equipment"][0]["device"] == "cnc-1"
    assert body["rate"]["scheduled_days"] == config.rate.period_days
    assert body["rate"]["control_metrics"] == ["program."]


def test_equal_contents_have_equal_digests(config):
    """The digest does not move with time, and moves with every change of meaning."""
    same = [digest(content_of(config, devices(config))) for _ in range(2)]
    other = digest(content_of(config, devices(config, description="转速")))
    assert same[0] == same[1] != other


@pytest.mark.parametrize("state", ["online", "offline"])
def test_status_holds_the_law(state):
    """The status message is valid and carries every counter, in rows and in values."""
    counts = [Count(10, 100), Count(4, 40), Count(1, 10), Count(2, 20), Count(3, 30)]
    store = StoreStatus(EPOCH, *counts, 5, 6, None, 0, 1, None)
    payload = status_message(
        state, gateway="gw", epoch=EPOCH, version="1.0", clock="hold", store=store
    )
    body = orjson.loads(payload)
    CHECKER.check("status", body, gateway="gw")
    assert (body["state"], body["clk"]) == (state, "hold")
    assert body["rows"] == {"stored": 10, "acked": 4, "rejected": 1, "dropped": 2, "waiting": 3}
    assert body["values"] == {k: v * 10 for k, v in body["rows"].items()}
