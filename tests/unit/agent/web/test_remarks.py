"""How the points of a machine are served, on its card, in the JSON and among the metrics."""

from __future__ import annotations

import json

import pytest
from prometheus_client.parser import text_string_to_metric_families
from unit.agent.telemetry.status_samples import well

from agent.telemetry.metrics import Metrics, exposition
from agent.web import api
from agent.web.page import content


@pytest.mark.parametrize(
    ("language", "degraded", "note"),
    [
        ("zh", "降级：12 个点改为轮询，每 1 秒读一次", "提示：fast：订阅分 4 次请求完成"),
        ("en", "Degraded: 12 of 40 points are read every 1 s", "Note: fast: 4 requests"),
    ],
)
def test_card_says_what_is_degraded_and_why(language, degraded, note):
    """A reader sees it in the own language; what only differs is said without a warning."""
    page = str(content(well(), language=language, open_devices=frozenset()))
    assert page.count("small degraded") == 1
    assert degraded in page
    assert note in page


def test_json_carries_remarks():
    """Programs get code, both sentences, the count and the first names."""
    devices = {one["id"]: one for one in json.loads(api.status_json(well()))["devices"]}
    assert devices["L1"]["remarks"] == []
    worst = devices["V2"]["remarks"][0]
    assert (worst["code"], worst["degraded"], worst["points"]) == ("polled_instead", True, 12)
    assert worst["message"].keys() == {"en", "zh"}
    assert worst["tags"] == ["axis.z.position", "tool.number"]


def test_degraded_points_are_a_metric():
    """Points served worse than configured are counted per machine, 0 where there are none."""
    text = exposition(Metrics(well), "")[0].decode()
    found = {
        sample.labels["device"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "chulian_device_degraded_points"
    }
    assert found["V2"] == 12
    assert found["L1"] == 0
