"""A whole gateway whose clock goes wrong: agent, mosquitto with TLS, a machine that tells the time.

The machine's registers count tenths of a second since it was started, so every value says when it
was read, whatever the gateway believed. A row is right when value and time agree.
"""

from __future__ import annotations

import subprocess
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from matrix.clock.faketime import SYNCHRONISED, WallClock
from system.agent_process import AgentProcess
from system.loads import INTERVAL_S, counting
from system.mosquitto import Mosquitto
from system.subscriber import Subscriber, values_of
from system.waiting import until

MAKE_CERTS = Path(__file__).parents[3] / "deploy" / "mosquitto" / "make-certs"
REGISTERS = 10
INTERVAL_MS = round(INTERVAL_S * 1000)
READ_MS = 5000
"""Between the machine's clock and the stamp: the read, on a machine busy with other tests."""


class Box:
    """One gateway; its clock, its process and what arrived from it."""

    def __init__(self, clock, agent, subscriber):
        self.clock = clock
        self.agent = agent
        self.subscriber = subscriber

    async def connected(self):
        """Wait until it is connected over TLS; give the status."""
        return await self.agent.until(
            lambda s: s["destinations"][0]["connected"], what="connects over TLS"
        )

    async def collects(self, polls):
        """Wait until so many more polls have been made; give the status."""
        before = reads(await self.agent.up())
        return await self.agent.until(
            lambda s: reads(s) >= before + polls, within_s=60, what=f"makes {polls} more polls"
        )

    async def ends(self):
        """Stop in order, wait for every row; give the books of what arrived."""
        await self.agent.drained(within_s=60)
        assert await self.agent.stop() == 0
        law = self.agent.verify()
        acked = law["acked"]["rows"]
        await until(
            lambda: len(self.subscriber.books().rows) >= acked,
            within_s=20, what=f"{acked} rows arrive",
        )  # fmt: skip
        books = self.subscriber.books()
        assert (books.holes, books.altered) == ([], 0)
        assert law["dropped"]["rows"] == law["rejected"]["rows"] == 0
        assert law["stored"]["rows"] == len(books.rows) + law["waiting"]["rows"]
        assert "Traceback" not in self.agent.complaints()
        return books


@asynccontextmanager
async def box(folder, *, at_s=None, synchronised=False, max_hold_s=600, certificates=None):
    """Give a gateway that is not started yet, in front of a broker with a private CA."""
    certificates = certificates or make_certificates(folder / "certificates")
    clock = WallClock(folder, at_s=at_s)
    clock.synchronise(now=synchronised)
    settings = {"max_hold_s": max_hold_s, "synchronised_file": SYNCHRONISED}
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(Mosquitto(folder, certificates=certificates))
        machine = await stack.enter_async_context(counting(REGISTERS))
        agent = await stack.enter_async_context(
            AgentProcess(
                folder, broker_url=broker.url, devices=[machine], clock=settings,
                publish={"tls": {"ca": str(certificates / "ca.crt")}},
                environment=clock.environment,
            )
        )  # fmt: skip
        subscriber = stack.enter_context(
            Subscriber(broker.url, ca=str(certificates / "ca.crt"))
        )  # fmt: skip
        yield Box(clock, agent, subscriber)


def make_certificates(folder, name="127.0.0.1"):
    """Make a private CA and a broker's certificate as the documentation says."""
    subprocess.run([MAKE_CERTS, folder, name], check=True, capture_output=True)
    return folder


def reads(status):
    """Give how often the machine was read."""
    return 0 if status is None else sum(device["reads"] for device in status["devices"])


def polls(status):
    """Give how many polls were due so far: read, or counted as missed."""
    return sum(device["reads"] + device["missed"] for device in status["devices"])


def disagreements_ms(rows):
    """Give, per value in the order of the rows, its time minus what the machine's counter says."""
    return [
        value.time_ms - INTERVAL_MS * value.value
        for _, row in sorted(rows.items())
        if "t0" in row
        for value in values_of(row)
        if value.metric == "r0" and value.quality == "g"
    ]


def counts(rows):
    """Give what the machine's first register held, in the order of the rows."""
    return [
        value.value
        for _, row in sorted(rows.items())
        if "t0" in row
        for value in values_of(row)
        if value.metric == "r0" and value.quality == "g"
    ]
