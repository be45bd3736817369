"""Modbus registers as a device holds them: a sparse bank, filled from points and raw values.

Big-endian, high word first. A multi-register value is written whole, between two requests, so a
single request never sees half of it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from simulators.machine import Value
    from simulators.points import Point

TABLES = ("co", "di", "hr", "ir")
"""Coils, discrete inputs, holding registers, input registers."""

_FORMATS = {"int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "float32": ">f"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a point stands, parsed from its address."""

    table: str
    start: int
    """First register, or the number of the coil or input."""
    words: int
    """Registers covered; 1 for a coil or input."""
    bit: int | None = None
    """Bit of the register, 0 the least significant."""


def place(point: Point) -> Place:
    """Parse `table:start`, `table:start/words` or `table:start.bit`."""
    table, _, rest = point.address.partition(":")
    if table not in TABLES:
        raise ValueError(
            f"{point.metric}: {point.address!r}: no such table, use {', '.join(TABLES)}"
        )
    if "/" in rest:
        start, _, words = rest.partition("/")
        return Place(table, int(start), int(words))
    if "." in rest:
        start, _, bit = rest.partition(".")
        return Place(table, int(start), 1, int(bit))
    size = struct.calcsize(_FORMATS[point.type]) // 2 if point.type in _FORMATS else 1
    return Place(table, int(rest), size)


def encode(data_type: str, value: Value, *, words: int) -> tuple[int, ...]:
    """Encode a raw value into registers; text is UTF-8, NUL-padded, cut at a whole character."""
    if isinstance(value, str):
        room = value.encode()[: words * 2].decode(errors="ignore").encode()
        return struct.unpack(f">{words}H", room.ljust(words * 2, b"\0"))
    return struct.unpack(f">{words}H", struct.pack(_FORMATS[data_type], value))


class RegisterBank:
    """The registers of one unit. A register that no point covers does not exist."""

    def __init__(self, points: Iterable[Point]) -> None:
        self._points = {point.metric: (point, place(point)) for point in points}
        self._cells: dict[str, dict[int, int]] = {table: {} for table in TABLES}
        for _, at in self._points.values():
            for address in range(at.start, at.start + at.words):
                self._cells[at.table][address] = 0

    def set(self, metric: str, raw: Value) -> None:
        """Put a raw value where its point stands."""
        point, at = self._points[metric]
        cells = self._cells[at.table]
        if at.bit is not None:
            mask = 1 << at.bit
            cells[at.start] = cells[at.start] | mask if raw else cells[at.start] & ~mask
        elif at.table in {"co", "di"}:
            cells[at.start] = int(bool(raw))
        else:
            words = encode(point.type, raw, words=at.words)
            cells.update(zip(range(at.start, at.start + at.words), words, strict=True))

    def runs(self, table: str) -> list[tuple[int, int]]:
        """List the existing addresses of a table as (start, count), ascending."""
        return _runs(sorted(self._cells[table]))

    def read(self, table: str, start: int, count: int) -> Sequence[int]:
        """Give `count` cells; registers as 16-bit words, coils and inputs as 0 or 1.

        Raises:
            KeyError: one of them does not exist.
        """
        cells = self._cells[table]
        return [cells[address] for address in range(start, start + count)]


def _runs(addresses: Sequence[int]) -> list[tuple[int, int]]:
    """Join ascending addresses into (start, count)."""
    runs = []
    for _, pairs in groupby(enumerate(addresses), key=lambda pair: pair[1] - pair[0]):
        run = [address for _, address in pairs]
        runs.append((run[0], len(run)))
    return runs
