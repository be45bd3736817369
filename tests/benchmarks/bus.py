"""R1: thirty units on one RS-485 line, some of them dead, and how close the agent comes to it.

The line is a pseudo-terminal whose far end is `simulators modbus`: every byte takes its time, every
frame its rest, every unit its thinking. What one round must take at least is arithmetic; what it
took is the time between two values of a unit, by the values' own times.
"""

from __future__ import annotations

import json
import re
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any
from urllib.request import ProxyHandler, build_opener

from simulators.modbus.patterns import expected
from simulators.modbus.timing import LineTiming
from tests.benchmarks.processes import RunError, cpu_s, peak_rss_mb, read_line, started
from tests.benchmarks.receiver import DEVICE_PREFIX, Receiver
from tests.benchmarks.servers import broker

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.benchmarks.processes import Cores

FIRST_ROUND_S = 90.0
"""Longest wait until every live unit has delivered and every dead one has been found out."""
WARM_UP_S = 15.0
SETTLE_S = 3.0
REQUEST_BYTES = 8
ANSWER_BYTES_BESIDE_DATA = 5
"""Unit, function, byte count and CRC. Source: Modbus over Serial Line V1.02, 2.5.1."""
LEAST_WINDOW_S = 30.0
"""A window holds some probes of dead units; they become rare."""
GENERATIONS = 1000
"""How many of the pattern's generations a run may live through."""
MISSED = re.compile(r'^chulian_device_missed_polls_total\{device="([^"]+)"\} (\S+)$', re.MULTILINE)
PAGE = re.compile(r"status page at (http://\S+)")


@dataclass(frozen=True, slots=True)
class Bus:
    """So many units on one serial line; due more often than the line can carry."""

    name: str = "R1"
    units: int = 30
    dead: tuple[int, ...] = (7, 16, 30)
    values: int = 16
    """16-bit registers per unit, in one request."""
    baud: int = 9600
    turnaround_s: float = 0.005
    """How long a unit thinks before it answers."""
    interval_s: float = 1.0
    """Of every unit's poll group; a round takes longer, so the line is never idle."""
    timeout_s: float = 1.0
    """What the agent waits for a dead unit: the driver's default."""

    @property
    def live(self) -> tuple[int, ...]:
        """The units that answer."""
        return tuple(u for u in range(1, self.units + 1) if u not in self.dead)

    @property
    def round_s(self) -> float:
        """Least time in which the line carries one read of every live unit."""
        line = LineTiming(self.baud)
        answer_bytes = ANSWER_BYTES_BESIDE_DATA + 2 * self.values
        return len(self.live) * line.exchange_s(REQUEST_BYTES, answer_bytes, self.turnaround_s)

    @property
    def probe_s(self) -> float:
        """Least time that asking a dead unit takes."""
        line = LineTiming(self.baud)
        return REQUEST_BYTES * line.character_s + line.rest_s + self.timeout_s


@dataclass(frozen=True, slots=True)
class BusMeasured:
    """What one run on the line brought."""

    workload: str
    round_s: float
    """Least time of a round of the live units."""
    probe_s: float
    """Least time of asking a dead unit."""
    measured_s: float
    """Mean time between two values of a live unit: a round, with its share of probes."""
    staleness_s: float
    """Longest time between two values of one live unit."""
    reads: int
    wrong: int
    """Reads whose values are not what that unit held, or older than the read before."""
    skipped: int
    """Polls of live units that were due and not made, counted by the agent."""
    cpu_s: float
    wall_s: float
    rss_mb: float

    @property
    def ratio(self) -> float:
        """The longest round over the least one with one probe of a dead unit in it."""
        return self.staleness_s / (self.round_s + self.probe_s)


class BusReceiver(Receiver):
    """Keeps every read of every unit: its own time in ms, and its values in order of address."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.reads: dict[str, list[tuple[float, tuple[Any, ...]]]] = {}

    def count(self, row: Mapping[str, Any], now_ms: float) -> None:
        """Take one row in; rows with bad values are of units that do not answer."""
        super().count(row, now_ms)
        if "q" in row or "s" not in row:
            return
        reads = self.reads.setdefault(row["d"], [])
        columns = [row["s"][name] for name in sorted(row["s"])]
        scans = zip(*columns, strict=True)
        reads += [(row["t0"] + at, scan) for at, scan in zip(row["t"], scans, strict=True)]


BUSES = {bus.name: bus for bus in (Bus(),)}


def measure_bus(bus: Bus, folder: Path, *, cores: Cores, seconds: float) -> BusMeasured:
    """Run the agent on the line, for at least `LEAST_WINDOW_S`.

    Raises:
        RunError: it did not start, or a live unit delivers nothing.
    """
    folder.mkdir()
    log = folder / "agent.log"
    with (
        broker(folder, core=cores.rest) as broker_port,
        BusReceiver(broker_port) as receiver,
        started(_simulator(bus), core=cores.rest, log=folder / "line.log") as line,
    ):
        where = json.loads(read_line(line, folder / "line.log", begins="{"))
        config = write_config(bus, folder, port=where["serial"], broker_port=broker_port)
        command: list[str | Path] = [sys.executable, "-P", "-m", "agent", "run", "-c", config]
        with started(command, core=cores.measured, log=log) as agent:
            _wait_for_all(bus, agent, receiver, log)
            time.sleep(WARM_UP_S)
            return _window(bus, agent, receiver, seconds=max(seconds, LEAST_WINDOW_S), log=log)


def _simulator(bus: Bus) -> list[str | Path]:
    return [
        sys.executable, "-P", "-m", "simulators", "modbus", "--json", "--serial", "pty",
        "--baud", str(bus.baud), "--units", ",".join(map(str, bus.live)),
        "--size", str(bus.values), "--turnaround-ms", f"{bus.turnaround_s * 1000:g}",
        "--interval-ms", f"{bus.interval_s * 1000:g}",
    ]  # fmt: skip


def write_config(bus: Bus, folder: Path, *, port: str, broker_port: int) -> Path:
    """Write a configuration that reads every unit, the dead ones too; give the file."""
    points = [f"meter.register.n{at:02},hr:{at},int16" for at in range(bus.values)]
    (folder / "points.csv").write_text("name,address,type\n" + "\n".join(points) + "\n", "utf-8")
    devices = [
        {
            "id": _device(unit), "driver": "modbus", "serial": port, "baud": bus.baud,
            "unit": unit, "timeout_s": bus.timeout_s, "points": "points.csv",
            "groups": {"default": {"interval_s": bus.interval_s}},
        }
        for unit in range(1, bus.units + 1)
    ]  # fmt: skip
    document = {
        "gateway": {"id": "gw-bench"},
        "enterprise": {"id": "ent-bench"},
        "store": {"path": "chulian.db"},
        "publish": [{"url": f"mqtt://127.0.0.1:{broker_port}"}],
        "http": {"port": 0},
        "devices": devices,
    }
    path = folder / "agent.yaml"
    path.write_text(json.dumps(document), "utf-8")  # JSON is YAML
    return path


def _device(unit: int) -> str:
    return f"{DEVICE_PREFIX}{unit:02}"


def _wait_for_all(bus: Bus, agent: subprocess.Popen[str], receiver: BusReceiver, log: Path) -> None:
    deadline_s = time.monotonic() + FIRST_ROUND_S
    while absent := [u for u in bus.live if _device(u) not in receiver.reads]:
        if agent.poll() is not None or time.monotonic() > deadline_s:
            raise RunError(f"units {absent} deliver nothing:\n{log.read_text()[-2000:]}")
        receiver.wait_for_arrival(0.5)


def _window(
    bus: Bus,
    agent: subprocess.Popen[str],
    receiver: BusReceiver,
    *,
    seconds: float,
    log: Path,
) -> BusMeasured:
    """Look at the reads whose own times lie in the window, whenever they arrive."""
    start_s, cpu, skipped = time.time(), cpu_s(agent.pid), _skipped(bus, log)
    time.sleep(seconds)
    end_s, cpu, skipped = time.time(), cpu_s(agent.pid) - cpu, _skipped(bus, log) - skipped
    time.sleep(SETTLE_S)
    gaps_s = [list(_gaps_s(receiver.reads[_device(u)], start_s, end_s)) for u in bus.live]
    if not all(gaps_s):
        raise RunError(f"{seconds} s are too short for two reads of every unit")
    return BusMeasured(
        bus.name, bus.round_s, bus.probe_s, median(sum(gaps) / len(gaps) for gaps in gaps_s),
        max(map(max, gaps_s)), sum(len(gaps) + 1 for gaps in gaps_s),
        sum(wrong_reads(bus, unit, receiver.reads[_device(unit)]) for unit in bus.live),
        skipped, cpu, end_s - start_s, peak_rss_mb(agent.pid),
    )  # fmt: skip


def _gaps_s(
    reads: Sequence[tuple[float, tuple[Any, ...]]], start_s: float, end_s: float
) -> Iterator[float]:
    """Give the times between the reads of one unit, from the first in the window to the last."""
    inside = sorted(at for at, _ in reads if start_s * 1000 <= at < end_s * 1000)
    for before, after in pairwise(inside):
        yield (after - before) / 1000


def wrong_reads(bus: Bus, unit: int, reads: Sequence[tuple[float, tuple[Any, ...]]]) -> int:
    """Count reads that are no generation of the unit's, or an older one than the read before."""
    known = {
        tuple(_int16(expected(unit, "hr", at, number)) for at in range(bus.values)): number
        for number in range(GENERATIONS)
    }
    wrong, newest = 0, 0
    for _, values in sorted(reads):
        number = known.get(values, -1)
        wrong += number < newest
        newest = max(newest, number)
    return wrong


def _int16(cell: int) -> int:
    return cell - 0x1_0000 if cell >= 0x8000 else cell


def _skipped(bus: Bus, log: Path) -> int:
    """Ask the agent how many polls of live units it has missed so far."""
    page = PAGE.search(log.read_text("utf-8"))
    if page is None:
        raise RunError(f"the agent serves no page:\n{log.read_text()[-2000:]}")
    with build_opener(ProxyHandler({})).open(f"{page[1]}/metrics", timeout=10) as answer:
        counts = dict(MISSED.findall(answer.read().decode()))
    return sum(int(float(counts[_device(unit)])) for unit in bus.live)
