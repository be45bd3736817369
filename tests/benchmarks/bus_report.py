"""What the runs on a serial line brought: a table of its own, for people, programs and docs."""

from __future__ import annotations

from dataclasses import asdict, replace
from statistics import median
from typing import TYPE_CHECKING, Any

from rich.table import Table

from tests.benchmarks.bus import BUSES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.bus import BusMeasured

HEADINGS = {
    "en": ("line", "units, dead of them", "least round, s", "round, s", "least with a probe, s",
           "stalest, s", "stalest is", "wrong reads", "polls skipped/s", "core"),
    "zh": ("总线", "站数（其中离线）", "理论最短一轮 秒", "实测一轮 秒", "含一次离线探测 秒",
           "最旧数据 秒", "最旧为其", "错值读数", "每秒跳过轮询", "占用单核"),
}  # fmt: skip


def summarize(runs: Sequence[BusMeasured]) -> list[BusMeasured]:
    """Turn repeats into one per line: medians of what took time, sums of what was counted."""
    found: dict[str, list[BusMeasured]] = {}
    for run in runs:
        found.setdefault(run.workload, []).append(run)
    return [
        replace(
            same[0],
            measured_s=median(run.measured_s for run in same),
            staleness_s=max(run.staleness_s for run in same),
            reads=sum(run.reads for run in same),
            wrong=sum(run.wrong for run in same),
            skipped=sum(run.skipped for run in same),
            cpu_s=sum(run.cpu_s for run in same),
            wall_s=sum(run.wall_s for run in same),
            rss_mb=max(run.rss_mb for run in same),
        )
        for same in found.values()
    ]


def cells(run: BusMeasured) -> tuple[str, ...]:
    """Word a run for a table."""
    bus = BUSES[run.workload]
    return (
        run.workload,
        f"{bus.units}, {len(bus.dead)}",
        f"{run.round_s:.2f}",
        f"{run.measured_s:.2f}",
        f"{run.round_s + run.probe_s:.2f}",
        f"{run.staleness_s:.2f}",
        f"{run.ratio:.2f} ×",
        f"{run.wrong} / {run.reads:,}",
        f"{run.skipped / run.wall_s:.1f}",
        f"{run.cpu_s / run.wall_s:.1%}",
    )


def terminal(runs: Sequence[BusMeasured]) -> Table:
    """Give a table to print."""
    table = Table()
    for at, heading in enumerate(HEADINGS["en"]):
        table.add_column(heading, justify="right" if at else "left")
    for run in runs:
        table.add_row(*cells(run))
    return table


def markdown(runs: Sequence[BusMeasured], *, lang: str) -> str:
    """Give the table for a docs page; empty without runs."""
    headings = HEADINGS[lang]
    rows = [headings, ["---:" if at else "---" for at in range(len(headings))]]
    rows += [cells(run) for run in runs]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) if runs else ""


def as_json(runs: Sequence[BusMeasured]) -> dict[str, Any]:
    """Give everything for programs."""
    return {"buses": [asdict(run) | {"ratio": run.ratio} for run in runs]} if runs else {}
