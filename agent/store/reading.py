"""Reading rows, and believing none whose checksum is false."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from agent.store.checksum import row_crc
from agent.store.outbox import Kind, Row

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.store.books import Books
    from agent.store.outbox import Range

Stored: TypeAlias = "tuple[int, int, int, int, float, int, bytes, int | None]"
_KINDS = frozenset(Kind)
READ_ROWS = "SELECT * FROM rows WHERE seq BETWEEN ? AND ? ORDER BY seq"
"""Every column of the rows of a range, as `sound` takes them."""


class Read(NamedTuple):
    """What a read has found."""

    rows: list[Row]
    damaged: list[int]
    """Seqs of rows whose checksum is false."""
    missing: list[int]
    """Seqs of rows that are not there, where every seq is one."""


def read_rows(books: Books, ranges: Iterable[Range], *, max_bytes: int, unsealed_to: int) -> Read:
    """Read rows of ranges in order, at least one, up to about `max_bytes`."""
    rows: list[Row] = []
    damaged: list[int] = []
    missing: list[int] = []
    size = 0
    for first, last in ranges:
        expected = first
        cursor = books.db.execute(READ_ROWS, (first, last))
        for stored in cursor:
            seq = stored[0]
            missing.extend(range(expected, seq))
            expected = seq + 1
            if not sound(stored, unsealed_to=unsealed_to):
                damaged.append(seq)
                continue
            _, kind, mv, t_ms, _, values, body, _ = stored
            rows.append(Row(seq, Kind(kind), mv, t_ms, values, body, books.lives.of(seq)))
            size += len(body)
            if size >= max_bytes:
                cursor.close()
                return Read(rows, damaged, missing)
        missing.extend(range(expected, last + 1))
    return Read(rows, damaged, missing)


def sound(stored: Stored, *, unsealed_to: int) -> bool:
    """Whether a row is what was written; one of an older version has no checksum."""
    seq, kind, mv, t_ms, up_s, values, body, crc = stored
    if kind not in _KINDS:
        return False
    if crc is None:
        return 0 < seq <= unsealed_to
    try:
        return row_crc(seq, kind, mv, t_ms, up_s, values, body) == crc
    except (struct.error, TypeError):  # a column that is no number any more
        return False
