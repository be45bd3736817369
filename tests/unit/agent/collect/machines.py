"""Scripted devices, a sink that remembers, and a collector between them."""

from __future__ import annotations

import asyncio
import contextlib

import orjson
from unit.agent.store.patience import until

from agent.backoff import Backoff
from agent.collect import device as device_module
from agent.collect import group as group_module
from agent.collect import supervisor as supervisor_module
from agent.collect.collector import Collector
from agent.config.model import DeviceEntry, Group, Mode, TagEntry
from agent.config.plan import DevicePlan, GroupPlan
from drivers.api import Quality, Tag
from drivers.testing.script import Script
from drivers.testing.scripted import PollingSession, PushingSession, ScriptedConfig, ScriptedDriver

INTERVAL_S = 0.01
BAD = int(Quality.BAD)


def hurry(monkeypatch, *, pause_s=0.01):
    """Make every pause between attempts short."""

    def short(*, first_s=1.0, longest_s=60.0):
        return Backoff(first_s=pause_s, longest_s=pause_s)

    monkeypatch.setattr(device_module, "Backoff", short)
    monkeypatch.setattr(group_module, "Backoff", short)
    monkeypatch.setattr(supervisor_module, "Backoff", short)


class Sink:
    """What a store would get: frames by device, events decoded; `gate` closed makes it full."""

    def __init__(self):
        self.frames, self.events, self.lessons = [], [], []
        self.kept_open = {}
        """Device/group -> losses that are not told yet, as they are kept."""
        self.gate = asyncio.Event()
        self.gate.set()

    async def put_frame(self, codec, frame):
        """Take a frame, even if cancelled while there is no room."""
        try:
            await self.gate.wait()
        finally:
            self.frames.append(frame)

    def put_event(self, t_ms, body):
        """Take an event."""
        event = orjson.loads(b"{" + body)
        assert event["t"] == t_ms
        self.events.append(event)

    def put_losses(self, losses):
        """Take spans of loss, as the store does."""

    def put_told(self, told):
        """Take losses and the events that tell of them."""
        for row in told.rows:
            self.put_event(row.t_ms, row.body)
        self.kept_open.update({key: text for _, key, text, _ in told.lessons})

    def put_lessons(self, lessons):
        """Take lessons."""
        self.lessons += lessons

    def of(self, device):
        """Give a device's frames."""
        return [f for f in self.frames if f.device == device]

    def good(self, device):
        """Give the values of a device's good frames."""
        return [f.values for f in self.of(device) if f.qualities is None]

    def told(self, device):
        """Give the states of a device that were told, with their reasons."""
        return [
            (e["state"], e.get("reason", ""))
            for e in self.events
            if e["type"] == "device" and e["d"] == device
        ]

    def missed(self, device, reason=None):
        """Sum the polls of a device told as missed."""
        return sum(
            e["polls"]
            for e in self.events
            if e["type"] == "missed" and e["d"] == device and reason in {None, e["reason"]}
        )


class Shop:
    """Devices by id, each with its script; `async with` collects from them all."""

    def __init__(
        self, scripts, *, wires=None, session=PollingSession, groups=1, slow=None, lessons=(),
        **group,
    ):  # fmt: skip
        self.driver = ScriptedDriver(scripts, session=session)
        self.sink = Sink()
        self.observed = []
        names = wires or {}
        kinds = [group] * (groups - 1) + [group | ({"interval_s": slow} if slow else {})]
        self.plans = [self._plan(id_, names.get(id_, f"wire-{id_}"), kinds) for id_ in scripts]
        self.collector = Collector(
            self.plans, sink=self.sink, codec=lambda _d, _g: None, observer=self._observer,
            lessons=lessons,
        )  # fmt: skip
        self._task = None

    def _plan(self, id_, wire, kinds):
        config = ScriptedConfig(wire=wire, timeout_s=0.05)
        names = ["g"] if len(kinds) == 1 else [f"g{n}" for n in range(len(kinds))]
        groups = tuple(
            self._group(id_, config, name, kind) for name, kind in zip(names, kinds, strict=True)
        )
        entry = DeviceEntry(id=id_, driver="scripted", name=f"Machine {id_}")
        return DevicePlan(entry, self.driver, config, self.driver.link(config), groups)

    def _group(self, id_, config, name, kind):
        addresses = list(self.driver.scripts[id_].values)
        settings = Group(**{"interval_s": INTERVAL_S, "mode": Mode.POLL} | kind)
        if self.driver.session is PushingSession:
            settings = settings.model_copy(update={"mode": None})
        tags = tuple(TagEntry(name=a.lower(), address=a) for a in addresses)
        plan = self.driver.plan(
            config, [Tag(t.name, t.address) for t in tags], device=id_, group=name
        )
        return GroupPlan(name, settings, tags, plan)

    def _observer(self, device, _group):
        return lambda frame: self.observed.append((device, frame.values))

    async def __aenter__(self):
        self._task = asyncio.create_task(self.collector.run())
        return self

    async def __aexit__(self, *_):
        await self.stop()

    async def stop(self):
        """Cancel the collector, as the agent does."""
        if self._task is not None:
            task, self._task = self._task, None
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def script(self, device):
        """Give a device's script."""
        return self.driver.scripts[device]

    def wire(self, device):
        """Give a device's wire."""
        return self.driver.wire(next(p.config.wire for p in self.plans if p.id == device))

    def run_of(self, device):
        """Give a device at run time."""
        return next(d for d in self.collector._devices() if d.id == device)

    def status(self, device):
        """Give a device's status."""
        return next(d for d in self.collector.status() if d.id == device)

    async def reads(self, device, more):
        """Wait until so many more good frames of a device have come."""
        goal = len(self.sink.good(device)) + more
        await until(lambda: len(self.sink.good(device)) >= goal)


def machine(**fields):
    """Make the script of a machine with one counter, of which read number n gives n."""
    return Script({"count": lambda tick: tick}, **fields)
