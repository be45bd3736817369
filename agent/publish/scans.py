"""Full, good scans of one group -> rows: what nearly all frames are, at the least cost.

Columns are made once however many rows they are cut into, and a single scan, what a commit a second
mostly holds, is put into columns that are kept. Gives up where more care is needed, and then gives
nothing. Pure but for what it keeps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from agent.config.derived import STATE_METRIC
from agent.store.outbox import Kind, NewRow

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from drivers.api import Value

    _Columns = Mapping[str, Sequence[Value]]

OPTIONS = orjson.OPT_STRICT_INTEGER
"""Integers beyond 2^53 raise and take the careful way, where they become strings."""


def kind_of(columns: Container[str]) -> Kind:
    """Tell how urgent a row with values of such metrics is: a machine's state goes first."""
    return Kind.STATE if STATE_METRIC in columns else Kind.DATA


class FullScans:
    """The columns of one group of one device."""

    def __init__(self, device: str, group: str, names: tuple[str, ...]) -> None:
        self._device = device
        self._group = group
        self._names = names
        self._cells: list[list[Value]] = []
        self._one_scan: list[dict[str, list[Value]]] = []
        self._step = 0

    def rows(
        self,
        scans: Sequence[tuple[Value, ...]],
        *,
        t0_ms: int,
        offsets_ms: Sequence[int],
        most_values: int,
        most_bytes: int,
    ) -> list[NewRow] | None:
        """Encode scans into rows cut by columns, each of at most so many values.

        None when a row is too large, or a value is none that JSON can carry as it is.
        """
        step = max(1, most_values // len(scans))
        made: list[NewRow] = []
        block: dict[str, Any] = {
            "t0": t0_ms, "d": self._device, "g": self._group, "t": offsets_ms,
        }  # fmt: skip
        for columns in self._parts(scans, step):
            block["s"] = columns
            try:
                body = orjson.dumps(block, option=OPTIONS)
            except TypeError:
                return None
            if len(body) > most_bytes:
                return None
            made.append(NewRow(kind_of(columns), t0_ms, len(columns) * len(scans), body[1:]))
        return made

    def _parts(self, scans: Sequence[tuple[Value, ...]], step: int) -> Iterator[_Columns]:
        names = self._names
        if len(scans) == 1:
            yield from self._fill(scans[0], step)
            return
        columns = list(zip(*scans, strict=True))
        for start in range(0, len(names), step):
            part = slice(start, start + step)
            yield dict(zip(names[part], columns[part], strict=True))

    def _fill(self, scan: tuple[Value, ...], step: int) -> Sequence[_Columns]:
        if not self._cells:
            self._cells = [[None] for _ in self._names]
        if step != self._step:
            parts = [slice(start, start + step) for start in range(0, len(self._names), step)]
            self._one_scan = [
                dict(zip(self._names[part], self._cells[part], strict=True)) for part in parts
            ]
            self._step = step
        for cell, value in zip(self._cells, scan, strict=True):
            cell[0] = value
        return self._one_scan
