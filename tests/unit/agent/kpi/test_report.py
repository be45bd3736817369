"""The rate as status, metrics, frame and JSON."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from fractions import Fraction

import orjson
import pytest

from agent.kpi.evidence import RULES, DeviceDay
from agent.kpi.report import (
    DEVICE,
    GROUP,
    METRICS,
    from_json,
    rate_frame,
    rate_metrics,
    rate_status,
    to_json,
)
from agent.kpi.result import compute
from drivers.api import DataType, Quality

AS_OF = date(2026, 7, 31)
NOW_MS = 1_785_470_400_000


@pytest.fixture
def result(make_config, shop_a):
    """Example A with data from six of its nine declared machines."""
    devices = {id_: id_.lower() for id_ in ("L1", "L2", "L3", "V1", "V2", "V3")}
    observed = [
        DeviceDay(device, AS_OF - timedelta(days=n), 100, True, 10, 0, 1)
        for device in devices.values()
        for n in range(15)
    ]
    return compute(make_config(shop_a, devices=devices), observed, now_ms=NOW_MS)


@pytest.fixture
def empty(make_config):
    """An enterprise without key process."""
    return compute(make_config({}), (), now_ms=NOW_MS)


def test_as_of_is_today_of_the_gateway(result):
    """Without a day the rate is of the gateway's calendar day at the time of computing."""
    assert result.asked.last == AS_OF


def test_metrics(result):
    """Percentages come with their exact fractions, counts and the rules they follow."""
    names, values = rate_metrics(result)
    found = dict(zip(names, values, strict=True))
    assert found["nc_rate.declared"] == pytest.approx(200 / 3)
    assert (found["nc_rate.declared.num"], found["nc_rate.declared.den"]) == (2, 3)
    assert found["nc_rate.adjusted"] == found["nc_rate.declared"]
    assert (found["nc_rate.verified.num"], found["nc_rate.verified.den"]) == (3, 8)
    assert found["nc_rate.verified"] == 37.5
    assert (found["nc_rate.gap.num"], found["nc_rate.gap.den"]) == (7, 24)
    assert (found["nc_rate.coverage.num"], found["nc_rate.coverage.den"]) == (2, 3)
    assert found["nc_rate.key_processes"] == 4
    assert found["nc_rate.machines"] == 13
    assert found["nc_rate.machines_declared"] == 9
    assert found["nc_rate.machines_verified"] == 6
    assert found["nc_rate.machines_contradicted"] == 0
    assert found["nc_rate.method"] == "mean"
    assert found["nc_rate.control_set"] == "strict"
    assert found["nc_rate.rules"] == RULES
    assert found["nc_rate.as_of"] == "2026-07-31"


def test_metric_names_are_valid_and_typed(result):
    """Every metric bears a legal name, once, and its values have the type that meta announces."""
    names, values = rate_metrics(result)
    types = {DataType.FLOAT64: float, DataType.INT64: int, DataType.STRING: str}
    assert len(set(names)) == len(names) == len(METRICS)
    for metric, name, value in zip(METRICS, names, values, strict=True):
        assert metric.name == name
        assert re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+){0,6}", name)
        assert isinstance(value, types[metric.data_type])


def test_frame(result):
    """A computed rate is a full good frame of the pseudo-device, stamped when it was computed."""
    frame = rate_frame(result)
    assert (frame.device, frame.group) == (DEVICE, GROUP)
    assert frame.good
    assert frame.read_ns == NOW_MS * 1_000_000
    assert frame.values == rate_metrics(result)[1]


def test_missing_rate_is_bad_with_its_reason(empty):
    """Where there is no rate there is no value: BAD with the reason, while counts stay good."""
    frame = rate_frame(empty)
    for at, metric in enumerate(METRICS):
        reason = None if frame.reasons is None else frame.reasons.get(at)
        missing = metric.name.split(".")[1] in {
            "declared",
            "adjusted",
            "verified",
            "gap",
            "coverage",
        }
        assert (frame.values[at] is None) == missing
        assert frame.qualities[at] == (Quality.BAD if missing else Quality.GOOD)
        expected = "no_declared_machine" if "coverage" in metric.name else "no_key_process"
        assert reason == (expected if missing else None)


def test_status(result):
    """The snapshot holds exact fractions, every method, and every machine with its sentence."""
    status = rate_status(result)
    assert (status.declared, status.adjusted, status.verified) == ((2, 3), (2, 3), (3, 8))
    assert status.coverage == (6, 9)
    assert status.null_reason == ""
    assert status.as_of_ms == NOW_MS
    assert status.by_method["pool"] == ((9, 13), (6, 13))
    assert list(status.by_method) == ["any", "all", "mean", "pool", "dedup"]
    by_id = {m.id: m for m in status.equipment}
    assert len(by_id) == 13
    assert (by_id["L1"].status, by_id["L1"].level) == ("verified", "E4")
    assert (by_id["L4"].status, by_id["L4"].reason) == ("unverified", "no_device")
    assert (by_id["L5"].status, by_id["L5"].declared) == ("not_claimed", False)
    assert by_id["L5"].message.zh.startswith("控制方式为手动")


def test_status_without_rate(empty):
    """A status without rate says why."""
    status = rate_status(empty)
    assert status.declared is status.verified is status.coverage is None
    assert status.null_reason == "no_key_process"


@pytest.mark.parametrize("encode", [json.dumps, lambda d: orjson.dumps(d).decode()])
def test_json_round_trip(result, empty, encode):
    """A status survives JSON unchanged, whichever library writes it."""
    for one in (rate_status(result), rate_status(empty)):
        assert from_json(json.loads(encode(to_json(one)))) == one


def test_json_as_the_page_serves_it(result):
    """What orjson makes of the dataclass itself is read back as the same status."""
    status = rate_status(result)
    assert from_json(json.loads(orjson.dumps(status))) == status


@pytest.mark.parametrize(
    "document",
    [{}, {"method": "mean"}, [], "x", 1, {"declared": [1]}],
)
def test_foreign_json_is_refused(document):
    """Anything else is one clear error."""
    with pytest.raises(ValueError, match="not a rate status"):
        from_json(document)


def test_zero_denominator_is_refused(result):
    """A fraction that is none does not get in."""
    document = to_json(rate_status(result)) | {"declared": [1, 0]}
    with pytest.raises(ValueError, match="denominator"):
        from_json(document)


def test_counts_agree_with_fractions(result):
    """Coverage as counts and as a fraction is one number."""
    assert Fraction(*result.counted) == result.headline_set.coverage
