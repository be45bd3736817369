"""What the runs brought, for people and programs: medians, ratios, tables, and the docs page."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from rich.table import Table

from tests.benchmarks.measure import AGENT, Measured
from tests.benchmarks.workloads import WORKLOADS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

HEADINGS = {
    "en": ("workload", "offered/s", "who", "arrived", "CPU-s per million", "values/s per core",
           "agent is", "core",
           "peak RSS, MB", "age p50 / p99, ms"),
    "zh": ("工况", "每秒变化值数", "程序", "到达率", "CPU 秒/百万值", "每核每秒值数",
           "代理为其", "占用单核", "内存峰值 MB", "到达时延 p50 / p99 毫秒"),
}  # fmt: skip

LABELS_ZH = {
    "date": "日期", "commit": "提交", "machine": "机器", "packages": "软件包",
    "broker": "MQTT 服务器", "servers": "设备端",
}  # fmt: skip
"""Labels of `machine.facts` that are not names."""


@dataclass(frozen=True, slots=True)
class Line:
    """Medians over the repeats of one program under one workload."""

    workload: str
    who: str
    repeats: int
    offered_per_s: float
    arrived: float
    cpu_s_per_million: float
    ratio: float | None
    """Median of the agent's CPU per value over this program's, repeat by repeat."""
    core_share: float
    rss_mb: float
    p50_ms: float | None
    p99_ms: float | None


def summarize(rounds: Sequence[Sequence[Measured]]) -> list[Line]:
    """Turn repeats, each a list of runs in the same order, into lines."""
    return [_line(runs, rounds) for runs in zip(*rounds, strict=True)]


def _line(runs: Sequence[Measured], rounds: Sequence[Sequence[Measured]]) -> Line:
    first = runs[0]
    agents = [
        next(run for run in each if (run.workload, run.who) == (first.workload, AGENT))
        for each in rounds
    ]
    ratio = None
    if first.who != AGENT:
        costs = zip(agents, runs, strict=True)
        ratio = median(a.cpu_s_per_million / run.cpu_s_per_million for a, run in costs)
    aged = first.p50_ms is not None
    return Line(
        first.workload,
        first.who,
        len(runs),
        WORKLOADS[first.workload].offered_per_s,
        median(run.arrived for run in runs),
        median(run.cpu_s_per_million for run in runs),
        ratio,
        median(run.core_share for run in runs),
        median(run.rss_mb for run in runs),
        median(run.p50_ms or 0 for run in runs) if aged else None,
        median(run.p99_ms or 0 for run in runs) if aged else None,
    )


def cells(line: Line) -> tuple[str, ...]:
    """Word a line for a table."""
    agent = line.who == AGENT
    age = "" if line.p50_ms is None else f"{line.p50_ms:,.0f} / {line.p99_ms or 0:,.0f}"
    return (
        line.workload if agent else "",
        f"{line.offered_per_s:,.0f}" if agent else "",
        line.who,
        f"{line.arrived:.1%}",
        f"{line.cpu_s_per_million:.3g}",
        f"{1e6 / line.cpu_s_per_million:,.0f}",
        "" if line.ratio is None else f"{line.ratio:.2f} ×",
        f"{line.core_share:.1%}",
        f"{line.rss_mb:.0f}",
        age,
    )


def terminal(lines: Sequence[Line]) -> Table:
    """Give a table to print."""
    table = Table()
    for at, heading in enumerate(HEADINGS["en"]):
        table.add_column(heading, justify="left" if at in {0, 2} else "right")
    for line in lines:
        if line.who == AGENT and table.row_count:
            table.add_section()
        table.add_row(*cells(line), style="bold" if line.who == AGENT else "")
    return table


def markdown(lines: Sequence[Line], *, lang: str) -> str:
    """Give the table for a docs page; empty without lines."""
    headings = HEADINGS[lang]
    rows = [headings, ["---" if at in {0, 2} else "---:" for at in range(len(headings))]]
    rows += [cells(line) for line in lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) if lines else ""


def machine(facts: Mapping[str, str], *, lang: str) -> str:
    """Give what the figures belong to as a list for a docs page."""
    labels = LABELS_ZH if lang == "zh" else {}
    return "\n".join(f"- {labels.get(name, name)}: {value}" for name, value in facts.items())


def as_json(
    lines: Sequence[Line], rounds: Sequence[Sequence[Measured]], facts: Mapping[str, str]
) -> dict[str, Any]:
    """Give everything for programs: medians, and each run they come from."""
    runs = [asdict(run) for each in rounds for run in each]
    return {"machine": dict(facts), "lines": [asdict(line) for line in lines], "runs": runs}


def write_page(page: Path, block: str, *, mark: str = "bench") -> None:
    """Replace what stands between the marks of a docs page.

    Raises:
        ValueError: the page has no marks.
    """
    begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
    text = page.read_text("utf-8")
    marked = re.compile(f"{re.escape(begin)}.*{re.escape(end)}", re.DOTALL)
    if not marked.search(text):
        raise ValueError(f"{page} has no place for the results: {begin} ... {end}")
    page.write_text(marked.sub(lambda _: f"{begin}\n{block}\n{end}", text), "utf-8")
