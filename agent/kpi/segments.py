"""Cuts time into the shifts it belongs to: planned time, breaks, and what is outside. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from agent.kpi.calendar import ShopCalendar

_NS_PER_MS = 1_000_000


class Bucket(NamedTuple):
    """What time is counted for."""

    day: date
    """Shop day; that of the shift where there is one."""
    shift: str
    """Name of the shift; empty outside of shifts."""
    planned: bool
    """Whether work is planned: within a shift and no break."""


class Segment(NamedTuple):
    """A span that is counted for one bucket."""

    bucket: Bucket
    from_ms: int
    to_ms: int


class Segments:
    """Tells the bucket of every instant; keeps the segments of the shop day asked for last."""

    def __init__(self, calendar: ShopCalendar) -> None:
        self._calendar = calendar
        self._last: tuple[Segment, ...] = ()

    def of_day(self, day: date) -> tuple[Segment, ...]:
        """Give the segments that cover a shop day, by time, without a gap."""
        bounds = self._calendar.span(day)
        start_ms, end_ms = bounds.from_ns // _NS_PER_MS, bounds.until_ns // _NS_PER_MS
        before = self._calendar.day_of(bounds.from_ns - 1)
        found: list[Segment] = []
        at_ms = start_ms
        for one in (*self._planned(before), *self._planned(day)):
            from_ms, to_ms = max(one.from_ms, at_ms), min(one.to_ms, end_ms)
            if from_ms >= to_ms:
                continue
            if from_ms > at_ms:
                found.append(Segment(Bucket(day, "", planned=False), at_ms, from_ms))
            found.append(Segment(one.bucket, from_ms, to_ms))
            at_ms = to_ms
        if at_ms < end_ms:
            found.append(Segment(Bucket(day, "", planned=False), at_ms, end_ms))
        return tuple(found)

    def split(self, from_ms: int, to_ms: int) -> Iterator[tuple[Bucket, int]]:
        """Give the buckets of a span and how many ms of it belong to each."""
        while from_ms < to_ms:
            one = self.at(from_ms)
            end_ms = min(one.to_ms, to_ms)
            yield one.bucket, end_ms - from_ms
            from_ms = end_ms

    def at(self, time_ms: int) -> Segment:
        """Give the segment of an instant."""
        if not (self._last and self._last[0].from_ms <= time_ms < self._last[-1].to_ms):
            self._last = self.of_day(self._calendar.day_of(time_ms * _NS_PER_MS))
        return next(one for one in self._last if time_ms < one.to_ms)

    def _planned(self, day: date) -> Iterator[Segment]:
        """Give the shifts of a shop day, cut at their breaks."""
        for shift in self._calendar.planned(day):
            at_ms, end_ms = shift.start_ns // _NS_PER_MS, shift.end_ns // _NS_PER_MS
            for start_ns, stop_ns in self._calendar.breaks(day, shift.name):
                from_ms, to_ms = start_ns // _NS_PER_MS, stop_ns // _NS_PER_MS
                yield Segment(Bucket(day, shift.name, planned=True), at_ms, from_ms)
                yield Segment(Bucket(day, shift.name, planned=False), from_ms, to_ms)
                at_ms = to_ms
            yield Segment(Bucket(day, shift.name, planned=True), at_ms, end_ms)
