"""What the kernel knows of time: whether its clock is disciplined, the boot it is in, its uptime.

Asks, and never sets anything.
"""

from __future__ import annotations

import ctypes
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_ERROR_UNSYNCHRONISED: Final = 5
"""Return value TIME_ERROR of adjtimex(2)."""
_TIMEX_BYTES: Final = 512
"""More than any platform's struct timex; modes = 0 in its first field asks and sets nothing."""
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_TIME_NAMESPACE: Final = Path("/proc/self/ns/time")
_FIRST_TIME_NAMESPACE: Final = "time:[4026531834]"
"""Its number is fixed in the kernel (PROC_TIME_INIT_INO)."""
_READING_NS: Final = 200_000
"""Both clocks are read together unless the process was interrupted for longer than this."""
_READINGS: Final = 4


class KernelSync:
    """Tells whether the kernel's clock is disciplined by a time source; never where it cannot."""

    def __init__(self) -> None:
        self._ask = _adjtimex()
        self._timex = ctypes.create_string_buffer(_TIMEX_BYTES)

    def __call__(self) -> bool:
        """Ask the kernel; it takes minutes to see a lost time source."""
        if self._ask is None:
            return False
        ctypes.memset(self._timex, 0, _TIMEX_BYTES)
        return 0 <= int(self._ask(self._timex)) < _ERROR_UNSYNCHRONISED


def boot_id(boot: Path = _BOOT_ID, namespace: Path = _TIME_NAMESPACE) -> str:
    """Name the boot in which `boottime_ns` counts.

    A time namespace of a container counts from elsewhere, so its number is part of the name. Where
    the kernel gives no id, the name is of this process alone: nothing is ever re-dated wrongly.
    """
    try:
        name = boot.read_text("ascii").strip()
    except OSError:
        return f"process-{uuid.uuid4().hex}"
    try:
        inside = str(namespace.readlink())
    except OSError:
        return name
    return name if inside == _FIRST_TIME_NAMESPACE else f"{name} {inside}"


def boottime_ns() -> int:
    """Give nanoseconds since the boot, sleep included; no step of the wall clock moves it."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return time.monotonic_ns()


def both_clocks(
    wall_ns: Callable[[], int] = time.time_ns, boot_ns: Callable[[], int] = boottime_ns
) -> tuple[int, int]:
    """Give wall clock and time since boot of one moment, in nanoseconds."""
    best = (1 << 62, 0, 0)
    for _ in range(_READINGS):
        before_ns = boot_ns()
        now_ns = wall_ns()
        took_ns = boot_ns() - before_ns
        best = min(best, (took_ns, now_ns, before_ns + took_ns // 2))
        if took_ns <= _READING_NS:
            break
    return best[1], best[2]


def _adjtimex() -> Callable[[ctypes.Array[ctypes.c_char]], int] | None:
    """Give the system call; None where there is none."""
    if not sys.platform.startswith("linux"):
        return None
    call: Callable[[ctypes.Array[ctypes.c_char]], int] = ctypes.CDLL(None).adjtimex
    return call
