"""The high-water mark: what was committed, noted outside the database, in `<store>.mark`.

A flipped byte in SQLite's log silently takes back every later commit; only a note elsewhere can
tell. Written after each commit into one of two slots in turn, each with its number and checksum:
a torn write leaves the other slot. Synced at most every `SYNC_S`, so it costs no flash write per
commit: after a crash of the process it is exact, after a power cut it may be so much too low,
never too high.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass, field
from struct import Struct
from struct import error as StructError  # noqa: N812 - it is a class
from typing import TYPE_CHECKING
from zlib import crc32

from agent.telemetry.status import Count

if TYPE_CHECKING:
    from pathlib import Path

SUFFIX = ".mark"
SYNC_S = 30.0
"""Longest time by which the mark on the medium may lag behind."""
SLOT_BYTES = 4096
"""A slot lies in a page of its own: one torn write cannot spoil both."""
_FIELDS = Struct("<8sQ26sqqqqqqq?")
_SUM = Struct("<I")
_MAGIC = b"CHLMARK1"


@dataclass(frozen=True, slots=True)
class Mark:
    """What was known to be committed."""

    epoch: str
    base: int
    """Where the numbers of the epoch begin among the seqs."""
    last_seq: int
    oldest: int
    """Lowest seq that waited."""
    stored: Count = field(default_factory=Count)
    waiting: Count = field(default_factory=Count)
    damaged: bool = False
    """Whether the file was found damaged while it was open."""


class MarkFile:
    """The open mark; a medium that does not take it hinders nothing."""

    def __init__(self, path: Path) -> None:
        self._serial = 0
        self._synced_s = time.monotonic()
        self._fd = -1
        self.last: Mark | None = None
        """What was written last, also by a life before; None when there is none that is whole."""
        with contextlib.suppress(OSError):
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            self._fd = os.open(path.with_name(path.name + SUFFIX), flags, 0o600)
            self._serial, self.last = _newest(os.pread(self._fd, 2 * SLOT_BYTES, 0))

    def write(self, mark: Mark, *, sync: bool = False) -> None:
        """Note what is committed."""
        self.last = mark
        if self._fd < 0:
            return
        self._serial += 1
        now_s = time.monotonic()
        with contextlib.suppress(OSError):
            os.pwrite(self._fd, _packed(self._serial, mark), self._serial % 2 * SLOT_BYTES)
            if sync or now_s - self._synced_s >= SYNC_S:
                self._synced_s = now_s
                os.fdatasync(self._fd)

    def close(self) -> None:
        """Sync and close."""
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                os.fdatasync(self._fd)
            os.close(self._fd)
            self._fd = -1


def read_mark(path: Path) -> Mark | None:
    """Read a store's mark without opening it for writing; None when there is none that is whole."""
    try:
        return _newest(path.with_name(path.name + SUFFIX).read_bytes())[1]
    except OSError:
        return None


def _packed(serial: int, mark: Mark) -> bytes:
    body = _FIELDS.pack(
        _MAGIC,
        serial,
        mark.epoch.encode(),
        mark.base,
        mark.last_seq,
        mark.oldest,
        mark.stored.rows,
        mark.stored.values,
        mark.waiting.rows,
        mark.waiting.values,
        mark.damaged,
    )
    return body + _SUM.pack(crc32(body))


def _newest(content: bytes) -> tuple[int, Mark | None]:
    slots = [content[at : at + SLOT_BYTES] for at in (0, SLOT_BYTES)]
    found = [slot for slot in map(_unpacked, slots) if slot is not None]
    return max(found, key=lambda slot: slot[0]) if found else (0, None)


def _unpacked(slot: bytes) -> tuple[int, Mark] | None:
    body = slot[: _FIELDS.size]
    try:
        (checksum,) = _SUM.unpack_from(slot, _FIELDS.size)
    except StructError:
        return None
    if checksum != crc32(body) or not body.startswith(_MAGIC):
        return None
    _, serial, epoch, base, last, oldest, *counts, damaged = _FIELDS.unpack(body)
    mark = Mark(
        epoch.rstrip(b"\0").decode(), base, last, oldest,
        Count(*counts[:2]), Count(*counts[2:]), damaged,
    )  # fmt: skip
    return serial, mark
