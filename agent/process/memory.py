"""Keeps the process below its memory ceiling by giving up comfort, in a fixed order, never data.

The ceiling is configured, or a share of what the container allows. Above it one step is taken at a
time, the cheapest first; each is taken back, last first, when there has been room for a while.
Guarantees: no step drops a row that was accepted; the last one lets collectors wait, and every poll
that is not made for it is counted as missed. What is done is told, in the log and in the status.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LOOK_S = 1.0
"""How often the memory is measured."""
SETTLE_S = 3.0
"""A step shows its effect within this; only then the next is taken."""
CALM_SHARE = 0.85
"""Below this share of the ceiling there is room again."""
CALM_S = 30.0
"""So long there must be room before a step is taken back."""
OF_CONTAINER = 0.85
"""Share of the container's limit that is the ceiling where none is configured."""
UNLIMITED_BYTES = 1 << 60
"""Version 1 of control groups gives a number near 2^63 where there is no limit."""

COLLECT_AFTER = 50_000
"""New objects until garbage is looked for: a commit makes and drops thousands, and no cycles."""

_CGROUP_FILES = ("memory.high", "memory.max", "memory.limit_in_bytes")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_M_TRIM_KEEP_BYTES = 0
_M_ARENA_MAX = -8
"""Number of the setting. Source: glibc's malloc.h; other C libraries refuse or lack it."""

_log = logging.getLogger("chulian.memory")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that can be done without for a while."""

    name: str
    """Stable word, shown in the status."""
    take: Callable[[], None]
    """Do without it."""
    back: Callable[[], None]
    """Have it again."""


class MemoryGuard:
    """Watches one process; `run` is its life."""

    def __init__(
        self,
        ceiling_bytes: int | None,
        steps: Sequence[Step],
        *,
        tell: Callable[[str, str], None] = lambda _state, _step: None,
        resident: Callable[[], int] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the ceiling, the steps, and whom to tell `short` or `enough` and the step's name."""
        self._tell = tell
        self.ceiling_bytes = ceiling_bytes
        """What is not to be passed; None: there is no ceiling."""
        self._steps = tuple(steps)
        self._resident = resident or resident_bytes
        self._monotonic = monotonic
        self._taken = 0
        self._changed_s = self._over_s = -CALM_S
        self._over = False

    @property
    def shed(self) -> tuple[str, ...]:
        """Name what is done without now, in the order in which it was given up."""
        return tuple(step.name for step in self._steps[: self._taken])

    @property
    def problem(self) -> Message | None:
        """Tell what is done without and what to do; None when all is well."""
        if not self._taken or self.ceiling_bytes is None:
            return None
        ceiling_mb, names = self.ceiling_bytes / 1e6, ", ".join(self.shed)
        return Message(
            f"Memory is short: the limit is {ceiling_mb:.0f} MB. Done without for now: {names}. "
            "Nothing that was stored is lost. Raise memory.max_mb or the container's limit, or "
            "read fewer points.",
            f"内存不足：上限为 {ceiling_mb:.0f} MB，已暂时停用：{names}。已存储的数据不会丢失。"
            "请调大 memory.max_mb 或容器的内存限制，或减少采集点数。",
        )

    async def run(self) -> None:
        """Measure and act, until cancelled; returns at once where there is no ceiling."""
        while self.ceiling_bytes is not None:
            self.look()
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        """Measure once, and take the next step or take one back."""
        if self.ceiling_bytes is None:
            return
        now_s, resident = self._monotonic(), self._resident()
        if resident > self.ceiling_bytes:
            self._over_s = now_s
            if now_s - self._changed_s >= SETTLE_S and self._taken < len(self._steps):
                self._take(now_s, resident)
        elif resident > self.ceiling_bytes * CALM_SHARE:
            self._over_s = now_s
        elif self._taken and now_s - max(self._over_s, self._changed_s) >= CALM_S:
            self._back(now_s)

    def _take(self, now_s: float, resident: int) -> None:
        step = self._steps[self._taken]
        self._taken += 1
        self._changed_s = now_s
        step.take()
        self._tell("short", step.name)
        _log.warning(
            "memory %.0f MB, limit %.0f MB: done without from now on: %s",
            resident / 1e6, (self.ceiling_bytes or 0) / 1e6, step.name,
        )  # fmt: skip

    def _back(self, now_s: float) -> None:
        self._taken -= 1
        step = self._steps[self._taken]
        self._changed_s = now_s
        step.back()
        self._tell("enough", step.name)
        _log.info("memory suffices again: %s", step.name)


def resident_bytes(proc: Path = Path("/proc")) -> int:
    """Give the resident memory of this process and its descendants, added up; 0 where unknown."""
    return sum(_resident(proc, pid) for pid in _family(proc, os.getpid()))


def keep_one_heap() -> None:
    """Let all threads share one heap, where the C library can; before any is started.

    Each thread would get one of its own, and 4 MB stay behind in heaps that are hardly used; they
    need not be apart, since one thread at a time runs Python.
    """
    with suppress(ImportError, OSError, AttributeError, MemoryError):
        import ctypes

        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def settle() -> None:
    """At the end of the start, give back what it left behind; look for garbage seldom from now."""
    give_back()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


def give_back() -> None:
    """Collect what is garbage and return free memory to the system, where the C library can."""
    gc.collect()
    with suppress(ImportError, OSError, AttributeError, MemoryError):
        import ctypes

        ctypes.CDLL(None).malloc_trim(_M_TRIM_KEEP_BYTES)


def ceiling(configured_mb: float | None, *, root: Path = Path("/")) -> int | None:
    """Give the ceiling in bytes: as configured, else a share of the container's; None: neither."""
    if configured_mb is not None:
        return int(configured_mb * 1e6)
    limits = [limit for limit in _container_limits(root) if limit < UNLIMITED_BYTES]
    return int(min(limits) * OF_CONTAINER) if limits else None


def _container_limits(root: Path) -> list[int]:
    """Read the limits of every control group this process is in, up to the root."""
    found: list[int] = []
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text("ascii", "replace").splitlines():
            _, kinds, path = line.split(":", 2)
            if kinds and "memory" not in kinds.split(","):
                continue
            base = root / "sys/fs/cgroup" / ("memory" if kinds else "")
            group = base / path.strip("/")
            for folder in (group, *group.parents):
                found += _limits_in(folder)
                if folder == base:
                    break
    return found


def _limits_in(folder: Path) -> list[int]:
    found: list[int] = []
    for name in _CGROUP_FILES:
        with suppress(OSError, ValueError):  # no such file, or the word "max"
            found.append(int((folder / name).read_text("ascii")))
    return found


def _resident(proc: Path, pid: int) -> int:
    try:
        return int((proc / str(pid) / "statm").read_text("ascii").split()[1]) * _PAGE_BYTES
    except (OSError, ValueError, IndexError):
        return 0  # it has just ended


def _family(proc: Path, pid: int) -> list[int]:
    """Give a process and all its descendants."""
    found = [pid]
    with suppress(OSError):
        for task in (proc / str(pid) / "task").iterdir():
            with suppress(OSError):  # a thread that has just ended
                for child in (task / "children").read_text("ascii").split():
                    found += _family(proc, int(child))
    return found
