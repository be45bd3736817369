"""G: a quarter of a core and 128 MB: what is carried, and is all that is not carried told?

The load grows from run to run. What is due and does not come must be a poll that the agent counted
as missed; the rest is lost silently, and that must be nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.benchmarks.footprint import Half, written_bytes
from tests.benchmarks.limited import Limits, limited
from tests.benchmarks.processes import RunError, cpu_s, peak_rss_mb
from tests.benchmarks.suite import Suite, running
from tests.benchmarks.workloads import Workload

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from tests.benchmarks.processes import Cores

LOADS = {
    name: Half(Workload("G", "modbus", devices, values, interval_s, ()))
    for name, devices, values, interval_s in (
        ("500 × 1 s", 1, 500, 1.0),
        ("5,000 × 1 s", 5, 1000, 1.0),
        ("10,000 × 1 s", 10, 1000, 1.0),
        ("10,000 × 0.1 s", 10, 1000, 0.1),
        ("8,000 × 0.01 s", 8, 1000, 0.01),
    )
}
"""Tags, and how often each is read."""
WARM_UP_S = 4.25
SETTLE_S = 6.0
DAY_S = 86_400
MISSED = "chulian_device_missed_polls_total"


@dataclass(frozen=True, slots=True)
class Carried:
    """What a small gateway carried of one load."""

    load: str
    limited_by: str
    offered_per_s: float
    values_per_s: float
    """Good values of the window that arrived."""
    arrived: float
    missed: float
    """Share of the offered values whose poll was not made, counted by the agent."""
    untold: float
    """Share of the offered values that neither arrived nor were counted.

    One poll of each device, which may be on either side of an edge of the window, is none of it.
    """
    lost_rows: int
    core: float
    """Share of one core that was used."""
    peak_mb: float
    written_mb_per_day: float
    """To the disk, if it went on like that."""


def measure_carried(load: str, limits: Limits, *, cores: Cores, seconds: float) -> Carried:
    """Run one load within limits.

    Raises:
        RunError: the agent does not deliver at all.
    """
    half = LOADS[load]

    def prepare(_folder: Path, document: dict[str, Any]) -> None:
        document["memory"] = {"max_mb": limits.memory_mb}

    with (
        limited(limits) as how,
        running((half,), cores=cores, prefix=how.prefix, prepare=prepare) as run,
    ):
        run.wait_for("all values", lambda: run.receiver.values >= half.tags)
        time.sleep(WARM_UP_S)
        pid, began_s = run.agent.pid, time.time()  # from one look at the books to the other
        missed, cpu, disk = run.counted(MISSED), cpu_s(pid), written_bytes(pid)
        time.sleep(seconds)
        took_s, cpu = time.time() - began_s, cpu_s(pid) - cpu
        disk, missed = written_bytes(pid) - disk, run.counted(MISSED) - missed
        time.sleep(SETTLE_S)
        values = sum(count for _, count in run.receiver.within(began_s, began_s + took_s))
        skipped = missed * half.workload.values
        offered = half.workload.offered_per_s * took_s
        return Carried(
            load,
            f"CPU: {how.cpu or 'nothing'}, memory: {how.memory or 'the agent itself'}",
            offered / took_s, values / took_s, values / offered,
            skipped / offered, max(0.0, offered - values - skipped - half.tags) / offered,
            run.receiver.missing, cpu / took_s, peak_rss_mb(pid), disk / took_s * DAY_S / 1e6,
        )  # fmt: skip


def _measure(args: argparse.Namespace, console: Console, cores: Cores) -> Sequence[Carried]:
    limits = Limits(args.cpu, args.memory_mb)
    found = []
    for load in args.loads or LOADS:
        if load not in LOADS:
            raise RunError(f"unknown load {load!r}; there is {', '.join(LOADS)}")
        found.append(measure_carried(load, limits, cores=cores, seconds=args.seconds))
        console.print(f"G: {found[-1]}")
    return found


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("loads", nargs="*", metavar="LOAD", help=f"of {', '.join(LOADS)}")
    parser.add_argument("--cpu", type=float, default=0.25, help="share of one core")
    parser.add_argument("--memory-mb", type=int, default=128, help="megabytes")
    parser.add_argument("--seconds", type=float, default=20, help="length of each window")


def _cells(one: Carried) -> tuple[str, ...]:
    return (
        one.load, f"{one.offered_per_s:,.0f}", f"{one.values_per_s:,.0f}", f"{one.arrived:.1%}",
        f"{one.missed:.1%}", f"{one.untold:.1%}", f"{one.lost_rows:,}", f"{one.core:.1%}",
        f"{one.peak_mb:.0f}", f"{one.written_mb_per_day:,.0f}", one.limited_by,
    )  # fmt: skip


G = Suite(
    "G",
    "A quarter of a core and 128 MB.",
    {
        "en": ("load", "offered/s", "arrived/s", "arrived", "missed and counted", "told nowhere",
               "rows lost", "core", "peak RSS, MB", "written, MB/day", "limited by"),
        "zh": ("负载", "每秒变化值数", "每秒到达", "到达率", "漏采（已计数）", "去向不明", "丢失行",
               "占用单核", "内存峰值 MB", "写盘 MB/天", "限制方式"),
    },
    _measure, _cells, _arguments,
)  # fmt: skip
