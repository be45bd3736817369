"""What is to be sent, in which order: live rows in memory, the backlog read back from the store.

A row that is to be sent is in exactly one place: `live` (committed while connected), `ready` (read
back), inside a backlog range, or with the publisher, in flight.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

from agent.publish.backlog import Backlog, ranges_of
from agent.publish.payload import IDENTITY_BYTES
from agent.store.outbox import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.store.outbox import Committed, Range, Row

LIVE_BYTES = 8_000_000
"""Most bytes of live rows in memory; beyond it the oldest are left to the backlog."""
READ_BYTES = 512_000
"""How much of the backlog is read at a time."""


class Reads(Protocol):
    """What the queue needs of the store; `agent.store.writer.Writer` is one."""

    async def read(self, wanted: Range, *, max_bytes: int) -> list[Row]:
        """Read waiting rows of a range, in order, at least one if there is one."""


class SendQueue:
    """Rows on their way to one destination, before they are in flight."""

    def __init__(
        self, store: Reads, *, waiting: Range | None, on_ready: Callable[[], None]
    ) -> None:
        self._store = store
        self._on_ready = on_ready
        self._online = False
        self._live: deque[Row] = deque()
        self._ready: deque[Row] = deque()
        self._backlog = Backlog()
        if waiting is not None:
            self._backlog.add(*waiting)
        self._reading: asyncio.Task[None] | None = None
        self._alone: dict[int, int] = {}
        self.live_bytes = 0
        """Size of the live rows."""
        self.live_since_s = 0.0
        """Monotonic time since which live rows wait."""

    @property
    def has_live(self) -> bool:
        """Whether a live row waits."""
        return bool(self._live)

    @property
    def has_ready(self) -> bool:
        """Whether a row of the backlog is at hand."""
        return bool(self._ready)

    def online(self) -> None:
        """From now on committed rows are live."""
        self._online = True

    def offline(self) -> None:
        """Whatever is in memory becomes backlog; so does what is committed from now on."""
        self._online = False
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        self.give_back([*self._live, *self._ready])
        self._live.clear()
        self._ready.clear()
        self.live_bytes = 0

    def committed(self, done: Committed) -> None:
        """Take note of a commit: new rows to send, rows that will never be."""
        for first, last in done.gone:
            self._forget(first, last)
        for first, last in done.announced:
            self._backlog.add(first, last)
        rows = [r for r in done.rows if not _inside(r, done.gone)] if done.gone else done.rows
        if not self._online:
            self.give_back(rows)
            return
        if rows and not self._live:
            self.live_since_s = time.monotonic()
        self._live.extend(rows)
        self.live_bytes += sum(len(r.body) for r in rows)
        while self.live_bytes > LIVE_BYTES:
            row = self._live.popleft()
            self.live_bytes -= len(row.body)
            self._backlog.add(row.seq, row.seq)

    def give_back(self, rows: Sequence[Row]) -> None:
        """Take rows back that were not accepted; they are read from the store again."""
        for first, last in ranges_of(rows):
            self._backlog.add(first, last)

    def refused(self, rows: Sequence[Row]) -> int:
        """Have rows sent one by one from now on; tell how often a single one was refused."""
        alone = len(rows) == 1
        for row in rows:
            self._alone[row.seq] = self._alone.get(row.seq, 0) + alone
        return self._alone[rows[0].seq] if alone else 0

    def settled(self, rows: Sequence[Row]) -> None:
        """Forget what was remembered of rows that have left."""
        if self._alone:
            for row in rows:
                self._alone.pop(row.seq, None)

    def take(self, *, live: bool, max_bytes: int) -> list[Row]:
        """Take rows of one kind and meta version, as many as fit, at least one."""
        source = self._live if live else self._ready
        first = source[0]
        rows: list[Row] = []
        taken = 0
        while source and (source[0].kind, source[0].mv) == (first.kind, first.mv):
            row = source[0]
            size = taken + len(row.body) + IDENTITY_BYTES * (len(rows) + 1)
            if rows and (size > max_bytes or self._solo(row) or self._solo(rows[-1])):
                break
            taken += len(row.body)
            rows.append(source.popleft())
        if live:
            self.live_bytes -= taken
        return rows

    def read_ahead(self) -> None:
        """Have the next part of the backlog read, unless some is at hand or on its way."""
        if self._online and self._backlog and not self._ready and self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        wanted = self._backlog.first
        rows = await self._store.read(wanted, max_bytes=READ_BYTES)
        self._reading = None
        complete = not rows or sum(len(r.body) for r in rows) < READ_BYTES
        self._backlog.remove(wanted[0], wanted[1] if complete else rows[-1].seq)
        self._ready.extend(rows)
        self._on_ready()

    def _solo(self, row: Row) -> bool:
        return row.seq in self._alone

    def _forget(self, first: int, last: int) -> None:
        """Drop from memory data rows that the store has dropped; in-flight ones may still land."""
        for rows in (self._live, self._ready):
            kept = [r for r in rows if not _inside(r, [(first, last)])]
            if len(kept) != len(rows):
                rows.clear()
                rows.extend(kept)
        self.live_bytes = sum(len(r.body) for r in self._live)


def _inside(row: Row, ranges: Sequence[Range]) -> bool:
    return row.kind is not Kind.EVENT and any(first <= row.seq <= last for first, last in ranges)
