"""What each step costs: counted in instructions under callgrind, or timed beside a yardstick.

Instructions are the same on every run of the same tree, Python and libraries, however busy the
machine is. Where there is no callgrind, every step is timed in turns with the yardstick, and the
median of the ratios counts.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from tests.benchmarks.guard_steps import steps
from tests.benchmarks.processes import ROOT, RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.benchmarks.guard_steps import Step

WARM_UP_CALLS, COUNTED_CALLS = 40, 20
ROUNDS = 9
CHUNK_S = 0.01
"""A timed turn is at least so long."""
SLOWED = 3
"""So many times a step runs that is slowed on purpose."""
COUNT_TIMEOUT_S = 600.0
_TRIGGER = re.compile(r"^desc: Trigger: Client Request: (.+)$", re.MULTILINE)
_TOTAL = re.compile(r"^(?:summary|totals): (\d+)", re.MULTILINE)
PACKAGES = ("orjson", "pydantic")


def belongs_to() -> dict[str, str]:
    """Name what instruction counts depend on beside the tree: figures of others are no measure."""
    return {
        "Python": platform.python_version(),
        "machine": platform.machine(),
        "libc": "-".join(platform.libc_ver()),
    } | {name: version(name) for name in PACKAGES}


def can_count() -> bool:
    """Tell whether callgrind, its header and a compiler are here."""
    header = Path("/usr/include/valgrind/callgrind.h")
    return header.exists() and bool(shutil.which("valgrind") and shutil.which("cc"))


def count(*, slow: str = "") -> dict[str, float]:
    """Count each step's instructions per value in a process of its own.

    Raises:
        RunError: callgrind or the compiler failed; with what they said.
    """
    with tempfile.TemporaryDirectory(prefix="guard-") as folder:
        library = Path(folder, "callgrind.so")
        source = ROOT / "tests" / "benchmarks" / "peers" / "callgrind.c"
        _done("cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(source))
        _done(
            "valgrind", "--tool=callgrind", "--instr-atstart=no", "--quiet",
            f"--callgrind-out-file={folder}/counted", sys.executable, "-P", "-m",
            "tests.benchmarks.guard_count", str(library), "--slow", slow,
        )  # fmt: skip
        return dict(_counted(Path(folder)))


def time_beside_yardstick(
    found: Sequence[Step], *, clock_s: Callable[[], float] = time.process_time
) -> dict[str, float]:
    """Time each step as a multiple of the first, the yardstick: median of rounds, turn by turn."""
    calls = [_calls(step, clock_s) for step in found]
    rounds: list[list[float]] = []
    for _ in range(ROUNDS):
        costs = [_cost(step, number, clock_s) for step, number in zip(found, calls, strict=True)]
        rounds.append([cost / costs[0] for cost in costs])
    columns = zip(found, zip(*rounds, strict=True), strict=True)
    return {step.name: median(column) for step, column in columns}


def slowed(found: Sequence[Step], name: str) -> tuple[Step, ...]:
    """Let one step do its work several times over: what the guard has to find."""
    return tuple(replace(s, run=_again(s.run)) if s.name == name else s for s in found)


def timed(*, slow: str = "") -> dict[str, float]:
    """Time every step in this process, as multiples of the yardstick."""
    with tempfile.TemporaryDirectory(prefix="guard-") as folder, steps(Path(folder)) as found:
        for step in found:
            _repeat(step, WARM_UP_CALLS)
        with _no_garbage_collection():
            return time_beside_yardstick(slowed(found, slow))


def _again(run: Callable[[], object]) -> Callable[[], object]:
    def several() -> None:
        for _ in range(SLOWED):
            run()

    return several


def _calls(step: Step, clock_s: Callable[[], float]) -> int:
    """Find how many calls make a turn that is long enough to time."""
    number = 1
    while (_cost(step, number, clock_s) * number * step.values) < CHUNK_S and number < 1 << 16:
        number *= 2
    return number


def _cost(step: Step, calls: int, clock_s: Callable[[], float]) -> float:
    began_s = clock_s()
    _repeat(step, calls)
    return (clock_s() - began_s) / (calls * step.values)


def _repeat(step: Step, calls: int) -> None:
    for _ in range(calls):
        step.run()


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _counted(folder: Path) -> Iterator[tuple[str, float]]:
    for path in sorted(folder.glob("counted*")):
        text = path.read_text("utf-8", "replace")
        trigger, total = _TRIGGER.search(text), _TOTAL.search(text)
        if trigger and total:
            name, values = json.loads(trigger[1])
            yield name, int(total[1]) / values


def _done(*command: str) -> None:
    alike = {"PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | alike, capture_output=True, text=True, check=False,
        timeout=COUNT_TIMEOUT_S,
    )  # fmt: skip
    if done.returncode:
        raise RunError(f"{command[0]} failed:\n{done.stderr[-2000:]}")


def main(arguments: list[str]) -> int:
    """Run every step under callgrind: called by `count` only."""
    parser = argparse.ArgumentParser(prog="guard_count")
    parser.add_argument("library", type=Path)
    parser.add_argument("--slow", default="")
    args = parser.parse_args(arguments)
    callgrind = ctypes.CDLL(str(args.library))
    with tempfile.TemporaryDirectory(prefix="guard-") as folder, steps(Path(folder)) as found:
        for step in slowed(found, args.slow):
            _repeat(step, WARM_UP_CALLS)
            with _no_garbage_collection():
                callgrind.count_begin()
                _repeat(step, COUNTED_CALLS)
                name = json.dumps([step.name, COUNTED_CALLS * step.values])
                callgrind.count_end(name.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
