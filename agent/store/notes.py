"""The tables of evidence and of lessons: small texts and counts, each row under a checksum.

They are no part of the law, but what is shown and proven rests on them: a row whose checksum is
false is not believed, and only rows with a true one are taken over from a damaged file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

import orjson

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from agent.store.outbox import EvidenceRow, LessonRow

EVIDENCE_COLUMNS = 9
"""Columns of the table of evidence, its checksum and the rest of the day the last."""
BARE_EVIDENCE_COLUMNS = 8
"""The same of a row that was written before there was a rest."""
LESSON_COLUMNS = 5
"""Columns of the table of lessons, its checksum the last."""


_BARE: Final = 7
"""Columns of a day of evidence without its rest and without checksum."""


def note_crc(columns: Sequence[str | int]) -> int:
    """Give the checksum of a row that is no row of the outbox, over all its other columns."""
    return crc32(orjson.dumps([int(c) if isinstance(c, bool) else c for c in columns]))


def write_evidence(connection: sqlite3.Connection, days: Iterable[EvidenceRow]) -> None:
    """Keep what was observed of devices, a day each; a later row replaces one before."""
    connection.executemany(
        "INSERT OR REPLACE INTO evidence (device, day, good, metrics_changed, control_good, "
        "first_ms, last_ms, crc, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(*day[:7], note_crc(day), day[7] if len(day) > _BARE else "") for day in days],
    )


def read_evidence(connection: sqlite3.Connection) -> list[EvidenceRow]:
    """Read every device's days from an open store."""
    rows = connection.execute(
        "SELECT device, day, good, metrics_changed, control_good, first_ms, last_ms, detail, crc "
        "FROM evidence ORDER BY device, day"
    )
    bared = (r if r[7] else (*r[:7], r[8]) for r in rows)
    return [evidence_row(r) for r in bared if _true(r)]


def evidence_row(columns: Sequence[Any]) -> EvidenceRow:
    """Give a row of the table, its checksum the last and left out, as it was handed in."""
    device, day, good, changed, control_good, first_ms, last_ms = columns[:7]
    bare = (device, day, good, bool(changed), control_good, first_ms, last_ms)
    return (*bare, columns[7]) if len(columns) > _BARE + 1 else bare


def write_lessons(connection: sqlite3.Connection, lessons: Iterable[LessonRow]) -> None:
    """Keep lessons, the last of a group winning; an empty text forgets. Part of a transaction."""
    last = {(device, group): (text, kept_ms) for device, group, text, kept_ms in lessons}
    for (device, group), (text, kept_ms) in last.items():
        if text:
            connection.execute(
                "INSERT INTO lessons VALUES (?, ?, ?, ?, ?) ON CONFLICT (device, grp) DO UPDATE "
                "SET text = excluded.text, kept_ms = excluded.kept_ms, crc = excluded.crc",
                (device, group, text, kept_ms, note_crc((device, group, text, kept_ms))),
            )
        else:
            connection.execute("DELETE FROM lessons WHERE device = ? AND grp = ?", (device, group))


def read_lessons(connection: sqlite3.Connection) -> list[LessonRow]:
    """Read every lesson from an open store."""
    rows = connection.execute("SELECT device, grp, text, kept_ms, crc FROM lessons ORDER BY 1, 2")
    return [(r[0], r[1], r[2], r[3]) for r in rows if _true(r)]


def _true(row: tuple[str | int, ...]) -> bool:
    try:
        return note_crc(row[:-1]) == row[-1]
    except TypeError:  # a column is of a type that was never written
        return False
