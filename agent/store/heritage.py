"""What a fresh store takes over of a damaged one at once: evidence, lessons, what was lost.

The agent asks for them as soon as the store is open, so they cannot wait for the salvage of rows.
Bounded in time; only what has a true checksum is taken.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from agent.store.carve import Pages, records_on
from agent.store.file import PAGE_BYTES
from agent.store.losses import LOSS_COLUMNS, read_losses, span_of, true_span
from agent.store.notes import (
    BARE_EVIDENCE_COLUMNS,
    EVIDENCE_COLUMNS,
    LESSON_COLUMNS,
    evidence_row,
    note_crc,
    read_evidence,
    read_lessons,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.losses.spans import LossSpan
    from agent.store.outbox import EvidenceRow, LessonRow

SEARCH_S = 1.5
"""How long pages are looked through, where SQLite cannot read the file: some 200 MB."""


class Heritage(NamedTuple):
    """What is sound in the small tables of a file."""

    evidence: list[EvidenceRow]
    lessons: list[LessonRow]
    losses: list[LossSpan]


def heritage(aside: Path) -> Heritage:
    """Read the small tables of a file that no process has open; changes nothing in it."""
    try:
        return _asked(aside)
    except (sqlite3.DatabaseError, UnicodeDecodeError, TypeError):
        return _searched(aside)


def epoch_of(path: Path) -> str:
    """Give the epoch that a file bears, changing nothing; empty where SQLite cannot read it."""
    try:
        with _read_only(path) as connection:
            found = connection.execute("SELECT value FROM identity WHERE key = 'epoch'").fetchone()
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return ""
    return "" if found is None else str(found[0])


def _asked(aside: Path) -> Heritage:
    """Ask SQLite, which knows what is current."""
    with _read_only(aside) as connection:
        spans = read_losses(connection).spans
        return Heritage(read_evidence(connection), read_lessons(connection), list(spans))


@contextlib.contextmanager
def _read_only(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a file with its log, and leave nothing behind."""
    shared = path.with_name(path.name + "-shm")
    uri = f"{path.absolute().as_uri()}?mode=ro"
    ours = not shared.exists()
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
            yield connection
    finally:
        if ours:
            with contextlib.suppress(OSError):
                shared.unlink(missing_ok=True)


def _searched(aside: Path) -> Heritage:
    """Look through pages; of several versions of a row take the one that has counted furthest."""
    evidence: dict[tuple[str, str], EvidenceRow] = {}
    lessons: dict[tuple[str, str], LessonRow] = {}
    losses: dict[tuple[str | int, ...], LossSpan] = {}
    ends_s = time.monotonic() + SEARCH_S
    with contextlib.ExitStack() as files, contextlib.suppress(OSError):
        pages = open_pages(aside, files)
        for number in range(1, pages.count + 1):
            if time.monotonic() > ends_s:
                break
            for day in _days(pages, number):
                known = evidence.setdefault(day[:2], day)
                evidence[day[:2]] = max(known, day, key=itemgetter(2))
            for lesson in _lessons(pages, number):
                old = lessons.setdefault(lesson[:2], lesson)
                lessons[lesson[:2]] = max(old, lesson, key=itemgetter(3))
            for key, span in _losses(pages, number):
                before = losses.setdefault(key, span)
                losses[key] = max(before, span, key=attrgetter("times"))
    return Heritage(list(evidence.values()), list(lessons.values()), list(losses.values()))


def open_pages(path: Path, files: contextlib.ExitStack) -> Pages:
    """Open a file and its log page by page; closed with `files`; raises OSError."""
    fds = [os.open(path, os.O_RDONLY | os.O_CLOEXEC)]
    files.callback(os.close, fds[0])
    with contextlib.suppress(FileNotFoundError):
        fds.append(os.open(path.with_name(path.name + "-wal"), os.O_RDONLY | os.O_CLOEXEC))
        files.callback(os.close, fds[1])
    return Pages(fds[0], fds[1] if len(fds) > 1 else None, page_bytes=PAGE_BYTES)


def _days(pages: Pages, number: int) -> Iterator[EvidenceRow]:
    for columns in (BARE_EVIDENCE_COLUMNS, EVIDENCE_COLUMNS):
        for _, found in records_on(pages, number, columns=columns):
            match found:
                case [
                    str(_), str(_), int(_), int(_), int(_), int(_), int(_), int(crc),
                    *rest,
                ] if all(isinstance(text, str) for text in rest):  # fmt: skip
                    row: list[Any] = [*found[:7], *(text for text in rest if text)]
                    if note_crc(row) == crc:
                        yield evidence_row([*row, crc])


def _lessons(pages: Pages, number: int) -> Iterator[LessonRow]:
    for _, found in records_on(pages, number, columns=LESSON_COLUMNS):
        match found:
            case [str(device), str(group), str(text), int(kept_ms), int(crc)] if (
                note_crc((device, group, text, kept_ms)) == crc
            ):
                yield device, group, text, kept_ms


def _losses(pages: Pages, number: int) -> Iterator[tuple[tuple[str | int, ...], LossSpan]]:
    """Give every sound span with what names it in the table."""
    for _, found in records_on(pages, number, columns=LOSS_COLUMNS):
        match found:
            case [
                str(cause), str(device), int(dated), int(nr), int(from_ms), int(to_ms),
                int(times), int(amount), int(crc),
            ]:  # fmt: skip
                row = (cause, device, dated, nr, from_ms, to_ms, times, amount, crc)
                if true_span(row):
                    yield row[:4], span_of(row)
