"""The box itself: disk, memory, clock. Writes one small file beside the store and deletes it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.clock.clock import plausible
from agent.clock.kernel import KernelSync
from agent.doctor.finding import NOTHING, Finding, Level
from agent.process.memory import ceiling
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.config.model import AgentConfig

PROBE_SUFFIX: Final = ".doctor"
PROBE_BYTES: Final = 8192
PROBE_TRIES: Final = 5
SLOW_SYNC_S: Final = 0.5
"""A sync that takes longer holds up commits of one second."""
RESERVE_BYTES: Final = 32_000_000
"""What the store takes beyond its limit: log, ballast, slack."""
FEW_INODES: Final = 100
LEAST_MEMORY_BYTES: Final = 200_000_000
"""Below this the system is short of memory for an agent of 150 MB."""
_MB: Final = 1_000_000

_CARD: Final = Message(
    "Replace the card or disk, and check that this user may write there.",
    "请更换存储卡或磁盘，并检查目录权限。",
)
_ROOM: Final = Message(
    "Delete what does not belong on the disk, or lower store.max_mb.",
    "请清理磁盘上无关的文件，或调小 store.max_mb。",
)


def disk(config: AgentConfig) -> list[Finding]:
    """Look at the disk under the store: room for its limit, inodes, a write and its sync."""
    path = config.store.path
    folder = path.parent if path.parent.is_dir() else Path()
    where = str(folder.resolve())
    try:
        stat = os.statvfs(folder)
    except OSError as error:
        return [_unusable(where, error)]
    return [_room(config, stat, where), _inodes(stat, where), _sync(folder, where)]


def _room(config: AgentConfig, stat: os.statvfs_result, where: str) -> Finding:
    free = stat.f_bavail * stat.f_frsize
    used = sum(_size(config.store.path, suffix) for suffix in ("", "-wal", ".ballast"))
    needed = max(0, int(config.store.max_mb * _MB) + RESERVE_BYTES - used)
    seen = Message(
        f"{free // _MB} MB free; the store may still grow by {needed // _MB} MB",
        f"剩余 {free // _MB} MB；存储最多还会增长 {needed // _MB} MB",
    )
    enough = free >= needed
    level = Level.OK if enough else Level.WARN
    return Finding("disk_room", level, where, seen, NOTHING if enough else _ROOM)


def _inodes(stat: os.statvfs_result, where: str) -> Finding:
    few = stat.f_files > 0 and stat.f_favail < FEW_INODES
    seen = Message(f"{stat.f_favail} inodes free", f"剩余 inode {stat.f_favail} 个")
    return Finding("disk_inodes", Level.BAD if few else Level.OK, where, seen,
                   _ROOM if few else NOTHING)  # fmt: skip


def _sync(folder: Path, where: str) -> Finding:
    """Write and sync a small file a few times, as a commit does; delete it."""
    probe = folder / f"chulian{PROBE_SUFFIX}"
    worst_s = 0.0
    try:
        fd = os.open(probe, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            for _ in range(PROBE_TRIES):
                began_s = time.monotonic()
                os.pwrite(fd, os.urandom(PROBE_BYTES), 0)
                os.fdatasync(fd)
                worst_s = max(worst_s, time.monotonic() - began_s)
        finally:
            os.close(fd)
            probe.unlink(missing_ok=True)
    except OSError as error:
        return _unusable(where, error)
    milliseconds = round(worst_s * 1000, 1)
    seen = Message(
        f"writes and syncs, slowest {milliseconds} ms", f"可写入并落盘，最慢 {milliseconds} 毫秒"
    )
    slow = worst_s > SLOW_SYNC_S
    return Finding("disk_sync", Level.WARN if slow else Level.OK, where, seen,
                   _CARD if slow else NOTHING)  # fmt: skip


def memory(config: AgentConfig, meminfo: Path = Path("/proc/meminfo")) -> list[Finding]:
    """Look at the memory that is free for the agent."""
    free = _available_bytes(meminfo)
    limit = ceiling(config.memory.max_mb)
    if free is None:
        return []
    none, bound = limit is None, f"{(limit or 0) // _MB} MB"
    seen = Message(
        f"{free // _MB} MB available; ceiling of the agent: {'none' if none else bound}",
        f"可用内存 {free // _MB} MB；程序内存上限：{'未设置' if none else bound}",
    )
    if free >= LEAST_MEMORY_BYTES:
        return [Finding("memory", Level.OK, "/proc/meminfo", seen)]
    todo = Message("End other programs on this box.", "请关闭网关上的其他程序。")
    return [Finding("memory", Level.WARN, "/proc/meminfo", seen, todo)]


def clock(config: AgentConfig, synchronised: Callable[[], bool] | None = None) -> list[Finding]:
    """Look at the clock: a date that can be right, and somebody who sets it."""
    now_ns = time.time_ns()
    stated = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now_ns / 1e9)) + " UTC"
    file = config.clock.synchronised_file
    disciplined = (synchronised or KernelSync())() or (file is not None and file.exists())
    todo = Message(
        "Give the box a time server: set NTP= in /etc/systemd/timesyncd.conf.",
        "请为网关配置对时服务器：在 /etc/systemd/timesyncd.conf 中设置 NTP=。",
    )
    if not plausible(now_ns):
        seen = Message(f"{stated}: cannot be right", f"{stated}：日期明显不对")
        return [Finding("clock", Level.BAD, "clock", seen, todo)]
    if not disciplined:
        seen = Message(f"{stated}, set by nobody", f"{stated}，没有对时来源")
        return [Finding("clock", Level.WARN, "clock", seen, todo)]
    seen = Message(f"{stated}, set by a time source", f"{stated}，已对时")
    return [Finding("clock", Level.OK, "clock", seen)]


def _available_bytes(meminfo: Path) -> int | None:
    try:
        lines = meminfo.read_text("ascii").splitlines()
    except OSError:
        return None
    found = [line.split() for line in lines if line.startswith("MemAvailable:")]
    return int(found[0][1]) * 1024 if found else None


def _size(path: Path, suffix: str) -> int:
    try:
        return path.with_name(path.name + suffix).stat().st_size
    except OSError:
        return 0


def _unusable(where: str, error: OSError) -> Finding:
    why = error.strerror or str(error)
    seen = Message(f"cannot be written: {why}", f"无法写入：{why}")
    return Finding("disk_write", Level.BAD, where, seen, _CARD)
