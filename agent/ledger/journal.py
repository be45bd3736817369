"""The journal of the ledger on disk: append-only lines beside the store, each fsynced.

Guarantees: an entry that was returned is on the disk; nothing that stands there is ever changed; a
damaged journal is told and never continued, let alone repaired: a person sets it aside, and the
new one says what it follows. Processes take turns by a lock on the file. Blocking: call it from a
thread.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from agent.ledger.entry import MAX_LINE_BYTES, BadLine, Change, Entry, Source, chained, checked
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date
    from pathlib import Path

    from agent.ledger.entry import Checked
    from agent.ledger.records import Declared, Key, Record

_SUFFIX = ".ledger.jsonl"


class JournalError(Exception):
    """The journal cannot be read or written; `message` says why, in both languages."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.en)
        self.message = message


class JournalDamaged(JournalError):  # noqa: N818 - names the journal's state
    """A line cannot be believed; nothing is appended behind it."""

    def __init__(self, path: Path, bad: BadLine) -> None:
        super().__init__(
            Message(
                en=f"{path}:{bad.number}: {bad.why.en}. Nothing is written behind it: keep the "
                "file, then run chulian ledger verify --set-aside to begin a new one.",
                zh=f"{path} 第 {bad.number} 行：{bad.why.zh}。其后不再写入；请保留原文件，"
                "再用 chulian ledger verify --set-aside 另起新的台账记录。",
            )
        )
        self.bad = bad


def journal_path(store: Path) -> Path:
    """Give the journal that belongs to a store."""
    return store.with_name(store.stem + _SUFFIX)


class Journal:
    """One journal file, which need not exist yet."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lines(self) -> tuple[str, ...]:
        """Give the lines as they stand, a torn last one included; none where there is no file.

        Raises:
            JournalError: the disk refuses it.
        """
        try:
            with self.path.open("rb") as file:
                return _lines(file.read())
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise _refused(self.path, error) from error

    def read(self) -> Checked:
        """Give what it says, up to the first line that cannot be believed.

        Raises:
            JournalError: the disk refuses it.
        """
        return checked(self.lines())

    def record(
        self,
        declared: Declared,
        *,
        at_ms: int,
        day: date,
        who: str,
        source: Source,
        note: str = "",
    ) -> tuple[Entry, ...]:
        """Write down how a ledger differs from what the journal says, an entry for each record.

        Raises:
            JournalDamaged: a line in it cannot be believed.
            JournalError: the disk refuses it, or a record is too long.
        """
        try:
            with self._locked() as fd:
                known = self._whole(fd)
                changes = differences(known.state, declared.records())
                entries = chained(
                    changes, known, at_ms=at_ms, day=day, who=who, source=source, note=note
                )
                self._append(fd, entries)
                return entries
        except OSError as error:
            raise _refused(self.path, error) from error

    def set_aside(self, *, at_ms: int, day: date, who: str) -> Path | None:
        """Move a damaged journal away and begin one that names it; None where it is whole.

        At every instant there is the damaged journal or the new one under its name.

        Raises:
            JournalError: the disk refuses it.
        """
        try:
            with self._locked() as fd:
                data = _all(fd)
                known = checked(_lines(data))
                if known.bad is None:
                    return None
                kept = self._free_name()
                note = {
                    "follows": kept.name,
                    "sha256": hashlib.sha256(data).hexdigest(),
                    "good_lines": len(known.entries),
                    "last_hash": known.last_hash,
                }
                entries = chained([Change(None, None, note)], checked(()), at_ms=at_ms, day=day,
                                  who=who, source=Source.JOURNAL)  # fmt: skip
                self._begin_anew(entries, kept)
        except OSError as error:
            raise _refused(self.path, error) from error
        return kept

    def _begin_anew(self, entries: tuple[Entry, ...], kept: Path) -> None:
        """Put a new journal in place of the old one, which keeps another name."""
        fresh = Journal(self.path.with_name(f".{self.path.name}.new"))
        fresh.path.unlink(missing_ok=True)  # of an attempt that a crash ended
        with fresh._locked() as fd:
            fresh._append(fd, entries)
        kept.hardlink_to(self.path)
        fresh.path.replace(self.path)
        sync_folder(self.path)

    def _free_name(self) -> Path:
        number = 1
        while (kept := self.path.with_name(f"{self.path.name}.damaged-{number}")).exists():
            number += 1
        return kept

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Open the file, created where it is missing, for this process alone."""
        new = not self.path.exists()
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            if new:
                _give_to_owner_of(self.path.parent, fd)
                sync_folder(self.path)
            yield fd
        finally:
            os.close(fd)

    def _whole(self, fd: int) -> Checked:
        known = checked(_lines(_all(fd)))
        if known.bad is not None:
            raise JournalDamaged(self.path, known.bad)
        return known

    def _append(self, fd: int, entries: tuple[Entry, ...]) -> None:
        data = b"".join(_encoded(entry) for entry in entries)
        if not data:
            return
        before = os.fstat(fd).st_size
        try:
            _write(fd, data)
            os.fsync(fd)
        except OSError:
            with suppress(OSError):  # what was half written was never reported
                os.ftruncate(fd, before)
            raise


def differences(old: Mapping[Key, Record], new: Mapping[Key, Record]) -> list[Change]:
    """Give what changed between two states: what is new or otherwise in its order, then what left.

    The order of records is no change.
    """
    found = [
        Change(key, old.get(key), record) for key, record in new.items() if old.get(key) != record
    ]
    return found + [Change(key, record, None) for key, record in old.items() if key not in new]


def _encoded(entry: Entry) -> bytes:
    data = entry.line().encode() + b"\n"
    if len(data) > MAX_LINE_BYTES:
        raise JournalError(
            Message(
                en=f"{entry.kind} {entry.id}: the record is too long for the journal "
                f"({len(data)} bytes, at most {MAX_LINE_BYTES}); shorten its texts",
                zh=f"{entry.kind} {entry.id}：记录过长，无法写入台账记录"
                f"（{len(data)} 字节，上限 {MAX_LINE_BYTES}）；请缩短文字",
            )
        )
    return data


def _lines(data: bytes) -> tuple[str, ...]:
    """Split a file into lines; what is no UTF-8 becomes characters that no entry has.

    A last line without its end was torn while it was written: it gets a mark no entry bears.
    """
    text = data.decode("utf-8", "backslashreplace")
    whole, _, torn = text.rpartition("\n")
    lines = tuple(whole.split("\n")) if data.count(b"\n") else ()
    return (*lines, f"{torn}\N{REPLACEMENT CHARACTER}") if torn else lines


def _all(fd: int) -> bytes:
    parts, offset = [], 0
    while part := os.pread(fd, 1 << 20, offset):
        parts.append(part)
        offset += len(part)
    return b"".join(parts)


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _give_to_owner_of(folder: Path, fd: int) -> None:
    """Have root's import leave a journal that the agent, who owns the folder, can write."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(fd, owner.st_uid, owner.st_gid)


def sync_folder(path: Path) -> None:
    """Have a file's name, as its folder has it now, on the disk; OSError where it refuses."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _refused(path: Path, error: OSError) -> JournalError:
    why = error.strerror or str(error)
    return JournalError(
        Message(
            en=f"the ledger's journal {path} cannot be used: {why}",
            zh=f"台账记录文件 {path} 无法使用：{why}",
        )
    )
