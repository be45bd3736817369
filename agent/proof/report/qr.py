"""The QR code of a report, as runs of dark modules."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import segno

if TYPE_CHECKING:
    from collections.abc import Iterator


class Run(NamedTuple):
    """Dark modules beside each other in one row."""

    x: int
    y: int
    length: int


class Code(NamedTuple):
    """A QR code without its quiet zone."""

    size: int
    """Modules of one side."""
    runs: tuple[Run, ...]


def code(text: str) -> Code:
    """Give the QR code of a text, error correction M."""
    made = segno.make(text, error="m", micro=False)
    rows = [tuple(row) for row in made.matrix]
    return Code(len(rows), tuple(_runs(rows)))


def _runs(rows: list[tuple[int, ...]]) -> Iterator[Run]:
    for y, row in enumerate(rows):
        x = 0
        for dark, group in groupby(row, key=bool):
            length = sum(1 for _ in group)
            if dark:
                yield Run(x, y, length)
            x += length
