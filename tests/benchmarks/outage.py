"""B1: the broker is away for a minute under a full load, and returns.

Nothing may be lost, nothing may come twice, live values come at once, and the backlog beside them.
What is lost is told by the rows' own numbers, events among them: each number comes once.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.benchmarks.footprint import Half
from tests.benchmarks.processes import RunError, cpu_s
from tests.benchmarks.suite import Run, Suite, running
from tests.benchmarks.workloads import WORKLOADS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from rich.console import Console

    from tests.benchmarks.processes import Cores

WARM_UP_S = 4.25
DRAIN_S = 180.0
"""Longest wait for the end of the backlog."""
SETTLE_S = 4.0
MISSED = "chulian_device_missed_polls_total"
LOADS = ("M2", "O1")


@dataclass(frozen=True, slots=True)
class Outage:
    """What an outage did."""

    load: str
    away_s: float
    lost_rows: int
    """Numbers that never came."""
    twice_rows: int
    missed_polls: int
    """Polls that were due and not made in that time, counted by the agent."""
    arrived: float
    """Share of the values read in the outage that came."""
    connected_s: float
    """From the broker's return to the first value of any time: the agent's pause is in it."""
    live_s: float
    """From the first value of any time to the first that was read after the broker's return."""
    backlog_values: int
    drained_per_s: float
    """Values of the outage per second, from the first to the last of them to come."""
    normal_cpu_s_per_million: float
    cpu_s_per_million: float
    """From the begin of the outage to the end of the backlog: collected, stored and sent late."""

    @property
    def ratio(self) -> float:
        """What a value costs with an outage, as a multiple of a value without."""
        return self.cpu_s_per_million / self.normal_cpu_s_per_million


def measure_outage(load: str, *, cores: Cores, away_s: float, normal_s: float) -> Outage:
    """Run a load through an outage.

    Raises:
        RunError: the agent does not deliver, or the backlog does not end.
    """
    half = Half(WORKLOADS[load])
    with running((half,), cores=cores) as run:
        run.wait_for("all values", lambda: run.receiver.values >= half.tags)
        time.sleep(WARM_UP_S)
        began_s, cpu = time.time(), cpu_s(run.agent.pid)
        time.sleep(normal_s)
        ends_s, normal_cpu = time.time(), cpu_s(run.agent.pid) - cpu
        time.sleep(SETTLE_S)
        normal = sum(count for _, count in run.receiver.within(began_s, ends_s))
        if not normal:
            raise RunError("nothing came before the outage")
        return _through(run, half, load, away_s, normal_cpu / normal * 1e6)


def _through(run: Run, half: Half, load: str, away_s: float, normal: float) -> Outage:
    pid, missed = run.agent.pid, run.counted(MISSED)
    left_s, cpu = time.time(), cpu_s(pid)
    run.broker.close()
    time.sleep(away_s)
    back_s = run.broker_returns()
    samples = _until_drained(run, back_s)
    time.sleep(SETTLE_S)
    backlog = run.receiver.within(left_s, back_s)
    live = run.receiver.within(back_s, time.time())
    first_s = min(at for at, _ in (*backlog, *live) if at >= back_s)
    last_s = max(at for at, _ in backlog)
    end_s, end_cpu = next((one for one in samples if one[0] >= last_s), samples[-1])
    values = sum(count for _, count in backlog)
    everything = sum(count for _, count in run.receiver.within(left_s, end_s))
    return Outage(
        load, back_s - left_s, run.receiver.missing, run.receiver.twice,
        run.counted(MISSED) - missed,
        values / (half.workload.offered_per_s * (back_s - left_s)),
        first_s - back_s, max(0.0, min(at for at, _ in live) - first_s), values,
        values / max(last_s - first_s, 1e-3), normal, (end_cpu - cpu) / everything * 1e6,
    )  # fmt: skip


def _until_drained(run: Run, back_s: float) -> list[tuple[float, float]]:
    """Wait for live values and for every number before them; give CPU time by time."""
    samples: list[tuple[float, float]] = []

    def drained() -> bool:
        samples.append((time.time(), cpu_s(run.agent.pid)))
        return run.receiver.missing == 0 and bool(run.receiver.within(back_s, time.time()))

    try:
        run.wait_for("the end of the backlog", drained, within_s=DRAIN_S)
    except RunError:
        if run.agent.poll() is not None or not run.receiver.within(back_s, time.time()):
            raise  # what is missing after so long is told as lost
    return samples


def _measure(args: argparse.Namespace, console: Console, cores: Cores) -> Sequence[Outage]:
    found = []
    for load in args.loads or LOADS:
        if load not in WORKLOADS:
            raise RunError(f"unknown load {load}; there is {', '.join(WORKLOADS)}")
        found.append(measure_outage(load, cores=cores, away_s=args.away, normal_s=args.seconds))
        console.print(f"B1 {load}: {found[-1]}")
    return found


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("loads", nargs="*", metavar="|".join(WORKLOADS), help="default: M2 O1")
    parser.add_argument("--away", type=float, default=60, help="seconds without a broker")
    parser.add_argument("--seconds", type=float, default=12, help="the window before it")


def _cells(one: Outage) -> tuple[str, ...]:
    return (
        one.load, f"{one.away_s:.0f}", f"{one.lost_rows:,}", f"{one.twice_rows:,}",
        f"{one.missed_polls:,}", f"{one.arrived:.1%}", f"{one.connected_s:.1f}",
        f"{one.live_s:.2f}", f"{one.backlog_values:,}",
        f"{one.drained_per_s:,.0f}", f"{one.normal_cpu_s_per_million:.3g}",
        f"{one.cpu_s_per_million:.3g}", f"{one.ratio:.2f} ×",
    )  # fmt: skip


B1 = Suite(
    "B1",
    "The broker is away for a minute.",
    {
        "en": ("load", "away, s", "rows lost", "rows twice", "polls missed", "arrived",
               "connected after, s", "live after that, s", "backlog, values", "drained, values/s",
               "CPU-s per million before", "with the outage", "ratio"),
        "zh": ("工况", "中断 秒", "丢失行", "重复行", "漏采次数", "到达率",
               "恢复后重新连上 秒", "连上后首个实时值 秒",
               "积压值数", "补传 值/秒", "中断前 CPU 秒/百万值", "含中断", "比值"),
    },
    _measure, _cells, _arguments,
)  # fmt: skip
