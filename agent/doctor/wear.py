"""How fast the running agent wears the card out: an estimate, with what it assumes."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.doctor.finding import NOTHING, Finding, Level
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from agent.config.model import AgentConfig

LEAST_S: Final = 600.0
"""An agent that has run shorter than this has not written what it writes in a day."""
CYCLES: Final = 500
"""Times a plain card can be written in full; industrial ones bear 3,000 and more."""
AMPLIFICATION: Final = 3
"""What a card writes inside for each byte it is given in small pieces."""
SHORT_YEARS: Final = 3.0
_DAY_S: Final = 86_400
_YEAR_D: Final = 365

_SPARE: Final = Message(
    "Lengthen store.commit_interval_s, set store.keep_hours: 0 if nobody asks for old data, or "
    "fit a larger or industrial card.",
    "可加大 store.commit_interval_s；若平台从不要求补传，可设 store.keep_hours: 0；"
    "或换用更大容量、工业级的存储卡。",
)


def wear(config: AgentConfig, proc: Path = Path("/proc")) -> list[Finding]:
    """Estimate the card's life from what the running agent wrote; nothing where it cannot be."""
    path = config.store.path
    with suppress(OSError, ValueError, IndexError):
        pid = int(path.with_name(path.name + ".lock").read_text("ascii"))
        io = dict(line.split(": ") for line in (proc / str(pid) / "io").read_text().splitlines())
        stat = (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()
        up_s = float((proc / "uptime").read_text().split()[0])
        lived_s = up_s - int(stat[19]) / os.sysconf("SC_CLK_TCK")
        disk = os.statvfs(path.parent)
        if lived_s >= LEAST_S:
            per_day = int(io["write_bytes"]) / lived_s * _DAY_S
            return [_finding(str(path), per_day, disk.f_blocks * disk.f_frsize)]
    return []


def _finding(where: str, bytes_per_day: float, capacity_bytes: int) -> Finding:
    wears = max(1.0, bytes_per_day * AMPLIFICATION * _YEAR_D)
    years = min(99.0, capacity_bytes * CYCLES / wears)
    megabytes = bytes_per_day / 1e6
    seen = Message(
        f"{megabytes:.0f} MB written a day; a plain card of this size lasts some {years:.0f} years",
        f"每天写入约 {megabytes:.0f} MB；同容量的普通存储卡约可用 {years:.0f} 年",
    )
    short = years < SHORT_YEARS
    return Finding("disk_wear", Level.WARN if short else Level.OK, where, seen,
                   _SPARE if short else NOTHING)  # fmt: skip
