"""One shift of one machine, its figures computed by hand."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace

from year.played import S, pipeline_of, shop

from agent.kpi.oee import Missing
from agent.kpi.shift_report import shift_figures
from agent.kpi.shop import Shop, records
from drivers.api import Frame
from simulators.year import story
from simulators.year.days import WORK_S, start_s

MIN_MS = 60_000


def test_a_day_shift_by_hand(tmp_path):
    """480 minutes planned, 385 running, 3 parts of 115.5 min: 80.21 % available, 90 % effective."""
    loaded = shop(tmp_path)
    (device,) = (one for one in loaded.devices if one.id == "v2")
    follows = Shop(loaded.config, loaded.devices, (), tell=lambda kind, **fields: None)
    (group,) = device.groups
    pipeline, order = pipeline_of(device, lambda frame: None, follows.follow("v2", group))
    for one in story.deliveries(story.BY_HAND):
        if one.device == "v2":
            values = tuple(one.values[at] for at in order)
            pipeline.process(Frame("v2", group.name, one.time_s * S, values))
    kept = []
    follows.save(SimpleNamespace(put_lessons=kept.extend))
    (record,) = (one for one in records(kept) if one.day == story.BY_HAND)
    ended_ms = (start_s(story.BY_HAND) + WORK_S) * 1000
    found = shift_figures(loaded.config, record, "白班", now_ms=ended_ms)
    assert found.planned_ms == 480 * MIN_MS
    assert {state: ms for state, ms in found.states_ms.items() if ms} == {
        "running": 385 * MIN_MS, "alarm": 60 * MIN_MS, "idle": 35 * MIN_MS,
    }  # fmt: skip
    assert found.parts == 3
    assert found.figures.availability == Fraction(385, 480)
    assert found.figures.performance == Fraction(9, 10)
    assert found.figures.oee is Missing.NO_QUALITY_COUNTER, "without scrap no quality, no OEE"
