"""One machine on a foreign server, read by the whole agent, and what arrived at the platform.

The agent is a process with its store, the broker is mosquitto, the platform a plain MQTT client.
Every change the machine makes is in its own log, with its source time; what arrived is held
against it.
"""

from __future__ import annotations

import time
from contextlib import asynccontextmanager

import pytest
from foreign.arrivals import Arrivals, compare, told
from foreign.node_server import held
from system.agent_process import AgentProcess
from system.mosquitto import Mosquitto
from system.subscriber import Subscriber
from system.waiting import until

VARIABLES = 24
CHANGE_MS = 250
"""Every variable changes so often; the server samples five times as often."""
BACK_WITHIN_S = 15.0
"""A device must deliver again this soon after its server is up."""


def device(name, url, nodes, **settings):
    """Give one reader of a machine; the path of the URL makes it a connection of its own."""
    tags = [{"name": f"v.{n}", "address": f"{nodes}V{n}"} for n in range(VARIABLES)]
    return {
        "id": name, "driver": "opcua", "url": f"{url}/{name}", "publish_interval_s": 0.2,
        "groups": {"default": {"interval_s": CHANGE_MS / 5000}}, "tags": tags,
    } | settings  # fmt: skip


def options(log):
    """Give the options every server takes."""
    return "--variables", VARIABLES, "--interval-ms", CHANGE_MS, "--log", log


class Shop:
    """One machine, its readers in one agent, and what arrived."""

    def __init__(self, server, agent, arrivals, *, log, devices, held):
        self.server = server
        self.agent = agent
        self.arrivals = arrivals
        self.log = log
        self.devices = devices
        self._held = held

    async def reached(self, time_ms, *, within_s, what):
        """Wait until good values from that time on have arrived of every device and point."""
        await until(
            lambda: all(self.arrivals.newest_good_ms(d) >= time_ms for d in self.devices),
            within_s=within_s, what=f"{what}: {self.devices}; {self.agent.complaints()[-2000:]}",
        )  # fmt: skip

    async def back(self):
        """Wait until everything delivers what changed from now on; gives how long that took."""
        up_s, up_ms = time.monotonic(), time.time_ns() // 1_000_000
        await self.reached(up_ms, within_s=5 * BACK_WITHIN_S, what="values after the server is up")
        return time.monotonic() - up_s

    def compared(self):
        """Compare every device with the machine's log."""
        return {
            d: compare(self.log, self.arrivals, d, variables=VARIABLES, held=self._held)
            for d in self.devices
        }


@asynccontextmanager
async def shop(folder, server, devices, *, prepare=None, held=held):
    """Run the readers of a machine that runs; `prepare` does what a person must do first."""
    async with Mosquitto(folder) as broker:
        agent = AgentProcess(folder, broker_url=broker.url, devices=devices)
        with Subscriber(broker.url) as subscriber:
            async with agent:
                agent.start()
                if prepare is not None:
                    await prepare(agent)
                names = tuple(each["id"] for each in devices)
                arrivals = Arrivals(subscriber)
                made = Shop(server, agent, arrivals, log=folder / "log", devices=names, held=held)
                await made.back()
                yield made


async def whole(made, *, within_s):
    """Wait until nothing is missing any more and the agent said of every gap that it is filled."""

    def filled():
        events = [e for e in made.arrivals.take().events if e["type"] == "filled"]
        return {e["d"] for e in events} == set(made.devices) and all(
            not found.missing for found in made.compared().values()
        )

    what = "history fills the gap"
    try:
        await until(filled, within_s=within_s, what=what)
    except pytest.fail.Exception as error:
        missing = {d: sorted(found.missing) for d, found in made.compared().items()}
        pytest.fail(f"{error}: missing {missing}; {told(made.log, made.arrivals)}")


def judge(made, report, *, whole=False):
    """Hold what arrived against the log; `whole`: nothing may be missing, announced or not."""
    compared = made.compared()
    report(" | ".join(f"{name}: {found.line}" for name, found in compared.items()))
    for name, found in compared.items():
        why = f"{name}: {found.line}; {told(made.log, made.arrivals)}"
        assert (found.wrong[:5], found.double[:5]) == ([], []), why
        assert sorted(found.unannounced) == [], why
        assert not (whole and found.missing), why
