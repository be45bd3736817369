"""Opening the store's file: one process, one connection, the right pragmas, the right schema."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from typing import TYPE_CHECKING

from agent.store.outbox import StoreError, StoreLocked
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from pathlib import Path

    from agent.config.model import Store
    from agent.store.outbox import EvidenceRow

SCHEMA_VERSION = 2
"""What this program reads and writes; older files are migrated, newer ones refused."""
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
        os.close(fd)
        raise StoreLocked(
            f"{path}: another process has this store open. Stop it first, or give this one "
            "another store.path.",
            zh=f"{path}：该存储文件正被另一个进程使用。请先停止那个进程，"
            "或为本实例配置另一个 store.path。",
        ) from error
    return fd


def connect(settings: Store) -> sqlite3.Connection:
    """Open or create the file and bring its schema up to date.

    Raises:
        StoreError: the file is no store, is damaged, or was written by a newer version.
    """
    path = settings.path
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except sqlite3.DatabaseError as error:
        raise unusable(path, error) from error
    try:
        version = _prepare(connection, settings.synchronous)
        if version < SCHEMA_VERSION:
            from agent.store.migrations import migrate

            migrate(connection, version=SCHEMA_VERSION)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise unusable(path, error) from error
    if version > SCHEMA_VERSION:
        connection.close()
        raise StoreError(
            f"{path}: written by a newer version of this program (schema {version}, this one "
            f"knows {SCHEMA_VERSION}). Install that version again, or move the file away.",
            zh=f"{path}：该存储文件由更新版本的程序写成（结构版本 {version}，本程序支持 "
            f"{SCHEMA_VERSION}）。请重新安装新版本，或把该文件移走。",
        )
    return connection


def unusable(path: Path, error: OSError | sqlite3.Error) -> StoreError:
    """Say why a file cannot be the store: the disk refuses it, or it is none or damaged."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if isinstance(error, OSError) or code in _DISK_CODES:
        why = (error.strerror if isinstance(error, OSError) else "") or str(error)
        return StoreError(
            f"{path}: cannot be opened for writing: {why}. Check that this user may write there "
            "and that the disk has room.",
            zh=f"{path}：无法写入：{why}。请检查目录权限以及磁盘剩余空间。",
        )
    return StoreError(
        f"{path}: cannot be opened as a store: {error}. Move the file away (keep it for "
        "rescue) and start again: a new one is created.",
        zh=f"{path}：无法作为存储文件打开：{error}。请把该文件移走（保留以便抢救数据）"
        "后重新启动，程序会新建存储文件。",
    )


def refused_write(error: sqlite3.Error) -> Message:
    """Say that the disk does not take data now, and what to do."""
    return Message(
        f"The disk does not accept data: {error}. Nothing is lost yet; collecting waits. "
        "Free space on the disk or replace the card.",
        f"磁盘拒绝写入：{error}。目前没有丢数据，采集已暂停等待。请清理磁盘空间或更换存储卡。",
    )


def read_evidence(connection: sqlite3.Connection) -> list[EvidenceRow]:
    """Read every device's days from an open store."""
    rows = connection.execute("SELECT * FROM evidence ORDER BY device, day")
    return [(r[0], r[1], r[2], bool(r[3]), r[4], r[5], r[6]) for r in rows]


def _prepare(connection: sqlite3.Connection, synchronous: str) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version == 0:
        _refuse_foreign(connection)
        connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={synchronous}")
    connection.execute("PRAGMA secure_delete=0")
    connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    return version


def _refuse_foreign(connection: sqlite3.Connection) -> None:
    """Leave a database of another program alone; one half made by us is finished."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if tables and "_sqlite_migrations" not in tables:
        raise sqlite3.DatabaseError("it holds the tables of another program")
