"""The table of losses: spans by cause and device, written with the rows that tell of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.losses.causes import REJECTED
from agent.losses.spans import LossBook, LossSpan, totals_by_cause
from agent.telemetry.status import Count

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from agent.store.totals import Totals


def write_losses(connection: sqlite3.Connection, before: LossBook, book: LossBook) -> None:
    """Write what differs from the book before; part of a transaction."""
    for key in book.changed_since(before):
        connection.execute("DELETE FROM losses WHERE cause = ? AND device = ? AND dated = ?", key)
        connection.executemany(
            "INSERT INTO losses VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (*key, nr, s.from_ms, s.to_ms, s.times, s.amount)
                for nr, s in enumerate(book.series.get(key, ()))
            ],
        )


def read_losses(connection: sqlite3.Connection) -> LossBook:
    """Read every span from an open store."""
    found = connection.execute(
        "SELECT cause, device, from_ms, to_ms, times, amount, dated FROM losses "
        "ORDER BY cause, device, dated, nr"
    )
    return LossBook.of(
        LossSpan(cause, device, from_ms, to_ms, times, amount, bool(dated))
        for cause, device, from_ms, to_ms, times, amount, dated in found
    )


def agrees(spans: Iterable[LossSpan], causes: Mapping[str, Count], totals: Totals) -> bool:
    """Tell whether the book says of rows that left unsent what the counters of the law say."""
    sums = {cause: Count(*both) for cause, both in totals_by_cause(spans).items()}
    dropped = all(sums.get(cause, Count()) == count for cause, count in causes.items())
    return dropped and sums.get(REJECTED, Count()) == totals.rejected
