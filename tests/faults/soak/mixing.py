"""What goes wrong in a soak, on four tracks at once, all of it drawn from one seed.

Each track shuffles its faults and brings them about one after the other, each once before any
comes again. A fault is over when its track goes on; the tracks know nothing of each other.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from contextlib import suppress
from typing import NamedTuple
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from faults.soak.plant import fill
from matrix.clock.boxes import reads

from agent.store.mark import read_mark

HOUR_S, YEAR_S = 3600, 365 * 86_400
JUMPS_S = (-YEAR_S, -HOUR_S, -2, 2, HOUR_S, YEAR_S)
NEARLY_MS = 60_000
"""Less than any jump but the smallest, and more than an answer of a busy machine takes."""
SLOW_BYTES_PER_S = 4000
LATE_S = 0.4
ENDS_S = 120.0
"""An ordered end on a machine busy with other tests."""
PAGES = ("", "api/status", "metrics")
_OPENER = build_opener(ProxyHandler({}))


class Pace(NamedTuple):
    """Shortest and longest, in s: how long a fault lasts, and the time until the next."""

    fault_s: tuple[float, float]
    pause_s: tuple[float, float]


class BrokerKill(NamedTuple):
    """What the gateway had stored when its broker died: what may come out of order afterwards."""

    messages: int
    """Messages that had come by then."""
    number: int


class Mixer:
    """Brings faults about on a plant, and remembers which."""

    def __init__(self, plant, *, dice, pace, log):
        self._plant = plant
        self._dice = dice
        self._pace = pace
        self._log = log
        self._began_s = time.monotonic()
        self.counts = Counter()
        """Fault -> how often."""
        self.broker_kills = []

    async def track(self, faults, *, until_s):
        """Bring faults about until a monotonic instant, each once at least."""
        dice = type(self._dice)(self._dice.randrange(2**64))
        all_once = False
        while not all_once or time.monotonic() < until_s:
            for name in dice.sample(list(faults), len(faults)):
                await asyncio.sleep(_between(dice, self._pace.pause_s))
                if all_once and time.monotonic() >= until_s:
                    return
                lasts_s = _between(dice, self._pace.fault_s)
                self.note(f"{name} for {lasts_s:.1f} s")
                await faults[name](lasts_s, dice)
                self.counts[name] += 1
            all_once = True

    def note(self, text):
        """Write down what happens, and when."""
        print(f"{time.monotonic() - self._began_s:9.1f} {text}", file=self._log, flush=True)

    @property
    def ends(self):
        """Faults that end the process."""
        return {"agent killed": self._agent_killed, "agent restarted": self._agent_restarted}

    @property
    def lives(self):
        """Faults that the process lives through."""
        found = {"agent reloaded": self._agent_reloaded}
        if self._plant.clock:
            found["clock jumped"] = self._clock_jumped
        if self._plant.disk:
            found["disk full"] = self._disk_full
        return found

    @property
    def brokers(self):
        """Faults of the broker."""
        return {
            "broker killed": self._broker_killed,
            "broker stopped": self._broker_stopped,
            "broker frozen": self._broker_frozen,
        }

    @property
    def links(self):
        """Faults of the way to the broker."""
        return {
            "link cut": self._link_cut, "link refused": self._link_refused,
            "link slow": self._link_slow, "link frozen": self._link_frozen,
        }  # fmt: skip

    @property
    def machines(self):
        """Faults of the machines and the way to them."""
        return {
            "Modbus line cut": self._line_cut,
            "Modbus line frozen": self._line_frozen,
            "OPC UA server frozen": self._server_frozen,
            "OPC UA server killed": self._server_killed,
        }

    async def read_pages(self, *, every_s):
        """Read page, status and metrics for ever; counts what was answered."""
        while True:
            for path in PAGES:
                url = f"http://127.0.0.1:{self._plant.agent.port}/{path}"
                self.counts["pages read"] += await asyncio.to_thread(_answers, url)
            await asyncio.sleep(every_s)

    async def _agent_killed(self, _lasts_s, _dice):
        self._still_there()
        await self._plant.agent.kill()
        self._plant.agent.start()

    async def _agent_restarted(self, _lasts_s, _dice):
        await self._up()
        assert await self._plant.agent.stop(within_s=ENDS_S) == 0, self._plant.agent.complaints()
        self._plant.agent.start()

    async def _agent_reloaded(self, _lasts_s, _dice):
        await self._up()
        self._plant.agent.signal(signal.SIGHUP)

    async def _clock_jumped(self, lasts_s, dice):
        await self._up()
        self._plant.clock.synchronise(now=False)
        self._plant.clock.move(dice.choice(JUMPS_S))
        await asyncio.sleep(lasts_s)
        self._plant.clock.move(0)
        seen = await self._sees_the_true_time()
        self._plant.clock.synchronise()  # not before: a time source that lies is another fault
        await self._lives_by_it(reads(seen), seen["store"]["commits"])

    async def _disk_full(self, lasts_s, _dice):
        await self._up()
        hog = await asyncio.to_thread(fill, self._plant.disk)
        await asyncio.sleep(lasts_s)
        hog.unlink()

    async def _broker_killed(self, lasts_s, _dice):
        mark = read_mark(self._plant.agent.store)
        await self._plant.broker.kill()
        self.broker_kills.append(
            BrokerKill(len(self._plant.account.messages), 0 if mark is None else mark.last_seq)
        )
        await asyncio.sleep(lasts_s)
        await self._plant.broker.start()

    async def _broker_stopped(self, lasts_s, _dice):
        await self._plant.broker.stop()
        await asyncio.sleep(lasts_s)
        await self._plant.broker.start()

    async def _broker_frozen(self, lasts_s, _dice):
        self._plant.broker.signal(signal.SIGSTOP)
        await asyncio.sleep(lasts_s)
        self._plant.broker.signal(signal.SIGCONT)

    async def _link_cut(self, _lasts_s, _dice):
        self._plant.link.cut()

    async def _link_refused(self, lasts_s, _dice):
        self._plant.link.refuse()
        self._plant.link.cut()
        await asyncio.sleep(lasts_s)
        await self._plant.link.accept()

    async def _link_slow(self, lasts_s, _dice):
        self._plant.link.drip(SLOW_BYTES_PER_S)
        self._plant.link.delay(LATE_S)
        await asyncio.sleep(lasts_s)
        self._plant.link.clear()

    async def _link_frozen(self, lasts_s, _dice):
        self._plant.link.freeze()
        await asyncio.sleep(lasts_s)
        self._plant.link.thaw()

    async def _line_cut(self, lasts_s, _dice):
        self._plant.line.refuse()
        self._plant.line.cut()
        await asyncio.sleep(lasts_s)
        await self._plant.line.accept()

    async def _line_frozen(self, lasts_s, _dice):
        self._plant.line.freeze()
        await asyncio.sleep(lasts_s)
        self._plant.line.thaw()

    async def _server_frozen(self, lasts_s, _dice):
        self._plant.opcua.freeze()
        await asyncio.sleep(lasts_s)
        self._plant.opcua.thaw()

    async def _server_killed(self, lasts_s, _dice):
        self._plant.opcua.kill()
        await asyncio.sleep(lasts_s)
        await self._plant.opcua.start()

    async def _up(self):
        """Wait until the agent answers: before that it may not know signals yet."""
        self._still_there()
        await self._plant.agent.until(lambda _: True, within_s=ENDS_S, what="answers on its page")

    async def _sees_the_true_time(self):
        """Wait until the process looks the time up anew; gives its status."""
        return await self._plant.agent.until(
            lambda s: abs(s["now_ms"] - time.time() * 1000) < NEARLY_MS,
            within_s=ENDS_S, what="has the true time again",
        )  # fmt: skip

    async def _lives_by_it(self, before, commits):
        """Wait until it has read and stored by it: a new life would not know of the jump."""
        await self._plant.agent.until(
            lambda s: s["clock"] == "sync" and reads(s) > before
            and s["store"]["commits"] > commits + 1,
            within_s=ENDS_S, what="trusts, reads and stores after a jump of the clock",
        )  # fmt: skip

    def _still_there(self):
        agent = self._plant.agent
        assert agent.returncode is None, f"the agent ended by itself: {agent.complaints()}"


def _between(dice, span_s):
    """Draw a time, as many short ones as long ones."""
    least, most = span_s
    return least * (most / least) ** dice.random()


def _answers(url):
    with suppress(URLError, OSError), _OPENER.open(url, timeout=10) as answer:
        return len(answer.read()) > 0
    return False
