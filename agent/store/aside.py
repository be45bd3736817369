"""Rows that were refused, or cannot be read, kept aside for a person to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import sqlite3

KEPT_REJECTED_ROWS = 1000
"""How many are kept; the counters go on beyond it."""

Aside: TypeAlias = "tuple[int, int, int, int, str, int, bytes]"
"""Seq, kind, time in ms, values, reason, code, body."""


def keep_aside(connection: sqlite3.Connection, row: Aside) -> None:
    """Keep a row, and let the oldest go; part of the caller's transaction."""
    connection.execute("INSERT OR REPLACE INTO rejected VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    connection.execute(
        "DELETE FROM rejected WHERE seq NOT IN "
        "(SELECT seq FROM rejected ORDER BY seq DESC LIMIT ?)",
        (KEPT_REJECTED_ROWS,),
    )
