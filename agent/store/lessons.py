"""The table of what was learned of devices: one short text per group, written with the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from agent.store.outbox import LessonRow


def write_lessons(connection: sqlite3.Connection, lessons: Sequence[LessonRow]) -> None:
    """Keep lessons, the last of a group winning; an empty text forgets. Part of a transaction."""
    last = {(device, group): (text, kept_ms) for device, group, text, kept_ms in lessons}
    for (device, group), (text, kept_ms) in last.items():
        if text:
            connection.execute(
                "INSERT OR REPLACE INTO lessons VALUES (?, ?, ?, ?)",
                (device, group, text, kept_ms),
            )
        else:
            connection.execute("DELETE FROM lessons WHERE device = ? AND grp = ?", (device, group))


def read_lessons(connection: sqlite3.Connection) -> list[LessonRow]:
    """Read every lesson from an open store."""
    rows = connection.execute("SELECT device, grp, text, kept_ms FROM lessons ORDER BY 1, 2")
    return [(device, group, text, kept_ms) for device, group, text, kept_ms in rows]
