"""The table of losses: spans by cause and device, written with the rows that tell of them.

Each span bears a checksum: one that is false is not believed, and only those whose checksum is true
are taken over from a damaged file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.losses.causes import REJECTED
from agent.losses.spans import LossBook, LossSpan, totals_by_cause
from agent.store.notes import note_crc
from agent.telemetry.status import Count

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from agent.store.totals import Totals


LOSS_COLUMNS: Final = 9
"""Columns of the table of losses, its checksum the last."""
_READ: Final = (
    "SELECT cause, device, dated, nr, from_ms, to_ms, times, amount, crc FROM losses "
    "ORDER BY cause, device, dated, nr"
)


def write_losses(connection: sqlite3.Connection, before: LossBook, book: LossBook) -> None:
    """Write what differs from the book before; part of a transaction."""
    for key in book.changed_since(before):
        connection.execute("DELETE FROM losses WHERE cause = ? AND device = ? AND dated = ?", key)
        rows = [
            (*key, nr, s.from_ms, s.to_ms, s.times, s.amount)
            for nr, s in enumerate(book.series.get(key, ()))
        ]
        connection.executemany(
            "INSERT INTO losses VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(*row, note_crc(row)) for row in rows],
        )


def read_losses(connection: sqlite3.Connection) -> LossBook:
    """Read every span from an open store whose checksum is true."""
    return LossBook.of(span_of(row) for row in connection.execute(_READ) if true_span(row))


def false_spans(connection: sqlite3.Connection) -> int:
    """Count the spans whose checksum is false."""
    return sum(not true_span(row) for row in connection.execute(_READ))


def true_span(row: Sequence[str | int]) -> bool:
    """Tell whether a row of the table is as it was written."""
    try:
        return note_crc(row[:-1]) == row[-1]
    except TypeError:  # a column is of a type that was never written
        return False


def span_of(row: Sequence[str | int]) -> LossSpan:
    """Give the span of a row of the table whose checksum is true."""
    cause, device, dated, _, from_ms, to_ms, times, amount = row[:8]
    return LossSpan(
        str(cause), str(device), int(from_ms), int(to_ms), int(times), int(amount), bool(dated)
    )


def agrees(spans: Iterable[LossSpan], causes: Mapping[str, Count], totals: Totals) -> bool:
    """Tell whether the book says of rows that left unsent what the counters of the law say."""
    sums = {cause: Count(*both) for cause, both in totals_by_cause(spans).items()}
    dropped = all(sums.get(cause, Count()) == count for cause, count in causes.items())
    return dropped and sums.get(REJECTED, Count()) == totals.rejected
