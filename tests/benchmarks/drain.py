"""D: a store that was filled while nobody listened is drained; does a row cost more, the more wait?

The store is filled before the agent starts, by the agent's own codec and outbox. The broker comes
when the agent has settled, so that only the drain is in the window.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.config.model import Store
from agent.publish.payload import GroupCodec
from agent.store.outbox import Batch
from agent.store.sqlite import Outbox
from drivers.api import Frame
from tests.benchmarks.footprint import Half
from tests.benchmarks.processes import RunError, cpu_s, peak_rss_mb
from tests.benchmarks.receiver import DEVICE_PREFIX
from tests.benchmarks.suite import Suite, running
from tests.benchmarks.workloads import Workload

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from tests.benchmarks.processes import Cores

SIZES = (10_000, 100_000, 1_000_000)
"""Rows; 10,000,000 take 6 GB of disk and are asked for by name."""
VALUES_PER_ROW = 10
ROWS_PER_COMMIT = 10_000
BYTES_PER_ROW = 600
"""More than a row and its place in the file take."""
MAX_ROW_BYTES = 256_000
QUIET = Half(Workload("D", "modbus", 1, 10, 60.0, ()))
"""What the agent reads meanwhile: next to nothing."""
QUIET_S = 3.0
DRAIN_S = 900.0
LAST_ROWS_S = 10.0
"""Live rows count too and go ahead of the backlog, whose last ones then still come."""


@dataclass(frozen=True, slots=True)
class Drained:
    """What a drain took."""

    rows: int
    values: int
    filled_s: float
    """How long the filling took, which is no part of the result."""
    started_s: float
    """From the agent's start, with so much in the store, until its page answers."""
    rows_per_s: float
    values_per_s: float
    cpu_s_per_million: float
    """Per million values."""
    peak_mb: float
    lost_rows: int
    twice_rows: int


def fill(path: Path, rows: int) -> None:
    """Make a store of so many rows that wait."""
    names = [f"machine.register.n{at:04}" for at in range(VALUES_PER_ROW)]
    codec = GroupCodec(f"{DEVICE_PREFIX}old", "default", names, max_row_bytes=MAX_ROW_BYTES)
    now_ns = time.time_ns()
    outbox = Outbox.open(Store(path=path, max_mb=_room_mb(rows)))
    outbox.meta_version("filled")
    for first in range(0, rows, ROWS_PER_COMMIT):
        batch = Batch()
        for at in range(first, min(rows, first + ROWS_PER_COMMIT)):
            values = tuple(range(at, at + VALUES_PER_ROW))
            time_ns = now_ns - (rows - at) * 1_000_000
            batch.rows += codec.encode([Frame(codec.device, "default", time_ns, values)])
        outbox.commit(batch)
    outbox.close(clean=True)


def _room_mb(rows: int) -> int:
    return 64 + rows * BYTES_PER_ROW // 1_000_000


def measure_drain(rows: int, *, cores: Cores) -> Drained:
    """Fill a store and let the agent drain it.

    Raises:
        RunError: the agent does not start, or the drain does not end.
    """
    filled = [0.0]

    def prepare(folder: Path, document: dict[str, Any]) -> None:
        began_s = time.monotonic()
        fill(folder / "chulian.db", rows)
        filled[0] = time.monotonic() - began_s
        document["store"] |= {"max_mb": _room_mb(rows)}

    with running((QUIET,), cores=cores, prepare=prepare, absent=True) as run:
        began_s = time.time()
        started_s = (
            run.wait_for("a page", lambda: "status page at" in run.log.read_text()) - began_s
        )
        time.sleep(QUIET_S)
        cpu = cpu_s(run.agent.pid)
        run.broker_returns()
        values = rows * VALUES_PER_ROW
        run.wait_for("all rows", lambda: run.receiver.values >= values, within_s=DRAIN_S)
        with suppress(RunError):  # what is missing after so long is told as lost
            run.wait_for("the last", lambda: run.receiver.missing == 0, within_s=LAST_ROWS_S)
        cpu = cpu_s(run.agent.pid) - cpu
        arrivals = [at for at, _ in run.receiver.within(0, time.time())]
        took_s = max(max(arrivals) - min(arrivals), 1e-3)
        return Drained(
            rows, values, filled[0], started_s, rows / took_s, values / took_s,
            cpu / values * 1e6, peak_rss_mb(run.agent.pid), run.receiver.missing,
            run.receiver.twice,
        )  # fmt: skip


def _measure(args: argparse.Namespace, console: Console, cores: Cores) -> Sequence[Drained]:
    found = []
    for rows in args.rows or SIZES:
        found.append(measure_drain(rows, cores=cores))
        console.print(f"D {rows:,} rows: {found[-1]}")
    return found


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rows", nargs="*", type=int, help="default: 10000 100000 1000000")


def _cells(one: Drained) -> tuple[str, ...]:
    return (
        f"{one.rows:,}", f"{one.values:,}", f"{one.started_s:.1f}", f"{one.rows_per_s:,.0f}",
        f"{one.values_per_s:,.0f}", f"{one.cpu_s_per_million:.3g}", f"{one.peak_mb:.0f}",
        f"{one.lost_rows:,}", f"{one.twice_rows:,}",
    )  # fmt: skip


D = Suite(
    "D",
    "A full store is drained.",
    {
        "en": ("rows waiting", "values", "started after, s", "rows/s", "values/s",
               "CPU-s per million", "peak RSS, MB", "rows lost", "rows twice"),
        "zh": ("待发行数", "值数", "启动用时 秒", "行/秒", "值/秒", "CPU 秒/百万值",
               "内存峰值 MB", "丢失行", "重复行"),
    },
    _measure, _cells, _arguments,
)  # fmt: skip
