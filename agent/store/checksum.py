"""The checksum of a row: over its number, its columns and its body, made once and never changed.

SQLite keeps none of its pages in the main file: it saw 13 of 200 single flipped bits, this one
sees them all. CRC-32 of zlib: there is no CRC-32C in the standard library, and for rows of this
size both find every error of up to three bits and all but one in 2**32 of the others.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, TypeAlias
from zlib import crc32

if TYPE_CHECKING:
    from agent.store.outbox import Row

NewColumns: TypeAlias = "tuple[int, int, int, int, float, int, bytes, int]"
"""A row as it is written: its columns in their order, the checksum last."""

_HEAD = Struct("<qqqqdq").pack


def row_crc(  # noqa: PLR0917 - the columns of a row, in their order
    seq: int, kind: int, mv: int, t_ms: int, up_s: float, values: int, body: bytes
) -> int:
    """Give the checksum of a row.

    Raises:
        struct.error: a column is none that a row can have.
    """
    return crc32(body, crc32(_HEAD(seq, kind, mv, t_ms, up_s, values)))


def columns(row: Row, up_s: float) -> NewColumns:
    """Give a row as it is written, with its checksum."""
    seq, kind, mv, t_ms, values, body, _ = row
    crc = row_crc(seq, kind, mv, t_ms, up_s, values, body)
    return seq, kind, mv, t_ms, up_s, values, body, crc
