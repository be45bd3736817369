"""Limits of CPU and memory around one process, as a small gateway has them.

systemd sets them where it runs. Elsewhere a control group of our own is made, as root, but only
under the root group of a controller: groups that somebody else keeps are left alone. What cannot be
set is told, never passed over.
"""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PERIOD_US = 100_000
ROOT = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a process may take."""

    cpu: float
    """Share of one core."""
    memory_mb: int


@dataclass(frozen=True, slots=True)
class Limited:
    """How the limits are set."""

    prefix: tuple[str, ...]
    """Stands before the command."""
    cpu: str
    """What limits the CPU; empty where nothing does."""
    memory: str


@contextmanager
def limited(limits: Limits) -> Iterator[Limited]:
    """Give what to put before a command, so that it runs within the limits."""
    if os.geteuid() == 0 and Path("/run/systemd/system").is_dir() and shutil.which("systemd-run"):
        yield Limited(_scope(limits), "systemd", "systemd")
        return
    with ExitStack() as stack:
        cpu, memory = (
            stack.enter_context(_group(kind, settings))
            for kind, settings in (("cpu", _cpu(limits)), ("memory", _memory(limits)))
        )
        entered = "; ".join(f"echo $$ > {group}/cgroup.procs" for group in (cpu, memory) if group)
        prefix = ("sh", "-c", f'{entered}; exec "$@"', "sh") if entered else ()
        yield Limited(prefix, "cgroup" if cpu else "", "cgroup" if memory else "")


def _scope(limits: Limits) -> tuple[str, ...]:
    return (
        "systemd-run", "--scope", "--quiet", f"--property=CPUQuota={limits.cpu:.0%}",
        f"--property=MemoryMax={limits.memory_mb * 1_000_000}", "--property=MemorySwapMax=0",
    )  # fmt: skip


def _cpu(limits: Limits) -> dict[str, str]:
    """Give the settings of both versions of control groups; those that are there are written."""
    quota_us = round(limits.cpu * PERIOD_US)
    return {
        "cpu.max": f"{quota_us} {PERIOD_US}",
        "cpu.cfs_period_us": str(PERIOD_US),
        "cpu.cfs_quota_us": str(quota_us),
    }


def _memory(limits: Limits) -> dict[str, str]:
    most = str(limits.memory_mb * 1_000_000)
    return {"memory.max": most, "memory.swap.max": "0", "memory.limit_in_bytes": most}


@contextmanager
def _group(kind: str, settings: dict[str, str]) -> Iterator[Path | None]:
    """Make a group under the root group of a controller; None where that cannot be."""
    base = _root_of(kind)
    if base is None:
        yield None
        return
    group = base / f"chulian-bench-{kind}-{os.getpid()}"
    try:
        group.mkdir()
        there = {name: text for name, text in settings.items() if (group / name).exists()}
        for name, text in there.items():
            (group / name).write_text(text)
    except OSError:
        there = {}
    try:
        yield group if there else None
    finally:
        with suppress(OSError):  # empty by now: what ran in it has ended
            group.rmdir()


def _root_of(kind: str, own: str | None = None) -> Path | None:
    """Give the root group of a controller, if this process is in it."""
    text = Path("/proc/self/cgroup").read_text("ascii") if own is None else own
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        if kind in controllers.split(","):
            return ROOT / kind if path == "/" else None
    unified = any(line == "0::/" for line in text.splitlines())
    return ROOT if unified and (ROOT / "cgroup.controllers").exists() else None
