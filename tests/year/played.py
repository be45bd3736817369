"""The simulated year, through the agent's own way from raw words to evidence."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby

from agent.config.load import load
from agent.kpi.deviceday import DeviceDay
from agent.kpi.identity import DeviceFacts
from agent.kpi.live import LiveRate
from agent.kpi.result import compute
from agent.kpi.sources import facts_of
from agent.losses.spans import LossSpan
from agent.normalize.pipeline import Pipeline
from agent.telemetry.latest import LatestGroup
from drivers.api import Frame, Identity
from simulators.year import ledger, story
from simulators.year.days import WORK_S, start_s
from simulators.year.machines import COLUMNS

DAY_MS = 86_400_000
S = 1_000_000_000


@dataclass
class Kept:
    """What the store would hold: the newest record of each device and day."""

    rows: dict = field(default_factory=dict)

    def put_evidence(self, days):
        self.rows |= {row[:2]: row for row in days}


def pipeline_of(device, observe, follow=None):
    """Give the way of a device's only group, and where a reading has each of its columns."""
    (group,) = device.groups
    pipeline = Pipeline(
        device.id,
        group,
        latest=LatestGroup(len(group.tags)),
        observe=observe,
        monotonic=lambda: 0.0,
        follow=follow,
    )
    columns = COLUMNS[ledger.SOURCES[device.id]]
    return pipeline, [columns.index(tag.name) for tag in group.tags[: len(columns)]]


class Gateway:
    """One run of the agent: from its start to its end it keeps its counts in memory."""

    def __init__(self, loaded, kept):
        self.kept = kept
        self.free = False
        self.rate = LiveRate(
            loaded.config, loaded.devices, kept.rows.values(), dated=lambda: not self.free
        )
        self.groups = {}
        for device in loaded.devices:
            (group,) = device.groups
            watch = self.rate.watch(device.id, group)
            self.groups[device.id] = (group.name, *pipeline_of(device, watch))

    def day(self, day):
        """Take in what a day brings; what was silent at its end is silent from then on."""
        self.free = story.clock_free(day)
        for device, of_device in groupby(story.deliveries(day), key=lambda one: one.device):
            name, pipeline, order = self.groups[device]
            for one in of_device:
                time_ns = one.time_s * S
                values = tuple(one.values[at] for at in order)
                if one.late:
                    pipeline.backfill(
                        Frame(device, name, time_ns, values, times_ns=(time_ns,) * len(values),
                              backfill=True)
                    )  # fmt: skip
                else:
                    pipeline.process(Frame(device, name, time_ns, values))
            pipeline.silence((start_s(day) + WORK_S) * S)
        self.rate.save(self.kept)


@dataclass
class Year:
    """The evidence of a span of days, and what is judged from it."""

    loaded: object
    days: tuple

    @property
    def config(self):
        return self.loaded.config

    def facts(self, as_of):
        said = {device: Identity(**story.identity(device, as_of)) for device in ledger.SOURCES}
        found = facts_of(self.loaded.devices, said)
        assert all(isinstance(one, DeviceFacts) for one in found.values())
        return found

    def result(self, as_of, days=None, **changes):
        config = self.config
        if changes:
            config = config.model_copy(update=changes)
        return compute(
            config, self.days if days is None else days, now_ms=0, as_of=as_of,
            facts=self.facts(as_of), losses=losses(),
        )  # fmt: skip


def losses():
    """Give what the agent noted as lost."""
    down, full = story.AGENT_DOWN, story.QUEUE_FULL
    return (
        LossSpan("stopped", "", start_s(down[0]) * 1000, start_s(down[1]) * 1000 + DAY_MS - 1),
        LossSpan("overflow", "v1", start_s(full) * 1000, start_s(full) * 1000 + DAY_MS - 1),
    )


def shop(folder):
    """Load the shop's configuration as the agent does."""
    path = folder / "agent.yaml"
    path.write_text(json.dumps(ledger.configuration(), ensure_ascii=False), encoding="utf-8")
    return load(path)


def play(folder, first, last):
    """Live through a span of days; the gateway starts anew after it was switched off."""
    loaded, kept = shop(folder), Kept()
    gateway = Gateway(loaded, kept)
    day = first
    while day <= last:
        if day == story.AGENT_DOWN[1] + timedelta(days=1):
            gateway = Gateway(loaded, kept)
        gateway.day(day)
        day += timedelta(days=1)
    return Year(loaded, tuple(DeviceDay.of(row) for row in kept.rows.values()))
