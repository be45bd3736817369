"""Room on the disk: a ballast to live on when there is none, and whose fault it is.

In WAL mode SQLite cannot even note an acknowledgement on a full disk. A file of no use is kept for
that moment: it is deleted, what is sent can be noted, and it is made again later.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

BALLAST_BYTES = 8_000_000
"""Room for the log of SQLite, which is kept below it, and for acknowledgements."""
MARGIN_BYTES = 1_000_000
"""Free beside the ballast and what waits to be stored, before rows are taken again."""
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_CHUNK_BYTES = 1_000_000
_DAMAGE_CODES = frozenset(
    {
        sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISMATCH,
    }
)  # fmt: skip
"""The last two: a number that is free is taken, a column is of another type than was written."""
SUFFIXES = ("", "-wal", ".ballast")
"""Files of a store that take room."""


class Room:
    """What is free beside one store."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ballast = path.with_name(path.name + ".ballast")
        self.short = False
        """Whether the disk was full and is not known to have room again."""

    def keep_ballast(self) -> bool:
        """Make the ballast where there is room for it and more; tell whether it is there."""
        if self._ballast.exists():
            return True
        free = self.free_bytes()
        if free < BALLAST_BYTES + MARGIN_BYTES:
            return False
        try:
            with self._ballast.open("xb") as file:
                for _ in range(BALLAST_BYTES // _CHUNK_BYTES):
                    file.write(bytes(_CHUNK_BYTES))
                file.flush()
                os.fdatasync(file.fileno())
        except OSError:
            self.spend_ballast()
            return False
        return True

    def spend_ballast(self) -> None:
        """Give the ballast's room to the store."""
        with contextlib.suppress(OSError):
            self._ballast.unlink(missing_ok=True)

    def free_bytes(self) -> int:
        """Give the room that this user may still take; 0 when the disk does not say."""
        try:
            disk = os.statvfs(self._path.parent)
        except OSError:
            return 0
        return disk.f_bavail * disk.f_frsize

    def ours(self) -> bool:
        """Whether the store itself holds most of what is used on this disk."""
        own = 0
        for suffix in SUFFIXES:
            with contextlib.suppress(OSError):
                own += self._path.with_name(self._path.name + suffix).stat().st_blocks * 512
        try:
            disk = os.statvfs(self._path.parent)
        except OSError:
            return False
        return own * 2 >= (disk.f_blocks - disk.f_bfree) * disk.f_frsize

    def takes_writes(self) -> bool:
        """Whether the disk takes and syncs a file now; a dead or read-only one does not."""
        probe = self._path.with_name(self._path.name + ".probe")
        try:
            with probe.open("wb") as file:
                file.write(bytes(4096))
                file.flush()
                os.fsync(file.fileno())
            probe.unlink()
        except OSError as error:
            return error.errno in _FULL
        return True


def no_room(error: sqlite3.Error) -> bool:
    """Whether SQLite says that the disk, or its own bound, is full."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL


def broken(error: sqlite3.Error) -> bool:
    """Whether SQLite says that the connection cannot be trusted any more."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}


def damaged(error: sqlite3.Error) -> bool:
    """Whether SQLite says that what is in the file is not what was written."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in _DAMAGE_CODES
