"""The counters of the conservation law: one row of the store, changed with every transaction."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Literal, NamedTuple, Self, TypeAlias

from agent.telemetry.status import Count

if TYPE_CHECKING:
    from collections.abc import Sequence

ROW_OVERHEAD_BYTES = 48
"""What a row costs in the file beyond its body (key, columns, cell and page share)."""

Left: TypeAlias = Literal["acked", "rejected", "dropped"]
"""Ways out of the store."""

_NONE = Count()


class Totals(NamedTuple):
    """What came in and what became of it, in the whole life of the store."""

    stored: Count = _NONE
    acked: Count = _NONE
    rejected: Count = _NONE
    dropped: Count = _NONE
    waiting: Count = _NONE
    waiting_bytes: int = 0
    last_seq: int = 0
    uptime_s: float = 0.0
    """How long this store has been open in all its life; ages rows without a wall clock."""
    kept_bytes: int = 0
    """Bytes of rows that have left and are still there, to be sent again on request."""
    settled_to: int = 0
    """Up to this seq nothing waits."""
    last_ms: int = 0
    """Wall clock of the last commit; 0 before the first."""

    def entered(self, sizes: Sequence[tuple[int, int]], *, last_seq: int) -> Self:
        """Count rows in; `sizes` holds (values, body bytes) of each."""
        count, size = measure(sizes)
        return self._replace(
            stored=self.stored + count,
            waiting=self.waiting + count,
            waiting_bytes=self.waiting_bytes + size,
            last_seq=last_seq,
        )

    def left(self, count: Count, size: int, *, to: Left) -> Self:
        """Count rows of so many bytes out of waiting, and in where they went."""
        return self._replace(
            waiting=self.waiting - count,
            waiting_bytes=self.waiting_bytes - size,
            **{to: getattr(self, to) + count},
        )

    def passed(self, count: Count, *, to: Left) -> Self:
        """Count rows in that are gone already, and in where they went."""
        return self._replace(stored=self.stored + count, **{to: getattr(self, to) + count})

    def kept(self, size: int) -> Self:
        """Count bytes in that are kept for replay, or out where negative."""
        return self._replace(kept_bytes=self.kept_bytes + size)

    def bounded(self, values: int, size: int) -> tuple[int, int]:
        """Give what damaged columns may claim at most: what is waiting, and never less than 0."""
        w = self.waiting
        return max(0, min(values, w.values)), max(0, min(size, self.waiting_bytes))

    def healed(self) -> Self:
        """Give what damaged rows left in the books to those that were dropped, once none waits."""
        if self.waiting.rows or (not self.waiting.values and not self.waiting_bytes):
            return self
        return self.left(self.waiting, self.waiting_bytes, to="dropped")


def measure(sizes: Sequence[tuple[int, int]]) -> tuple[Count, int]:
    """Sum (values, body bytes) of rows; the size includes what a row costs beyond its body."""
    values, size = 0, ROW_OVERHEAD_BYTES * len(sizes)
    for row_values, body_bytes in sizes:
        values += row_values
        size += body_bytes
    return Count(len(sizes), values), size


_COUNTS = Totals._fields[:5]
_COLUMNS = tuple(f"{name}_{part}" for name in _COUNTS for part in ("rows", "values"))
_REST = Totals._fields[5:]
_ALL = (*_COLUMNS, *_REST)
_TYPES = {"uptime_s": float}
"""Of the columns that are no integer; a damaged page may give anything."""
_READ = f"SELECT {', '.join((*_COLUMNS, *_REST))} FROM totals"  # noqa: S608 - names of ours
_WRITE = f"UPDATE totals SET {', '.join(f'{c}=?' for c in (*_COLUMNS, *_REST))}"  # noqa: S608 - names of ours


def read_totals(connection: sqlite3.Connection) -> Totals:
    """Read the counters from an open store; sqlite3.DatabaseError when it holds none."""
    found = connection.execute(_READ).fetchone()
    if found is None:
        raise sqlite3.DatabaseError("its counters are missing")
    kinds = [_TYPES.get(name, int) for name in _ALL]
    if [type(number) for number in found] != kinds:
        raise sqlite3.DatabaseError("its counters are no numbers")
    counts = [Count(found[i], found[i + 1]) for i in range(0, len(_COLUMNS), 2)]
    stored, acked, rejected, dropped, waiting = counts
    return Totals(stored, acked, rejected, dropped, waiting, *found[len(_COLUMNS) :])


def write_totals(connection: sqlite3.Connection, totals: Totals) -> None:
    """Write the counters inside the caller's transaction."""
    t = totals
    counts = (t.stored, t.acked, t.rejected, t.dropped, t.waiting)
    flat = [part for count in counts for part in (count.rows, count.values)]
    connection.execute(_WRITE, (*flat, *t[len(counts) :]))
