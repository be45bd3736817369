"""One entry of the ledger's journal: what changed in one record, by whom, and the chain of hashes.

An entry is one line of JSON in its one canonical form (keys sorted, no blanks, UTF-8), so that a
single changed byte shows. Its hash is the SHA-256 of the entry without the hash; the hash of the
entry before stands inside. Pure.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from agent.ledger.records import Key, Record, RecordKind, canonical
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VERSION, WITH_NOTE = 1, 2
"""Version of an entry's shape: without a note, and with one."""
START = "0" * 64
"""The hash before the first entry."""
MAX_LINE_BYTES = 1_000_000
"""Longest line: a record before and after, each as long as a configuration file may make it."""


class Source(StrEnum):
    """Where a change came from."""

    CONFIG = "config"
    """Somebody edited the configuration file."""
    SPREADSHEET = "spreadsheet"
    PAGE = "page"
    JOURNAL = "journal"
    """No change: a damaged journal was set aside, and this one follows it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of one record."""

    seq: int
    """From 1, without gaps."""
    at_ms: int
    """When it was written down, UTC ms."""
    day: date
    """The same as a day of the factory's calendar."""
    who: str
    source: Source
    kind: RecordKind | None
    """None for a note about the journal itself; it stands in `after`."""
    id: str
    before: Record | None
    """None where the record is new."""
    after: Record | None
    """None where the record is gone."""
    prev: str
    hash: str
    note: str = ""
    """Why it was changed, in the words of who did; empty where nobody said."""

    @property
    def key(self) -> Key | None:
        """The record it is about; None for a note about the journal itself."""
        return None if self.kind is None else (self.kind, self.id)

    def line(self) -> str:
        """Give the entry as its line, without the end of line."""
        return canonical(self._body() | {"hash": self.hash}).decode()

    def _body(self) -> dict[str, Any]:
        note = {"note": self.note} if self.note else {}
        return note | {
            "v": WITH_NOTE if self.note else VERSION,
            "seq": self.seq,
            "at_ms": self.at_ms,
            "day": self.day.isoformat(),
            "who": self.who,
            "source": self.source.value,
            "kind": None if self.kind is None else self.kind.value,
            "id": self.id,
            "before": self.before,
            "after": self.after,
            "prev": self.prev,
        }

    def true_hash(self) -> str:
        """Compute the hash the entry should bear."""
        return hashlib.sha256(canonical(self._body())).hexdigest()


@dataclass(frozen=True, slots=True)
class Change:
    """A change that is not written down yet."""

    key: Key | None
    before: Record | None
    after: Record | None


@dataclass(frozen=True, slots=True)
class BadLine:
    """The first line of a journal that cannot be believed; every later one hangs on it."""

    number: int
    """From 1."""
    why: Message


@dataclass(frozen=True, slots=True)
class Checked:
    """What a journal says as far as it can be believed."""

    entries: tuple[Entry, ...]
    state: Mapping[Key, Record]
    """Every record as the last of these entries left it, in the order of their coming."""
    bad: BadLine | None

    @property
    def last_hash(self) -> str:
        """The hash the next entry hangs on."""
        return self.entries[-1].hash if self.entries else START


def chained(
    changes: Iterable[Change],
    after: Checked,
    *,
    at_ms: int,
    day: date,
    who: str,
    source: Source,
    note: str = "",
) -> tuple[Entry, ...]:
    """Make entries of changes, which follow what is already there; all bear the one note."""
    entries: list[Entry] = []
    prev, seq = after.last_hash, len(after.entries)
    for seq_, change in enumerate(changes, start=seq + 1):
        kind, id_ = change.key or (None, "")
        bare = Entry(
            seq_, at_ms, day, who, source, kind, id_, change.before, change.after, prev, "", note
        )
        prev = bare.true_hash()
        entries.append(replace(bare, hash=prev))
    return tuple(entries)


def verify(lines: Iterable[str]) -> BadLine | None:
    """Give the first line that is damaged or does not follow from those before; None if all do."""
    return checked(lines).bad


def checked(lines: Iterable[str]) -> Checked:
    """Read lines up to the first that cannot be believed."""
    entries: list[Entry] = []
    state: dict[Key, Record] = {}
    prev = START
    for number, line in enumerate(lines, start=1):
        try:
            entry = _entry(line)
            _follows(entry, number, prev, state)
        except _Refused as refused:
            return Checked(tuple(entries), state, BadLine(number, refused.why))
        apply(entry, state)
        entries.append(entry)
        prev = entry.hash
    return Checked(tuple(entries), state, None)


class _Refused(Exception):  # noqa: N818 - names what became of the line
    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.why = Message(en=en, zh=zh)


def _entry(line: str) -> Entry:
    if len(line.encode("utf-8", "surrogatepass")) > MAX_LINE_BYTES:
        raise _Refused("the line is too long", "该行过长")
    try:
        raw = json.loads(line)
        entry = _read(raw)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _Refused(
            "the line is not a whole entry (torn or altered)", "该行不是完整的记录（残缺或被改动）"
        ) from None
    if raw.get("v") not in {VERSION, WITH_NOTE}:
        raise _Refused("a version not known here", "记录版本未知")
    if entry.line() != line or entry.hash != entry.true_hash():
        raise _Refused("the hash does not fit: the line was altered", "校验值不符：该行被改动过")
    return entry


def _read(raw: dict[str, Any]) -> Entry:
    kind, before, after = raw["kind"], raw["before"], raw["after"]
    for record in (before, after):
        if not (record is None or isinstance(record, dict)):
            raise TypeError("a record is a mapping")
    return Entry(
        seq=int(raw["seq"]),
        at_ms=int(raw["at_ms"]),
        day=date.fromisoformat(raw["day"]),
        who=str(raw["who"]),
        source=Source(raw["source"]),
        kind=None if kind is None else RecordKind(kind),
        id=str(raw["id"]),
        before=before,
        after=after,
        prev=str(raw["prev"]),
        hash=str(raw["hash"]),
        note=str(raw.get("note", "")),
    )


def _follows(entry: Entry, number: int, prev: str, state: Mapping[Key, Record]) -> None:
    """Check that an entry continues what stands before it."""
    if entry.seq != number or entry.prev != prev:
        raise _Refused(
            "it does not follow the line before: one was removed, added or moved",
            "与上一行不衔接：有记录被删除、插入或移动",
        )
    if entry.key is not None and state.get(entry.key) != entry.before:
        raise _Refused("it changes a record that was otherwise", "所改内容与此前的记录不一致")


def apply(entry: Entry, state: dict[Key, Record]) -> None:
    """Change the record an entry is about; a note about the journal changes none."""
    if entry.key is None:
        return
    if entry.after is None:
        state.pop(entry.key, None)
    else:
        state[entry.key] = entry.after
