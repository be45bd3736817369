"""What a destination has settled: rows it accepted, refused, or will never get; a few ranges.

A row waits for a destination as long as its number is in none of them. Written beside the rows in
the same transaction; a row itself is not touched when it is acknowledged. The table is made for
several destinations; today there is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.store.ranges import Ranges

if TYPE_CHECKING:
    import sqlite3

    from agent.store.outbox import Range

LOWEST_SEQ = -(2**62)
"""Below every row: what was never stored is settled from the beginning."""
DESTINATION = 1
"""The one destination."""


class Position:
    """The settled ranges of one destination, in memory as in the tables.

    Nearly always there is one range, that ends with the last row accepted: its end stands with the
    counters, in a page that every commit writes anyway. Only ranges beyond it take rows here.
    """

    def __init__(self, connection: sqlite3.Connection, *, settled_to: int) -> None:
        rows = connection.execute(
            "SELECT first, last FROM positions WHERE destination = ?", (DESTINATION,)
        ).fetchall()
        self._written: frozenset[Range] = frozenset(rows)
        self.settled = Ranges([(LOWEST_SEQ, settled_to), *rows])

    def waiting(self, last_seq: int) -> list[Range]:
        """Give the numbers that wait, up to the last one given."""
        return self.settled.outside(LOWEST_SEQ, last_seq)

    @property
    def settled_to(self) -> int:
        """Up to here nothing waits."""
        return next(iter(self.settled))[1]

    def write(self, connection: sqlite3.Connection) -> frozenset[Range]:
        """Write what has changed, inside the caller's transaction; give what is written then."""
        _, *beyond = self.settled
        now = frozenset(beyond)
        if now != self._written:
            connection.executemany(
                "DELETE FROM positions WHERE destination = ? AND first = ?",
                [(DESTINATION, first) for first, _ in self._written - now],
            )
            connection.executemany(
                "INSERT INTO positions VALUES (?, ?, ?)",
                [(DESTINATION, first, last) for first, last in now - self._written],
            )
        return now

    def written(self, ranges: frozenset[Range]) -> None:
        """Note, after the commit, what the table holds."""
        self._written = ranges
