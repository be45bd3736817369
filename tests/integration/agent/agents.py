"""A whole agent over scripted machines, in the test's own loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from importlib.metadata import version

from unit.agent.collect.machines import machine
from unit.agent.store.patience import until

from agent.app import Agent
from agent.config.model import AgentConfig, Mode
from agent.config.plan import DevicePlan, GroupPlan, Loaded
from drivers.api import Tag
from drivers.testing.scripted import PollingSession, ScriptedConfig, ScriptedDriver


def free_port():
    """Give a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def loaded(tmp_path, url, scripts, **sections):
    """Give a configuration as the loader would, over scripted devices of one group each."""
    driver = ScriptedDriver(scripts, session=PollingSession)
    document = {
        "gateway": {"id": "gw"},
        "enterprise": {"id": "ent"},
        "store": {"path": tmp_path / "store.db", "commit_interval_s": 0.02},
        "publish": [{"url": url, "reconnect_max_s": 1}],
        "clock": {"synchronised_file": tmp_path},  # there, so the clock counts as set
        "http": {"enabled": False},
        "devices": [
            {
                "id": id_, "driver": "scripted",
                "groups": {"g": {"interval_s": 0.02, "mode": Mode.POLL}},
                "tags": [{"name": a.lower(), "address": a, "group": "g"} for a in script.values],
            }
            for id_, script in scripts.items()
        ],
    }  # fmt: skip
    config = AgentConfig.model_validate(document | sections)
    plans = tuple(_plan(entry, driver) for entry in config.devices)
    return Loaded(tmp_path / "agent.yaml", config, plans, {}, version("chulian"))


def _plan(entry, driver):
    settings = ScriptedConfig(wire=entry.id, timeout_s=0.2)
    plan = driver.plan(
        settings, [Tag(t.name, t.address) for t in entry.tags], device=entry.id, group="g"
    )
    group = GroupPlan("g", entry.groups["g"], entry.tags, plan)
    return DevicePlan(entry, driver, settings, driver.link(settings), (group,))


class Life:
    """`async with Life(loaded) as life:` runs an agent; leaving stops it as SIGTERM would."""

    def __init__(self, configuration):
        self.agent = Agent(configuration)
        self.stop = asyncio.Event()
        self.page_url = ""
        self._started = asyncio.Event()
        self.task = None

    async def __aenter__(self):
        self.task = asyncio.create_task(self.agent.run(self.stop, on_start=self._on_start))
        await asyncio.wait(
            [self.task, asyncio.ensure_future(self._started.wait())],
            return_when=asyncio.FIRST_COMPLETED,
        )
        if self.task.done():
            self.task.result()
        return self

    async def __aexit__(self, *_):
        self.stop.set()
        async with asyncio.timeout(15):
            await self.task

    def _on_start(self, started):
        self.page_url = started.page_url
        self._started.set()

    @property
    def store(self):
        """Counters of the store now."""
        return self.agent.status().store

    async def stored(self, rows):
        """Wait until so many rows were stored."""
        await until(lambda: self.store.stored.rows >= rows)


@contextlib.contextmanager
def occupied():
    """Hold a port, as another program would."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def shop(count=2):
    """Make the scripts of some counting machines."""
    return {f"m{n}": machine() for n in range(count)}
