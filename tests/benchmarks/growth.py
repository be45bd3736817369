"""growth: does a value cost more, the more tags, devices, values or rows waiting there are?

Tags and devices grow at the same 10,000 values a second, so that what an agent does once a second
weighs the same everywhere. The rate grows over the same 1,000 tags, the backlog in one store.
A slope is that of a line through the logarithms: 0 is flat, 1 is twice the cost at twice as much.
"""

from __future__ import annotations

import math
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.drain import SIZES, measure_drain
from tests.benchmarks.footprint import Half
from tests.benchmarks.measure import measure_bare
from tests.benchmarks.plot import Series, svg
from tests.benchmarks.processes import RunError, cpu_s
from tests.benchmarks.suite import Suite, running
from tests.benchmarks.workloads import Workload

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from tests.benchmarks.processes import Cores

PLOT = "performance-growth.svg"
WARM_UP_S = 4.25
SETTLE_S = 4.0


def _half(servers: int, units: int, values: int, interval_s: float) -> Half:
    return Half(Workload("W", "modbus", servers, values, interval_s, ()), units)


LOADS: dict[str, dict[int, Half]] = {
    "tags": {
        100: _half(1, 1, 100, 0.01),
        1_000: _half(1, 1, 1000, 0.1),
        10_000: _half(10, 1, 1000, 1.0),
        100_000: _half(10, 10, 1000, 10.0),
    },
    "devices": {
        1: _half(1, 1, 10_000, 1.0),
        10: _half(10, 1, 1000, 1.0),
        100: _half(10, 10, 100, 1.0),
        500: _half(10, 50, 20, 1.0),
    },
    "rate": {
        1_000: _half(1, 1, 1000, 1.0),
        10_000: _half(1, 1, 1000, 0.1),
        100_000: _half(1, 1, 1000, 0.01),
    },
}
BACKLOG = "backlog"
BARE = "devices-bare"
"""The same devices, read by the bare loop of pymodbus and by nothing else."""
NAMES = (*LOADS, BARE, BACKLOG)


@dataclass(frozen=True, slots=True)
class Point:
    """What a value cost at one size."""

    against: str
    size: int
    cpu_s_per_million: float
    arrived: float
    slope: float | None = None
    """Of the whole line; with its last point only."""


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Give the slope of the straight line through the logarithms of (size, cost), least squares."""
    xs, ys = zip(*((math.log(x), math.log(y)) for x, y in points), strict=True)
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread: float = sum((x - mean_x) ** 2 for x in xs)
    together: float = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    return together / spread


def measure_point(against: str, size: int, *, cores: Cores, seconds: float) -> Point:
    """Measure the cost of a value at one size, in a window of whole intervals.

    Raises:
        RunError: the agent does not deliver.
    """
    half = LOADS[against][size]
    interval_s = half.workload.interval_s
    window_s = max(1, round(seconds / interval_s)) * interval_s
    with running((half,), cores=cores) as run:
        run.wait_for("all values", lambda: run.receiver.values >= half.tags)
        time.sleep(max(WARM_UP_S, interval_s * 1.1))
        began_s, cpu = time.time(), cpu_s(run.agent.pid)
        time.sleep(window_s)
        took_s, cpu = time.time() - began_s, cpu_s(run.agent.pid) - cpu
        time.sleep(SETTLE_S)
        values = sum(count for _, count in run.receiver.within(began_s, began_s + took_s))
    if not values:
        raise RunError("nothing of the window arrived")
    offered = half.workload.offered_per_s * half.units * took_s
    return Point(against, size, cpu / values * 1e6, values / offered)


def measure_bare_point(size: int, *, cores: Cores, seconds: float) -> Point:
    """Measure what the bare loop spends on a value at one number of devices.

    Raises:
        RunError: it failed.
    """
    half = LOADS["devices"][size]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        found = measure_bare(
            half.workload, "pymodbus", Path(folder), cores=cores, seconds=seconds, units=half.units
        )
    return Point(BARE, size, found.cpu_s_per_million, found.arrived)


def measure_line(against: str, *, cores: Cores, seconds: float, console: Console) -> list[Point]:
    """Measure a line of points; the last one bears the slope."""
    points: list[Point] = []
    for size in _sizes(against):
        if against == BARE:
            points.append(measure_bare_point(size, cores=cores, seconds=seconds))
        elif against == BACKLOG:
            drained = measure_drain(size, cores=cores)
            points.append(Point(against, size, drained.cpu_s_per_million, 1.0))
        else:
            points.append(measure_point(against, size, cores=cores, seconds=seconds))
        console.print(f"growth: {points[-1]}")
    *others, last = points
    steepness = slope([(p.size, p.cpu_s_per_million) for p in points])
    return [*others, Point(against, last.size, last.cpu_s_per_million, last.arrived, steepness)]


def _sizes(against: str) -> Iterable[int]:
    if against == BACKLOG:
        return SIZES
    return LOADS["devices" if against == BARE else against]


def _measure(args: argparse.Namespace, console: Console, cores: Cores) -> Sequence[Point]:
    unknown = set(args.lines) - set(NAMES)
    if unknown:
        raise RunError(f"unknown line {', '.join(sorted(unknown))}; there is {', '.join(NAMES)}")
    return [
        point
        for against in args.lines or NAMES
        for point in measure_line(against, cores=cores, seconds=args.seconds, console=console)
    ]


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("lines", nargs="*", metavar="|".join(NAMES), help="default: all")
    parser.add_argument("--seconds", type=float, default=12, help="length of each window")


def draw(points: Sequence[Point], docs: Path) -> None:
    """Write the plot beside the pages."""
    names = dict.fromkeys(point.against for point in points)
    lines = [
        Series(name, tuple((p.size, p.cpu_s_per_million) for p in points if p.against == name))
        for name in names
    ]
    text = svg(lines, across="tags, devices, values/s, rows waiting", up="CPU-s per million values")
    (docs / PLOT).write_text(text, "utf-8")


def _cells(one: Point) -> tuple[str, ...]:
    return (
        one.against, f"{one.size:,}", f"{one.cpu_s_per_million:.3g}", f"{one.arrived:.1%}",
        "" if one.slope is None else f"{one.slope:+.3f}",
    )  # fmt: skip


GROWTH = Suite(
    "growth",
    "What a value costs against tags, devices, rate and backlog.",
    {
        "en": ("against", "size", "CPU-s per million", "arrived", "slope, log-log"),
        "zh": ("随何变化", "规模", "CPU 秒/百万值", "到达率", "双对数斜率"),
    },
    _measure, _cells, _arguments, draw,
)  # fmt: skip
