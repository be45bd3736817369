"""Reading rows out of a damaged file page by page, trusting nothing but each row's checksum.

SQLite reaches rows through a tree: one flipped bit near its root hides all of them. Here every
page that looks like a leaf is taken as one, its cells are decoded, and what has a true checksum is
a row. Bounded: a page gives at most as many cells as fit into it, a row is at most `MAX_ROW_BYTES`.
Format: SQLite file format, sections 1.5, 1.6 and 2.1.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from agent.store.checksum import row_crc

if TYPE_CHECKING:
    from collections.abc import Iterator

Value: TypeAlias = "int | float | bytes | str | None"

MAX_ROW_BYTES = 64_000_000
"""No row is larger; a damaged length is not followed further."""
COLUMNS = 8
_LEAF, _LEAF_HEAD_BYTES = 0x0D, 8
_LEAVES = frozenset({_LEAF} | {_LEAF ^ 1 << bit for bit in range(8)})
"""First byte of a leaf; of one with a flipped bit there: its cells are as sound as any."""
_FRAME_BYTES = 24
_WAL_HEADER_BYTES = 32
_INTEGER_BYTES = (0, 1, 2, 3, 4, 6, 8)
_REAL, _ZERO, _ONE = 7, 8, 9
_BLOB_FROM = 12
_TEXT_BIT = 1


class FoundRow(NamedTuple):
    """A row whose checksum is true."""

    seq: int
    kind: int
    mv: int
    t_ms: int
    up_s: float
    values: int
    body: bytes


class Pages:
    """The pages of a database as they were last committed: the file, and its log over it."""

    def __init__(self, file_fd: int, log_fd: int | None, *, page_bytes: int) -> None:
        self._file = file_fd
        self._log = log_fd
        self.page_bytes = page_bytes
        size = os.fstat(file_fd).st_size
        in_file = -(-size // page_bytes)
        self._in_log = {} if log_fd is None else self._frames(log_fd, most_pages=in_file)
        self.count = max(in_file, *self._in_log, 0) if self._in_log else in_file
        """Highest page number."""

    def page(self, number: int) -> bytes:
        """Read a page; what is cut off at the end of the file is zero."""
        at = self._in_log.get(number)
        if at is not None and self._log is not None:
            return os.pread(self._log, self.page_bytes, at)
        content = os.pread(self._file, self.page_bytes, (number - 1) * self.page_bytes)
        return content.ljust(self.page_bytes, b"\0")

    def versions(self, number: int) -> Iterator[bytes]:
        """Give a page as it was last committed, then as it is in the file below the log."""
        yield self.page(number)
        if number in self._in_log:
            content = os.pread(self._file, self.page_bytes, (number - 1) * self.page_bytes)
            yield content.ljust(self.page_bytes, b"\0")

    def _frames(self, log_fd: int, *, most_pages: int) -> dict[int, int]:
        """Find the last frame of each page, of the log's present round."""
        salt = os.pread(log_fd, 8, 16)
        size = os.fstat(log_fd).st_size
        step = self.page_bytes + _FRAME_BYTES
        frames = range(_WAL_HEADER_BYTES, size - step + 1, step)
        most = most_pages + len(frames)
        found: dict[int, int] = {}
        for at in frames:
            header = os.pread(log_fd, _FRAME_BYTES, at)
            (number,) = struct.unpack_from(">I", header)
            if header[8:16] == salt and 0 < number <= most:
                found[number] = at + _FRAME_BYTES
        return found


def rows_on(pages: Pages, number: int) -> Iterator[FoundRow]:
    """Give the rows that begin on a page and are whole."""
    for seq, found in records_on(pages, number, columns=COLUMNS):
        row = _row(_signed(seq), found)
        if row is not None:
            yield row


def records_on(pages: Pages, number: int, *, columns: int) -> Iterator[tuple[int, list[Value]]]:
    """Give rowid and columns of every record of so many columns that begins on a page.

    Nothing of it is to be believed before a checksum in it was found true.
    """
    for page in pages.versions(number):
        start = 100 if number == 1 else 0
        if page[start] not in _LEAVES:
            continue
        for cell in _cells(page, start):
            try:
                size, at = _varint(page, cell)
                rowid, at = _varint(page, at)
                if not 0 < size <= MAX_ROW_BYTES:
                    continue
                found = _columns(_payload(pages, page, at, size), columns)
            except (IndexError, struct.error, ValueError):
                continue
            if found is not None:
                yield rowid, found


def _cells(page: bytes, head: int) -> Iterator[int]:
    """Give where the cells of a leaf begin, also those its count leaves out.

    Behind the counted places others may stand; the free space, which is zero there, ends them.
    """
    (count,) = struct.unpack_from(">H", page, head + 3)
    first = head + _LEAF_HEAD_BYTES
    for at in range(first, len(page) - 1, 2):
        (cell,) = struct.unpack_from(">H", page, at)
        if at < cell < len(page):
            yield cell
        elif at >= first + 2 * count:
            return


def _row(seq: int, found: list[Value]) -> FoundRow | None:
    match found:
        case [
            None, int(kind), int(mv), int(t_ms), int() | float() as up_s, int(values),
            bytes(body), int(crc),
        ]:  # fmt: skip
            row = FoundRow(seq, kind, mv, t_ms, float(up_s), values, body)
            return row if _crc(row) == crc else None
    return None


def _crc(row: FoundRow) -> int | None:
    try:
        return row_crc(*row)
    except struct.error:  # a column is none that a row can have
        return None


def _payload(pages: Pages, page: bytes, at: int, size: int) -> bytes:
    """Join what lies on the page with its chain of overflow pages."""
    usable = pages.page_bytes
    most = usable - 35
    if size <= most:
        return page[at : at + size]
    least = (usable - 12) * 32 // 255 - 23
    local = least + (size - least) % (usable - 4)
    if local > most:
        local = least
    parts = [page[at : at + local]]
    (following,) = struct.unpack_from(">I", page, at + local)
    left = size - local
    while left > 0 and 0 < following <= pages.count:
        content = pages.page(following)
        (following,) = struct.unpack_from(">I", content)
        parts.append(content[4 : 4 + min(left, usable - 4)])
        left -= usable - 4
    return b"".join(parts)


def _columns(record: bytes, columns: int) -> list[Value] | None:
    """Decode a record; None when it has another number of columns, or other bytes than they say."""
    header_bytes, at = _varint(record, 0)
    types: list[int] = []
    while at < header_bytes and len(types) <= columns:
        kind, at = _varint(record, at)
        types.append(kind)
    if len(types) != columns or at != header_bytes:
        return None
    decoded: list[Value] = []
    for kind in types:
        value, at = _value(record, at, kind)
        decoded.append(value)
    return decoded if at == len(record) else None


def _value(record: bytes, at: int, kind: int) -> tuple[Value, int]:
    if kind == _REAL:
        return float(struct.unpack_from(">d", record, at)[0]), at + 8
    if kind in {_ZERO, _ONE}:
        return kind - _ZERO, at
    if kind >= _BLOB_FROM:
        end = at + (kind - _BLOB_FROM) // 2
        return record[at:end].decode() if kind & _TEXT_BIT else record[at:end], end
    if 0 < kind < len(_INTEGER_BYTES):
        end = at + _INTEGER_BYTES[kind]
        return int.from_bytes(record[at:end], "big", signed=True), end
    return None, at


def _varint(content: bytes, at: int) -> tuple[int, int]:
    number = 0
    for step in range(8):
        byte = content[at + step]
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            return number, at + step + 1
    return number << 8 | content[at + 8], at + 9


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number
