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

    def entered(self, sizes: Sequence[tuple[int, int]], *, last_seq: int) -> Self:
        """Count rows in; `sizes` holds (values, body bytes) of each."""
        count, size = measure(sizes)
        return self._replace(
            stored=self.stored + count,
            waiting=self.waiting + count,
            waiting_bytes=self.waiting_bytes + size,
            last_seq=last_seq,
        )

    def left(self, sizes: Sequence[tuple[int, int]], *, to: Left) -> Self:
        """Count rows out of waiting, and in where they went."""
        count, size = measure(sizes)
        return self._replace(
            waiting=self.waiting - count,
            waiting_bytes=self.waiting_bytes - size,
            **{to: getattr(self, to) + count},
        )


def measure(sizes: Sequence[tuple[int, int]]) -> tuple[Count, int]:
    """Sum (values, body bytes) of rows; the size includes what a row costs beyond its body."""
    values, size = 0, ROW_OVERHEAD_BYTES * len(sizes)
    for row_values, body_bytes in sizes:
        values += row_values
        size += body_bytes
    return Count(len(sizes), values), size


_COUNTS = Totals._fields[:5]
_COLUMNS = tuple(f"{name}_{part}" for name in _COUNTS for part in ("rows", "values"))
_READ = f"SELECT {', '.join(_COLUMNS)}, waiting_bytes, last_seq, uptime_s FROM totals"  # noqa: S608 - column names of ours
_WRITE = (
    f"UPDATE totals SET {', '.join(f'{c}=?' for c in _COLUMNS)}, "  # noqa: S608 - column names of ours
    "waiting_bytes=?, last_seq=?, uptime_s=?"
)


def read_totals(connection: sqlite3.Connection) -> Totals:
    """Read the counters from an open store; sqlite3.DatabaseError when it holds none."""
    found = connection.execute(_READ).fetchone()
    if found is None:
        raise sqlite3.DatabaseError("its counters are missing")
    *counts, waiting_bytes, last_seq, uptime_s = found
    stored, acked, rejected, dropped, waiting = (
        Count(counts[i], counts[i + 1]) for i in range(0, 10, 2)
    )
    return Totals(stored, acked, rejected, dropped, waiting, waiting_bytes, last_seq, uptime_s)


def write_totals(connection: sqlite3.Connection, totals: Totals) -> None:
    """Write the counters inside the caller's transaction."""
    t = totals
    counts = (t.stored, t.acked, t.rejected, t.dropped, t.waiting)
    flat = [part for count in counts for part in (count.rows, count.values)]
    connection.execute(_WRITE, (*flat, t.waiting_bytes, t.last_seq, t.uptime_s))
