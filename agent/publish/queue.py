"""What is to be sent, in which order: live rows in memory, the backlog read back from the store.

A row that is to be sent is in exactly one place: `live` (committed while connected), `ready` (read
back), inside a backlog range, parked (its kind is refused now), held (its time is not settled yet),
or with the publisher, in flight.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

from agent.clock.clock import FREE, HOLD
from agent.publish.backlog import Backlog, ranges_of
from agent.publish.lanes import Lanes
from agent.publish.payload import BACKFILL_MARK, HEAD_BYTES, IDENTITY_BYTES
from agent.publish.replay import Replay
from agent.publish.stamping import AsStamped
from agent.store.outbox import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.publish.stamping import Datings
    from agent.store.outbox import Committed, Range, Rejection, Row

LIVE_BYTES = 8_000_000
"""Most bytes of live rows in memory; beyond it the oldest are left to the backlog."""
READ_BYTES = 512_000
"""How much of the backlog is read at a time."""


class Reads(Protocol):
    """What the queue needs of the store; `agent.store.writer.Writer` is one."""

    async def read(self, wanted: Range, *, max_bytes: int) -> list[Row]:
        """Read waiting rows of a range, in order, at least one if there is one."""

    async def replay(self, wanted: Range, *, max_bytes: int) -> list[Row]:
        """Read whatever is still there of a range, in order, at least one if there is one."""


class Stores(Reads, Protocol):
    """What the publisher needs of the store; `agent.store.writer.Writer` is one."""

    def put_acked(self, ranges: Sequence[Range]) -> None:
        """Report rows accepted by the destination."""

    def put_rejected(self, rejections: Sequence[Rejection]) -> None:
        """Report rows refused for good."""

    def hasten(self) -> None:
        """Have the frames that wait committed now: what is new must not wait for its turn."""


class SendQueue:
    """Rows on their way to one destination, before they are in flight."""

    def __init__(
        self,
        store: Reads,
        *,
        waiting: Range | None,
        on_ready: Callable[[], None],
        dates: Datings | None = None,
        on_replayed: Callable[[Range, int], None] | None = None,
    ) -> None:
        """`on_replayed(range, rows found)` is called for every range that was asked for again."""
        self._store = store
        self._dates = dates or AsStamped()
        self._held = Backlog()
        self._on_ready = on_ready
        self._online = False
        self._live = Lanes()
        self._ready: deque[Row] = deque()
        self._backlog = Backlog()
        if waiting is not None:
            self._backlog.add(*waiting)
        self._parked: dict[str, Backlog] = {}
        self._replay = Replay(store, on_replayed)
        self._reading: asyncio.Task[None] | None = None
        self._alone: dict[int, int] = {}
        self.live_since_s = 0.0
        """Monotonic time since which live rows wait."""
        self._trusted = True
        self._thrift = 1

    @property
    def has_live(self) -> bool:
        """Whether a live row waits."""
        return bool(self._live)

    @property
    def live_bytes(self) -> int:
        """Size of the live rows."""
        return self._live.size_bytes

    @property
    def has_ready(self) -> bool:
        """Whether a row of the backlog is at hand."""
        return bool(self._ready)

    @property
    def has_held(self) -> bool:
        """Whether rows are known that wait for their time to be settled."""
        return bool(self._held)

    def level(self, *, live: bool) -> str | None:
        """Tell as what the first live row, or the first of the backlog, would go out."""
        rows = self._live.next if live else self._ready
        if not rows:
            return None
        return "event" if rows[0].kind is Kind.EVENT else ("data" if live else "hist")

    def park(self, *, live: bool) -> None:
        """Set the first rows of one level aside until `unpark`; the others go on."""
        level = self.level(live=live)
        aside: list[Row] = []
        while level is not None and self.level(live=live) == level:
            aside.append((self._live.next if live else self._ready).popleft())
        if live:
            self._live.left(sum(len(r.body) for r in aside))
        parked = self._parked.setdefault(level or "", Backlog())
        for first, last in ranges_of(aside):
            parked.add(first, last)

    def unpark(self, level: str | None = None) -> None:
        """Have rows of a level, or all that were set aside, read and sent again."""
        for name in [level] if level is not None else list(self._parked):
            for first, last in self._parked.pop(name, Backlog()).ranges:
                self._backlog.add(first, last)

    def again(self, ranges: Sequence[Range]) -> None:
        """Have rows that were sent and are not settled sent again."""
        for first, last in ranges:
            self._backlog.add(first, last)

    def ask(self, ranges: Sequence[Range]) -> bool:
        """Have whatever is still there of some ranges sent again; False while others are."""
        return self._replay.ask(ranges)

    def release(self) -> None:
        """Look anew at the rows that were held."""
        held, self._held = self._held, Backlog()
        for first, last in held.ranges:
            self._backlog.add(first, last)

    def save_memory(self, thrift: int) -> None:
        """Keep so much less than usual in memory from now on; 1 is as usual."""
        self._thrift = thrift
        self._shorten()

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
        self.unpark()
        self._replay.forget()
        self._live.clear()
        self._ready.clear()

    def committed(self, done: Committed) -> None:
        """Take note of a commit: new rows to send, rows that will never be."""
        for first, last in done.gone:
            self._forget(first, last)
        for first, last in done.announced:
            self._backlog.add(first, last)
        rows: Sequence[Row] = done.rows
        if done.gone:
            rows = [r for r in rows if not _inside(r, done.gone)]
        rows = self._not_held(rows)
        if not self._online:
            self.give_back(rows)
            return
        late = [r for r in rows if BACKFILL_MARK in r.body[:HEAD_BYTES]]
        if late:  # of a device's own history: behind what is live, as a backlog is
            self.give_back(late)
            rows = [r for r in rows if BACKFILL_MARK not in r.body[:HEAD_BYTES]]
        if rows and not self._live:
            self.live_since_s = time.monotonic()
        self._live.add(rows)
        self._shorten()

    def _shorten(self) -> None:
        """Leave live rows to the backlog where there are too many: old and least urgent ones."""
        while self.live_bytes > LIVE_BYTES // self._thrift:
            row = self._live.give_up()
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
        """Take rows of one level, trust and meta version, as many as fit, at least one.

        They come as they are sent; `trust` tells of the rows last taken.
        """
        source = self._live.next if live else self._ready
        first, alike = source[0], _alike(source[0])
        self._trusted = self._dates.trusted(first)
        rows: list[Row] = []
        taken = 0
        while (
            source
            and _alike(source[0]) == alike
            and self._dates.trusted(source[0]) == self._trusted
        ):
            row = source[0]
            size = taken + len(row.body) + IDENTITY_BYTES * (len(rows) + 1)
            if rows and (size > max_bytes or self._solo(row) or self._solo(rows[-1])):
                break
            taken += len(row.body)
            rows.append(self._dates.dated(source.popleft()))
        if live:
            self._live.left(taken)
        return rows

    def trust(self, now: str) -> str:
        """Tell the trust in the times of the rows last taken, given the clock's state now.

        They may be of an earlier life, whose clock was better, or worse, than it is now.
        """
        if not self._trusted:
            return FREE
        return HOLD if now == FREE else now

    def read_ahead(self) -> None:
        """Have the next part of the backlog read, unless some is at hand or on its way."""
        if self._online and not self._ready and self._reading is None:
            if self._backlog:
                self._reading = asyncio.get_running_loop().create_task(self._read())
            elif self._replay:
                self._reading = asyncio.get_running_loop().create_task(self._read_replay())

    async def _read(self) -> None:
        wanted = self._backlog.first
        most_bytes = READ_BYTES // self._thrift
        rows = await self._store.read(wanted, max_bytes=most_bytes)
        self._reading = None
        complete = not rows or sum(len(r.body) for r in rows) < most_bytes
        self._backlog.remove(wanted[0], wanted[1] if complete else rows[-1].seq)
        self._ready.extend(self._not_held(rows))
        self._on_ready()

    async def _read_replay(self) -> None:
        rows = await self._replay.read(max_bytes=READ_BYTES)
        self._reading = None
        self._ready.extend(row for row in rows if not self._dates.held(row))
        self._on_ready()

    def _not_held(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Give the rows that may be sent; the others are left in the store until they may."""
        held = [row for row in rows if self._dates.held(row)]
        if not held:
            return rows
        for first, last in ranges_of(held):
            self._held.add(first, last)
        return [row for row in rows if not self._dates.held(row)]

    def _solo(self, row: Row) -> bool:
        return row.seq in self._alone

    def _forget(self, first: int, last: int) -> None:
        """Drop from memory rows that the store has dropped; those in flight may still land."""
        self._live.keep(lambda row: not first <= row.seq <= last)
        self._ready = deque(row for row in self._ready if not first <= row.seq <= last)


def _alike(row: Row) -> tuple[bool, int, object]:
    """Give what rows of one message have in common."""
    return row.kind is Kind.EVENT, row.mv, row.life


def _inside(row: Row, ranges: Sequence[Range]) -> bool:
    return any(first <= row.seq <= last for first, last in ranges)
