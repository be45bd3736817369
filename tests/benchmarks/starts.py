"""S: from the start of the process to the first value at a subscriber.

*warm*: modules compiled, files in memory, a new store. *again*: with the store of the start before.
*cold*: nothing compiled and the files of the program dropped from memory, as far as the kernel lets
them go: what other programs have mapped stays.
"""

from __future__ import annotations

import os
import shutil
import site
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.benchmarks.footprint import Half, start_cpu_s
from tests.benchmarks.processes import ROOT
from tests.benchmarks.suite import Suite, running
from tests.benchmarks.workloads import WORKLOADS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from rich.console import Console

    from tests.benchmarks.processes import Cores

PROTOCOLS = {"modbus": "M1", "opcua": "O1"}
STATES = ("cold", "warm", "again")
PROGRAM = ("agent", "drivers")


@dataclass(frozen=True, slots=True)
class Started:
    """Starts of one kind; medians."""

    protocol: str
    state: str
    starts: int
    first_s: float
    slowest_s: float
    cpu_s: float
    """CPU time until the first value: what is left of it where nothing else runs."""
    all_s: float
    """Until as many values have come as there are tags."""


def drop_from_memory() -> None:
    """Ask the kernel to let the files of the program go."""
    folders = [ROOT / name for name in PROGRAM] + [Path(p) for p in site.getsitepackages()]
    for path in (p for folder in folders for p in folder.rglob("*") if p.is_file()):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def measure_start(
    protocol: str, *, cores: Cores, compiled: Path, store: Path | None = None
) -> tuple[float, float, float]:
    """Start once; give the seconds to the first value, the CPU until then, and to all of them.

    A `store` is started with if it is there, and left behind for the next start.
    """
    half = Half(WORKLOADS[PROTOCOLS[protocol]])

    def prepare(_folder: Path, document: dict[str, Any]) -> None:
        if store is not None:
            document["store"]["path"] = str(store)

    modules = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(compiled)}
    with running((half,), cores=cores, prepare=prepare, environment=modules) as run:
        began_s = run.started_s
        receiver = run.receiver
        first_s = run.wait_for("the first value", lambda: receiver.values > 0) - began_s
        cpu = start_cpu_s(run.agent.pid)
        all_s = run.wait_for("all values", lambda: receiver.values >= half.tags) - began_s
    return first_s, cpu, all_s


def measure_state(protocol: str, state: str, *, cores: Cores, starts: int) -> Started:
    """Start several times in the same state."""
    found = []
    with tempfile.TemporaryDirectory(prefix="starts-") as root:
        compiled, store = Path(root, "compiled"), Path(root, "kept.db")
        kept = store if state == "again" else None
        if state != "cold":
            measure_start(protocol, cores=cores, compiled=compiled, store=kept)
        for _ in range(starts):
            if state == "cold":
                shutil.rmtree(compiled, ignore_errors=True)
                drop_from_memory()
            found.append(measure_start(protocol, cores=cores, compiled=compiled, store=kept))
    firsts, cpus, totals = zip(*found, strict=True)
    return Started(
        protocol, state, starts, median(firsts), max(firsts), median(cpus), median(totals)
    )


def _measure(args: argparse.Namespace, console: Console, cores: Cores) -> Sequence[Started]:
    found = []
    for protocol in PROTOCOLS:
        for state in STATES:
            began_s = time.monotonic()
            found.append(measure_state(protocol, state, cores=cores, starts=args.starts))
            took_s = time.monotonic() - began_s
            console.print(f"S {protocol} {state}: {found[-1].first_s:.2f} s, took {took_s:.0f} s")
    return found


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--starts", type=int, default=5, help="of each kind; the median counts")


def _cells(one: Started) -> tuple[str, ...]:
    return (
        f"{one.protocol} {one.state}", f"{one.first_s:.2f}", f"{one.slowest_s:.2f}",
        f"{one.cpu_s:.2f}", f"{one.all_s:.2f}",
    )  # fmt: skip


S = Suite(
    "S",
    "From the start of the process to the first value.",
    {
        "en": ("start", "first value, s", "slowest, s", "CPU until then, s", "all values, s"),
        "zh": ("启动", "首个值 秒", "最慢 秒", "此前 CPU 秒", "全部值 秒"),
    },
    _measure, _cells, _arguments,
)  # fmt: skip
