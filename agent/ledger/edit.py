"""Changes the ledger of a configuration file: checked, written down in the journal, then kept.

Guarantees: a change that makes an error changes nothing; the file is replaced as a whole or not at
all; the journal has the change before the file has, so nobody's change is without its author. The
program that reads the file takes it when it is told to, or at its next start. Blocking: call it
from a thread.
"""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.config.document import MAX_BYTES, parse
from agent.config.model import AgentConfig
from agent.config.problems import ConfigError, Place, in_reading_order, problem
from agent.config.reading import read_bounded, why
from agent.config.references import reference_problems
from agent.config.validate import validated
from agent.ledger.entry import Change, Source
from agent.ledger.journal import differences, sync_folder
from agent.ledger.records import Declared
from agent.ledger.yaml_text import Uneditable, edited
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from agent.config.document import Node
    from agent.config.problems import Problem
    from agent.ledger.entry import Entry
    from agent.ledger.journal import Journal
    from agent.ledger.records import Key, Record

_OWN_SECTIONS = ("enterprise", "locations", "processes", "equipment")


@dataclass(frozen=True, slots=True)
class Signed:
    """Who changes something, when, and by which way."""

    who: str
    source: Source
    at_ms: int
    """UTC ms."""
    day: date
    """The same in the factory's calendar."""
    note: str = ""
    """Why, in their own words."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A change that was tried on the text and can be made."""

    path: Path
    before: Declared
    after: Declared
    changes: tuple[Change, ...]
    """Empty where nothing differs."""
    data: bytes
    """The file as it was read."""
    text: str
    """The file as it will be."""
    config: AgentConfig
    """What that says, devices aside."""
    warnings: tuple[Problem, ...]


def change(key: Key, record: Record | None, *, path: Path) -> Edit:
    """Try to put one record in place of what there is, or, with None, to take it away.

    Raises:
        ConfigError: the file would have an error; holds every problem.
    """
    current = read_current(path)
    records = current.declared.written()
    if record is None:
        records.pop(key, None)
    else:
        records[key] = record
    return prepare(current, records)


@dataclass(frozen=True, slots=True)
class Current:
    """A configuration file as it stands; it is read and parsed once per edit."""

    path: Path
    data: bytes
    root: Node
    config: AgentConfig
    """What it says, devices aside."""

    @property
    def declared(self) -> Declared:
        """The ledger in it."""
        return Declared.of(self.config)


def read_current(path: Path) -> Current:
    """Read a configuration file that is to be changed.

    Raises:
        ConfigError: it cannot be read or has an error.
    """
    data = read_bytes(path)
    root = parsed(data, path)
    return Current(path, data, root, understood(root)[0])


def prepare(current: Current, wanted: dict[Key, Record]) -> Edit:
    """Try to make the ledger of a file what is wanted, record by record.

    Raises:
        ConfigError: the file would have an error, or cannot be edited; holds every problem.
    """
    path, data, before = current.path, current.data, current.declared
    changes = _in_file_order(differences(before.written(), wanted))
    bom = data.startswith(b"\xef\xbb\xbf")
    try:
        text = edited(data.decode("utf-8-sig"), changes, keys=current.root.keys)
    except Uneditable as error:
        raise ConfigError([_uneditable(path, str(error))]) from error
    config, warnings = understood(parsed(text.encode(), path))
    after = Declared.of(config)
    if after.written() != wanted:  # the text says something else than it should: leave it alone
        wrong = next((c.key for c in differences(after.written(), wanted) if c.key), None)
        raise ConfigError([_uneditable(path, "" if wrong is None else wrong[0].section)])
    text = "\ufeff" * bom + text
    return Edit(path, before, after, tuple(changes), data, text, config, warnings)


def apply(edit: Edit, journal: Journal, signed: Signed) -> tuple[Entry, ...]:
    """Write an edit down in the journal and then into its file; gives the journal's new entries.

    Raises:
        ConfigError: somebody else changed the file since; nothing is written.
        JournalError: the journal cannot be written; the file is as it was.
        OSError: the file cannot be written; it is as it was.
    """
    if not edit.changes:
        return ()
    target = edit.path.resolve()  # a link stays a link
    with _turn(target.parent):
        if read_bytes(edit.path) != edit.data:
            raise ConfigError([problem("E1714", Place(str(edit.path)))])
        fresh = _beside(target, edit.text.encode())
        try:
            entries = _written_down(edit, journal, signed)
            fresh.replace(target)
            sync_folder(target)
        finally:
            fresh.unlink(missing_ok=True)
    return entries


def _written_down(edit: Edit, journal: Journal, signed: Signed) -> tuple[Entry, ...]:
    """Put what stood in the file, and then the edit, into the journal."""
    day, at_ms = signed.day, signed.at_ms
    journal.record(edit.before, at_ms=at_ms, day=day, who=edit.path.name, source=Source.CONFIG)
    return journal.record(
        edit.after, at_ms=at_ms, day=day, who=signed.who, source=signed.source, note=signed.note
    )


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """Wait for whoever else edits a file of the folder, in this process or another."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def read_config(path: Path) -> tuple[AgentConfig, tuple[Problem, ...]]:
    """Give a configuration without its devices, and the warnings about it; paths as written.

    Raises:
        ConfigError: it cannot be read or has an error.
    """
    return understood(parsed(read_bytes(path), path))


def read_bytes(path: Path) -> bytes:
    """Give a configuration file's bytes.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return read_bounded(path, limit_bytes=MAX_BYTES)
    except OSError as error:
        raise ConfigError([problem("E1001", Place(str(path)), why=why(error))]) from error


def parsed(data: bytes, path: Path) -> Node:
    """Give a file's nodes.

    Raises:
        ConfigError: it is no YAML.
    """
    root, problems = parse(data, file=str(path))
    if root is None or problems:
        raise ConfigError(problems)
    return root


def understood(
    root: Node, problems: Sequence[Problem] = ()
) -> tuple[AgentConfig, tuple[Problem, ...]]:
    """Check the sections of a file, devices aside; `problems` are known already.

    Raises:
        ConfigError: there is an error; holds every problem.
    """
    found = list(problems)
    config = validated(AgentConfig, root.without("devices"), where="", problems=found)
    found = in_reading_order([*found, *reference_problems(root)])
    if config is None or any(one.is_error for one in found):
        raise ConfigError(found)
    return config, tuple(found)


def _in_file_order(changes: Sequence[Change]) -> list[Change]:
    """Put what is taken away last: an emptied section is filled before, not begun again."""
    return sorted(changes, key=lambda one: one.after is None)


def _uneditable(path: Path, section: str) -> Problem:
    reason = Message(
        en="it is not written as a plain list, or uses aliases", zh="不是逐行列表，或使用了别名"
    )
    key = section if section in _OWN_SECTIONS else "-"
    return problem("E1708", Place(str(path)), where=section, key=key, why=reason)


def _beside(path: Path, data: bytes) -> Path:
    """Write the new file beside the old one, synced, with the old one's rights and owner."""
    fresh = path.with_name(f".{path.name}.new")
    old = path.stat()
    fresh.unlink(missing_ok=True)  # of an edit that a crash ended
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            for owner in (-1, old.st_uid):  # only root gives files away; a group of ours we may
                with suppress(PermissionError):
                    os.fchown(fd, owner, old.st_gid)
            os.fchmod(fd, stat.S_IMODE(old.st_mode))
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    return fresh
