"""The messages that a server cut one from, put together again: they cost as one from then on.

A server that cuts what it tells into messages says of each but the last that more follows. Only
messages whose source times repeat, good values all, wait for the rest: nothing in them depends on
when they came, but where their times are not believed: those bear the receipt of the last part.
They wait for a tenth of a second at most, and nothing overtakes them.
"""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import TYPE_CHECKING, Final, TypeAlias

from drivers.opcua.decoding.items import Columns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from drivers.api import Value

    _Joined: TypeAlias = "tuple[list[tuple[int, ...]], tuple[int, ...]]"

LONGEST_S: Final = 0.1
"""Messages wait so long for those that were promised."""
MOST_VALUES: Final = 16_384
"""So many values are given without waiting for more."""
MOST_KEPT: Final = 262_144
"""Handles of joined messages that are remembered, with those they were joined of, at most 50 bytes
each; beyond, all are forgotten."""


class Gathering:
    """What came of one message so far."""

    def __init__(
        self, give: Callable[[Columns, int], None], *, every_handle: tuple[int, ...]
    ) -> None:
        """`give(columns, receipt in UTC ns)` takes what is complete.

        `every_handle` are those of all points in order: what holds them gives that very tuple.
        """
        self._give = give
        self._every_handle = every_handle
        self._parts: list[Columns] = []
        self._values = 0
        self._read_ns = 0
        self._timer: asyncio.TimerHandle | None = None
        self._known: dict[tuple[int, ...], _Joined] = {}
        self._kept = 0
        self.since_ns = 0
        """Until when all was told before what waits now, UTC nanoseconds; 0 where nothing waits."""

    def add(self, columns: Columns, read_ns: int, *, known_ns: int, more: bool) -> None:
        """Take one message; all was told before it until `known_ns`, `more` follows at once."""
        if columns.pattern is None:
            self.flush()
            self._give(columns, read_ns)
            return
        if not self._parts:
            self.since_ns = known_ns
        self._parts.append(columns)
        self._values += len(columns.handles)
        self._read_ns = read_ns
        if not more or self._values >= MOST_VALUES:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LONGEST_S, self.flush)

    def flush(self) -> None:
        """Give what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._parts:
            return
        parts, self._parts = self._parts, []
        self._values = self.since_ns = 0
        self._give(parts[0] if len(parts) == 1 else self._joined(parts), self._read_ns)

    def _joined(self, parts: Sequence[Columns]) -> Columns:
        handles = self._handles([part.handles for part in parts])
        values: list[Value] = []
        sources: list[int] = []
        for part in parts:
            values += part.values
        pattern = parts[0].pattern or ()
        alike = all(
            part.pattern == pattern and len(part.handles) % len(pattern) == 0 for part in parts
        )
        if not alike:
            for part in parts:
                sources += part.sources or ()
        return Columns(
            handles,
            tuple(values),
            sources=pattern * (len(handles) // len(pattern)) if alike else sources,
            floats=any(part.floats for part in parts),
            pattern=pattern if alike else None,
        )

    def _handles(self, parts: list[tuple[int, ...]]) -> tuple[int, ...]:
        """Join handles; the same messages give the same tuple, by which others know it again."""
        key = tuple(map(id, parts))
        known = self._known.get(key)
        if known is None:
            joined = tuple(chain.from_iterable(parts))
            if joined == self._every_handle:
                joined = self._every_handle
            if self._kept + len(joined) > MOST_KEPT:
                self._known.clear()
                self._kept = 0
            self._kept += len(joined)
            known = self._known[key] = parts, joined  # the parts live on: their ids stay theirs
        return known[1]
