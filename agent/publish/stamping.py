"""Marks rows that were stamped while nobody vouched for the clock, and dates them when they go.

Rows of a trusted clock pass untouched, at the cost of one look at two clocks per group and commit.
Values that bear the device's own time are not ours to date and bear no stamp.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

from agent.clock.clock import era_of, plausible
from agent.clock.stamp import MARK, unstamp
from agent.normalize.cut import cut
from agent.publish.redate import on_one_clock, redated
from agent.store.outbox import Kind, Telling

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.clock.clock import Clock, Era
    from agent.clock.seals import Dating, Seals
    from agent.clock.stamp import Stamp
    from agent.losses.spans import LossSpan
    from agent.store.intake import Encodes
    from agent.store.outbox import LessonRow, NewRow, Row
    from drivers.api import Frame

_NS_PER_MS = 1_000_000


class Sink(Protocol):
    """What the store takes; `agent.store.writer.Writer` is one."""

    async def put_frame(self, codec: Encodes, frame: Frame) -> None:
        """Hand in a frame."""

    def put_event(self, t_ms: int, body: bytes) -> None:
        """Hand in an event row."""

    def put_lessons(self, lessons: Sequence[LessonRow]) -> None:
        """Hand in what was learned."""

    def put_told(self, told: Telling) -> None:
        """Hand in losses and the events that tell of them."""


class Datings(Protocol):
    """What the send queue needs to know of a row; `RowDates` and `AsStamped` are such."""

    def held(self, row: Row) -> bool:
        """Tell whether the row must not be sent yet."""

    def trusted(self, row: Row) -> bool:
        """Tell whether somebody vouches for the times of a row that is not held."""

    def dated(self, row: Row) -> Row:
        """Give a row that is not held as it is sent."""


class AsStamped:
    """Every row goes as it is: of a store whose rows bear no stamps."""

    def held(self, row: Row) -> bool:  # noqa: ARG002 - the protocol's
        """Tell that no row is held."""
        return False

    def trusted(self, row: Row) -> bool:  # noqa: ARG002 - the protocol's
        """Tell that every row is trusted."""
        return True

    def dated(self, row: Row) -> Row:
        """Give the row."""
        return row


class RowDates:
    """Looks at the stamp of a row and at what was settled about it."""

    def __init__(self, seals: Seals) -> None:
        self._seals = seals
        self._last = b""
        self._parts: tuple[Stamp | None, bytes] = (None, b"")

    def held(self, row: Row) -> bool:
        """Tell whether the clock that stamped the row is not settled yet."""
        return row.body.startswith(MARK) and self._dating(row) is None

    def trusted(self, row: Row) -> bool:
        """Tell whether the row was stamped by a trusted clock, or dated by one."""
        if not row.body.startswith(MARK):  # the store's own events bear no stamp
            return row.kind is not Kind.EVENT or plausible(row.t_ms * _NS_PER_MS)
        dating = self._dating(row)
        return dating is not None and dating.trusted

    def dated(self, row: Row) -> Row:
        """Give the row without its stamp, dated as was settled."""
        stamp, body = self._unstamped(row)
        if stamp is None:
            return row
        dating = self._seals.dating(stamp)
        assert dating is not None, row.seq  # noqa: S101 - held rows do not come here
        shift_ms = dating.shift_ms
        body = redated(row.kind, body, shift_ms=shift_ms)
        return row._replace(t_ms=max(0, row.t_ms + shift_ms), body=body)

    def _dating(self, row: Row) -> Dating | None:
        stamp, _ = self._unstamped(row)
        assert stamp is not None, row.seq  # noqa: S101 - asked of stamped rows only
        return self._seals.dating(stamp)

    def _unstamped(self, row: Row) -> tuple[Stamp | None, bytes]:
        """Take the stamp off; a row is asked about several times before the next."""
        if row.body is not self._last:
            self._last, self._parts = row.body, unstamp(row.body)
        return self._parts


class StampingCodec:
    """Encodes as another codec does, and stamps what a free clock has dated."""

    def __init__(self, codec: Encodes, clock: Clock) -> None:
        self._codec = codec
        self._clock = clock

    def encode(self, frames: Sequence[Frame]) -> list[NewRow]:
        """Encode frames of one group, oldest first; rows of a free clock bear its stamp."""
        if self._clock.steady:
            return self._codec.encode(frames)
        rows: list[NewRow] = []
        for era, part in self._stretches(frames):
            found = self._codec.encode(part)
            if era is not None and era.free:
                prefix = self._clock.stamp(era, part[0].read_ns).prefix
                found = [row._replace(body=prefix + row.body) for row in found]
            rows += found
        return rows

    def _stretches(self, frames: Sequence[Frame]) -> Iterator[tuple[Era | None, list[Frame]]]:
        """Part frames by the era of the clock that stamped them; None: the device's own."""
        eras, up_ns = self._clock.eras(), self._clock.up_ns
        if len(eras) == 1 and all(frame.times_ns is None for frame in frames):
            yield eras[0], list(frames)
            return
        parts = [
            (None if part.times_ns is not None else era_of(eras, part.read_ns, up_ns), part)
            for frame in frames
            for part in _by_clock(frame)
        ]
        for era, run in groupby(parts, key=lambda item: item[0]):
            yield era, [part for _, part in run]


class StampingSink:
    """Hands things in as the store takes them; events of a free clock bear its stamp."""

    def __init__(self, store: Sink, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self.put_frame = store.put_frame
        self.put_lessons = store.put_lessons

    def put_event(self, t_ms: int, body: bytes) -> None:
        """Hand in an event row."""
        self._store.put_event(t_ms, self._dated(t_ms, body))

    def put_losses(self, losses: Sequence[LossSpan]) -> None:
        """Hand in what is missing; spans of a free clock are marked as not dated."""
        self.put_told(Telling(losses=tuple(losses)))

    def put_told(self, told: Telling) -> None:
        """Hand in losses and the events that tell of them; what a free clock has kept has no time.

        What is dated already passes untouched.
        """
        if not told.dated:
            rows = [row._replace(body=self._dated(row.t_ms, row.body)) for row in told.rows]
            told = told._replace(rows=tuple(rows))
            if self._clock.free:
                losses = [replace(loss, dated=False) for loss in told.losses]
                told = told._replace(losses=tuple(losses))
            if not self._steady_since(told.since_ms):
                lessons = [(*lesson[:3], 0) for lesson in told.lessons]
                told = told._replace(lessons=tuple(lessons))
        self._store.put_told(told)

    def _steady_since(self, at_ms: int | None) -> bool:
        """Tell whether the clock is vouched for, and was not moved since a time it gave."""
        if self._clock.free or at_ms is None:
            return not self._clock.free
        eras, up_ns = self._clock.eras(), self._clock.up_ns
        return not _late_ms(eras[-1], eras, at_ms, up_ns=up_ns)

    def _dated(self, t_ms: int, body: bytes) -> bytes:
        eras, up_ns = self._clock.eras(), self._clock.up_ns
        era = era_of(eras, t_ms * _NS_PER_MS, up_ns)
        if len(eras) > 1:
            body = on_one_clock(body, lambda at_ms: _late_ms(era, eras, at_ms, up_ns=up_ns))
        return self._clock.stamp(era, t_ms * _NS_PER_MS).prefix + body if era.free else body


def _late_ms(era: Era, eras: tuple[Era, ...], at_ms: int, *, up_ns: int) -> int:
    """Tell how far the clock that made a time was behind that of an era."""
    made = era_of(eras, at_ms * _NS_PER_MS, up_ns)
    return round((era.offset_ns - made.offset_ns) / _NS_PER_MS)


def _by_clock(frame: Frame) -> list[Frame]:
    """Part a frame's values that bear the time of receipt, for want of a better, from the rest."""
    times = frame.times_ns
    if times is None or frame.backfill or frame.read_ns not in times:
        return [frame]
    ours = [at for at, time_ns in enumerate(times) if time_ns == frame.read_ns]
    others = [at for at, time_ns in enumerate(times) if time_ns != frame.read_ns]
    own = cut(frame, ours)
    own.times_ns = None
    return [own, cut(frame, others)] if others else [own]
