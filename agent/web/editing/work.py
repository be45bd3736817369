"""What editing the ledger does to files: looking, trying, saving. Blocks: call it from a thread.

Guarantees: nothing is written but by `save`, and that only on the file that was shown, with its
author and reason in the journal first; a file that cannot be written is told with who, where and
what to do.
"""

from __future__ import annotations

import errno
import grp
import hashlib
import os
import pwd
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent.clock.clock import plausible
from agent.config.problems import ConfigError
from agent.kpi.days import Calendar
from agent.ledger.edit import Signed, apply, read_current
from agent.ledger.entry import Source
from agent.ledger.findings import declared_rate, edit_findings
from agent.ledger.history import History
from agent.ledger.journal import Journal, JournalError, journal_path
from agent.ledger.records import RecordKind
from agent.ledger.typed import FieldProblem, Refused, Tried, try_record, try_removal
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from pathlib import Path

    from agent.config.ledger import Equipment
    from agent.config.model import AgentConfig
    from agent.kpi.rates import Figure
    from agent.ledger.edit import Current
    from agent.ledger.findings import Finding
    from agent.ledger.records import Declared, Key, Record
    from agent.ledger.typed import Typed

_NS_PER_MS: Final = 1_000_000
_NO_TIME: Final = Message(
    en="The clock of this gateway is not set, and a change bears its date: set the clock first.",
    zh="本网关时钟未校准，而变更需要记录日期：请先校时。",
)


@dataclass(frozen=True, slots=True)
class Look:
    """A configuration file as it stands."""

    current: Current
    base: str
    """SHA-256 of its bytes, hexadecimal."""
    devices: tuple[str, ...]
    """Ids of its devices."""
    day: date
    """Today, in the factory's calendar."""

    @property
    def declared(self) -> Declared:
        """The ledger in it."""
        return self.current.declared

    def record(self, key: Key) -> Record | None:
        """Give a record; None where there is none of this id."""
        return self.declared.written().get(key)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants of a record."""

    key: Key
    """Kind and id; the id is empty for a new record, and for the enterprise."""
    typed: Typed
    removal: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """What a wish would change, and what an assessor would ask about it."""

    tried: Tried
    before: Figure
    """The declared rate as it is."""
    after: Figure
    findings: tuple[Finding, ...]


class Changed(Exception):  # noqa: N818 - names what happened
    """The file is no longer the one that was shown."""


def look(file: Path) -> Look:
    """Read the configuration file.

    Raises:
        Refused: it cannot be read or has an error.
    """
    try:
        current = read_current(file)
    except ConfigError as error:
        raise Refused([_of_file(error)]) from error
    devices = current.root.entries.get("devices")
    ids = tuple(one.text("id") for one in devices.items) if devices is not None else ()
    base = hashlib.sha256(current.data).hexdigest()
    return Look(current, base, tuple(filter(None, ids)), _today(current.config))


def attempt(seen: Look, wish: Wish, *, store: Path) -> Trial:
    """Find out what a wish would change; the journal is beside the store.

    Raises:
        Refused: something is wrong with it.
    """
    tried = try_removal(seen.current, wish.key) if wish.removal else _typed(seen, wish)
    edit, rate = tried.edit, seen.current.config.rate
    before, after = (
        declared_rate(one, seen.day, method=rate.method, control_set=rate.control_set)
        for one in (edit.before, edit.after)
    )
    ever = _ever(journal_path(store))
    found = edit_findings(edit.before, edit.after, day=seen.day, ever=ever)
    return Trial(tried, before, after, found)


def save(seen: Look, trial: Trial, wish: Wish, *, who: str, store: Path) -> None:
    """Make a change that was tried: first in the journal, then in the file.

    Raises:
        Changed: the file is another by now; nothing was written.
        Refused: the journal or the file cannot be written; the file is as it was.
    """
    now_ns = time.time_ns()
    if not plausible(now_ns):
        raise Refused([FieldProblem("", _NO_TIME)])
    signed = Signed(who, Source.PAGE, now_ns // _NS_PER_MS, seen.day, wish.note)
    journal = Journal(journal_path(store))
    path = seen.current.path
    try:
        apply(trial.tried.edit, journal, signed)
    except ConfigError as error:
        if any(one.code == "E1714" for one in error.problems):
            raise Changed from error
        raise Refused([_of_file(error)]) from error
    except JournalError as error:
        raise Refused([FieldProblem("", error.message)]) from error
    except OSError as error:
        raise Refused([FieldProblem("", not_written(path, error))]) from error


def unwritable(file: Path) -> Message | None:
    """Say why the file could not be replaced, who would do it, and what helps; None where it can.

    A file is replaced as a whole, so it is the folder that must let us write.
    """
    folder = file.resolve().parent
    if os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        return None
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return not_written(file, OSError(errno.EROFS, os.strerror(errno.EROFS)))
    return not_written(file, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))


def not_written(file: Path, error: OSError) -> Message:
    """Say that the file was not written, who tried, and what helps."""
    who, folder, why = _user(), file.resolve().parent, error.strerror or str(error)
    en = f"The user {who} cannot write {file} ({why}); nothing was changed."
    zh = f"用户 {who} 无法写入 {file}（{why}），未作任何修改。"
    if error.errno == errno.EROFS:
        en += (
            f" The service may not write to {folder}. As administrator: sudo systemctl edit "
            f"chulian, add the lines [Service] and ReadWritePaths={folder}, then sudo systemctl "
            "restart chulian."
        )
        zh += (
            f"服务没有写入 {folder} 的权限。请管理员执行 sudo systemctl edit chulian，"
            f"加入两行：[Service] 和 ReadWritePaths={folder}，再执行 "
            "sudo systemctl restart chulian。"
        )
    elif error.errno in {errno.EACCES, errno.EPERM}:
        command = f"sudo chgrp {_group()} {folder} && sudo chmod g+w {folder}"
        en += f" As administrator: {command}"
        zh += f"请管理员执行：{command}"
    elif error.errno in {errno.ENOSPC, errno.EDQUOT}:
        en += " The disk is full: free some space, then try again."
        zh += "磁盘已满：请先清理空间，再重试。"
    return Message(en, zh)


def _typed(seen: Look, wish: Wish) -> Tried:
    kind, id_ = wish.key
    typed = dict(wish.typed)
    if id_ or kind is RecordKind.ENTERPRISE:  # what has a number keeps it
        known = seen.record(wish.key) or {}
        typed["id"] = [str(known.get("id", id_))]
    return try_record(seen.current, wish.key, typed)


def _ever(path: Path) -> Iterable[Equipment]:
    """Give every machine of the ledger's past; none where the journal cannot be read."""
    try:
        return History.of(Journal(path).read().entries).machines
    except (JournalError, ValueError):
        return ()


def _of_file(error: ConfigError) -> FieldProblem:
    """Give the first error of the file."""
    first = next((one for one in error.problems if one.is_error), error.problems[0])
    where = f"{first.location} {first.code} {first.where}".rstrip()
    text = Message(
        en=f"The configuration file has an error, correct it first. {where}: {first.message.en}",
        zh=f"配置文件有错误，请先改正。{where}：{first.message.zh}",
    )
    return FieldProblem("", text, first.hint)


def _today(config: AgentConfig) -> date:
    return Calendar(config.gateway.timezone).day(time.time_ns()).date


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"uid:{os.geteuid()}"


def _group() -> str:
    try:
        return grp.getgrgid(os.getegid()).gr_name
    except KeyError:
        return str(os.getegid())
