"""Opening the store's file: one process, one connection, the right pragmas, the right schema."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING

from agent.store.outbox import StoreDamaged, StoreError, StoreLocked
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from pathlib import Path

    from agent.config.model import Store

SCHEMA_VERSION = 4
"""What this program reads and writes; older files are migrated, newer ones set aside."""
PAGE_BYTES = 8192
"""Rows of 1 to 2 kB waste 9 % of such pages, and 37 % of SQLite's default ones."""
_DISK_CODES = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)  # fmt: skip
"""Primary result codes that speak of the disk, not of what is in the file."""
CACHE_KIB = 2048
"""Page cache; the outbox is written once and read once, more would only cost memory."""


NEWER, DAMAGED = "newer", "damaged"
"""Why a file is set aside; only a damaged one is salvaged."""
LOG_PAGES = 1000
"""Pages in the log after which SQLite writes them into the file: it stays at some 8 MB."""


_HEADER_BYTES, _VERSIONS_AT = 100, 18
_VERSIONS = (b"\1\1", b"\2\2")
"""Format versions for writing and reading: as SQLite creates a file, and with a log beside it."""


class ForeignDatabase(sqlite3.DatabaseError):
    """The file is the database of another program, and is left alone."""


def lock(path: Path) -> int:
    """Take the file's lock for the life of the returned descriptor.

    Raises:
        StoreLocked: another process has it.
        StoreError: nothing can be written there.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path.with_name(path.name + ".lock"), flags, 0o600)
    except OSError as error:
        raise unusable(path, error) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.pread(fd, 20, 0).decode("ascii", "replace").strip() or "?"
        os.close(fd)
        raise StoreLocked(
            f"{path}: another process has this store open (pid {holder}). Stop it first, or give "
            "this one another store.path.",
            zh=f"{path}：该存储文件正被另一个进程使用（进程号 {holder}）。请先停止那个进程，"
            "或为本实例配置另一个 store.path。",
        ) from error
    with suppress(OSError):  # a full disk: the lock holds all the same, without a name
        os.ftruncate(fd, 0)
        os.pwrite(fd, b"%d\n" % os.getpid(), 0)
    return fd


def connect(settings: Store) -> sqlite3.Connection:
    """Open or create the file and bring its schema up to date.

    Raises:
        StoreDamaged: the file is damaged, or was written by a newer version.
        StoreError: the disk refuses it, or it belongs to another program.
    """
    path = settings.path
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except sqlite3.DatabaseError as error:
        raise unusable(path, error) from error
    try:
        _refuse_odd_header(path)
        version = _prepare(connection, settings.synchronous)
        newer = False
        if version != SCHEMA_VERSION:
            from agent.store.migrations import has_steps_unknown_here, migrate

            newer = version > SCHEMA_VERSION and has_steps_unknown_here(connection)
            if not newer:
                migrate(connection, version=SCHEMA_VERSION)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the damage may be in a message
        connection.close()
        raise unusable(path, error) from error
    if newer:
        connection.close()
        raise StoreDamaged(
            f"{path}: written by a newer version of this program (schema {version}, this one "
            f"knows {SCHEMA_VERSION}).",
            zh=f"{path}：该存储文件由更新版本的程序写成（结构版本 {version}，本程序支持 "
            f"{SCHEMA_VERSION}）。",
            reason=NEWER,
        )
    return connection


def unusable(path: Path, error: OSError | sqlite3.Error | UnicodeDecodeError) -> StoreError:
    """Say why a file cannot be the store: the disk refuses it, or it is none or damaged."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if isinstance(error, OSError) or code in _DISK_CODES:
        why = (error.strerror if isinstance(error, OSError) else "") or str(error)
        return StoreError(
            f"{path}: cannot be opened for writing: {why}. Check that this user may write there "
            "and that the disk has room.",
            zh=f"{path}：无法写入：{why}。请检查目录权限以及磁盘剩余空间。",
        )
    if isinstance(error, ForeignDatabase):
        return StoreError(
            f"{path}: cannot be opened as a store: {error}. Move the file away, or give this "
            "agent another store.path.",
            zh=f"{path}：无法作为存储文件打开：其中是其他程序的数据表。请把该文件移走，"
            "或为本实例配置另一个 store.path。",
        )
    return StoreDamaged(
        f"{path}: cannot be opened as a store: {error}.",
        zh=f"{path}：无法作为存储文件打开：{error}。",
        reason=DAMAGED,
    )


def refused_write(error: sqlite3.Error) -> Message:
    """Say that the disk does not take data now, and what to do."""
    return Message(
        f"The disk does not accept data: {error}. Nothing is lost yet; collecting waits. "
        "Free space on the disk or replace the card.",
        f"磁盘拒绝写入：{error}。目前没有丢数据，采集已暂停等待。请清理磁盘空间或更换存储卡。",
    )


def disk_hangs(path: Path, frames: int) -> StoreError:
    """Say that the disk does not even answer while the program is to end."""
    return StoreError(
        f"{path}: the disk does not answer; the program ends without it. What was stored is safe; "
        f"{frames} readings of the last moments were not stored. Check the card.",
        zh=f"{path}：磁盘无响应，程序不再等待，直接退出。已存储的数据不受影响；最后 {frames} 次读数"
        "未能写入。请检查存储卡。",
    )


def salvage_notice(share: float) -> Message:
    """Say how far the salvage of a damaged file is."""
    return Message(
        f"The store file was damaged and set aside; what is sound in it is being brought over: "
        f"{share:.0%} done. Collecting and sending go on.",
        f"存储文件曾损坏，已隔离；正在抢救其中完好的数据，已完成 {share:.0%}。采集与上报照常进行。",
    )


def _prepare(connection: sqlite3.Connection, synchronous: str) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    _refuse_foreign(connection)
    if version == 0:
        connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={synchronous}")
    connection.execute("PRAGMA secure_delete=0")
    connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    connection.execute(f"PRAGMA wal_autocheckpoint={LOG_PAGES}")
    return version


def _refuse_odd_header(path: Path) -> None:
    """Refuse a header no store of ours ever has: SQLite would go by it, and past the log."""
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    versions = header[_VERSIONS_AT : _VERSIONS_AT + 2]
    if len(header) == _HEADER_BYTES and versions not in _VERSIONS:
        raise sqlite3.DatabaseError(f"its header tells of file format {versions.hex(' ')}")


def _refuse_foreign(connection: sqlite3.Connection) -> None:
    """Leave a database of another program alone; one half made by us is finished."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if tables and not tables & {"_sqlite_migrations", "rows", "totals"}:
        raise ForeignDatabase("it holds the tables of another program")
