"""Processes of a run: started on one core, measured from outside, ended with the block.

CPU time is the scheduler's own account (user and system, nanoseconds) of a process and its
descendants; it does not count the time in which other work holds the core.
"""

from __future__ import annotations

import os
import select
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[2]
END_TIMEOUT_S = 20.0


class RunError(Exception):
    """A run that cannot be made, or whose parts broke; says what to do where that is known."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Where things run: the measured process alone, everything else elsewhere."""

    measured: int
    rest: int

    @classmethod
    def choose(cls) -> Cores:
        """Take the last allowed core for what is measured and the first for the rest."""
        allowed = sorted(os.sched_getaffinity(0))
        return cls(allowed[-1], allowed[0])


@contextmanager
def started(
    command: Sequence[str | Path],
    *,
    core: int,
    log: Path,
    environment: dict[str, str] | None = None,
) -> Iterator[subprocess.Popen[str]]:
    """Run a program on a core; it is told to end by the end of its input, or by SIGTERM.

    Python takes the modules of the tree that this file stands in, wherever others are installed.
    """
    with log.open("a") as errors:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *map(str, command)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | (environment or {}),
        )  # fmt: skip
    try:
        yield process
    finally:
        _pipe(process.stdin).close()
        process.terminate()
        try:
            process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _pipe(process.stdout).close()


def read_line(
    process: subprocess.Popen[str], log: Path, *, begins: str, timeout_s: float = 30.0
) -> str:
    """Wait for the line that begins so; libraries print, too.

    Raises:
        RunError: the program ended instead, or is silent for too long; with what it said.
    """
    output = _pipe(process.stdout)
    said = ""
    while select.select([output], [], [], timeout_s)[0] and (line := output.readline()):
        if line.startswith(begins):
            return line
        said += line
    said += log.read_text(errors="replace").strip()[-2000:]
    raise RunError(f"no line {begins!r} from {process.args!r}:\n{said}")


def cpu_s(pid: int) -> float:
    """Give the CPU seconds that a process and its living descendants used since their starts."""
    return sum(time.clock_gettime(_cpu_clock(each)) for each in _tree(pid))


def peak_rss_mb(pid: int) -> float:
    """Give the largest memory (VmHWM) of a process and its descendants, added up, in MB."""
    return sum(_high_water_kib(each) for each in _tree(pid)) * 1024 / 1e6


def _cpu_clock(pid: int) -> int:
    """Name the clock of a process. Source: clock_getcpuclockid(3), as glibc encodes it."""
    return ~pid << 3 | 2


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that just ended
            for child in (task / "children").read_text().split():
                yield from _tree(int(child))


def _high_water_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe
