"""Swinging-door compression of trends: straight stretches of a point become their two ends.

Off unless a point asks for it. Bound: a straight line between neighbouring stored values is within
`deviation` of every value read in between, at its own time in milliseconds. Stored in any case: the
first value, the last before a silence, the two ends of every change of quality, and one at least
every `max_s`. A value is stored later than it was read, and always with its own time. What falls
on a line is counted as coalesced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from drivers.api import Frame, Quality

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.config.derived import Compress
    from drivers.api import Value

_GOOD = int(Quality.GOOD)
_NS_PER_MS = 1_000_000


class Sample(NamedTuple):
    """One value of one point, as it was read."""

    column: int
    value: Value
    mark: int
    reason: str | None
    time_ns: int


class Door:
    """The door of one point: which of its values are to be stored."""

    def __init__(self, settings: Compress) -> None:
        self._deviation = settings.deviation
        self._max_ms = round(settings.max_s * 1000)
        self._anchor: Sample | None = None
        """What was stored last; None where the next value opens a line."""
        self._held: Sample | None = None
        """What was read last and is not stored."""
        self._low = self._high = 0.0
        self.coalesced = 0
        """Values that were not stored."""

    def take(self, sample: Sample) -> list[Sample]:
        """Take the next value; give what is to be stored now, by time."""
        if sample.mark != _GOOD or not isinstance(sample.value, (int, float)):
            return [*self.flush(), sample]
        anchor, held = self._anchor, self._held
        if anchor is None or _ms(sample) <= _ms(held or anchor):
            found = [*self.flush(), sample]
            self._open(sample)
            return found
        slope = self._slope(anchor, sample, 0.0)
        within = held is None or self._low <= slope <= self._high
        if within and _ms(sample) - _ms(anchor) <= self._max_ms:
            self.coalesced += held is not None
            self._hold(anchor, sample, first=held is None)
            return []
        start = anchor if held is None else held
        self._open(start)
        if _ms(sample) - _ms(start) > self._max_ms:
            self._open(sample)
            return [sample] if held is None else [held, sample]
        self._hold(start, sample, first=True)
        return [] if held is None else [held]

    def flush(self) -> list[Sample]:
        """Give what was read last, if it is not stored; the next value opens a line."""
        found = [] if self._held is None else [self._held]
        self._anchor = self._held = None
        return found

    def _open(self, sample: Sample) -> None:
        self._anchor, self._held = sample, None

    def _hold(self, anchor: Sample, sample: Sample, *, first: bool) -> None:
        """Narrow the door to the lines that pass this value within the deviation."""
        low = self._slope(anchor, sample, -self._deviation)
        high = self._slope(anchor, sample, self._deviation)
        self._low = low if first else max(self._low, low)
        self._high = high if first else min(self._high, high)
        self._held = sample

    @staticmethod
    def _slope(anchor: Sample, sample: Sample, shift: float) -> float:
        rise = float(sample.value or 0) + shift - float(anchor.value or 0)
        return rise / (_ms(sample) - _ms(anchor))


class Compressor:
    """Compresses some columns of a group's full and partial frames; the others pass."""

    def __init__(self, settings: Mapping[int, Compress]) -> None:
        """Take what to compress, by column."""
        self._doors = {column: Door(one) for column, one in settings.items()}

    @property
    def coalesced(self) -> int:
        """Values that were read and not stored since they lie on a line."""
        return sum(door.coalesced for door in self._doors.values())

    def select(self, frame: Frame) -> Frame | None:
        """Give what is to be stored of a frame; None where nothing is."""
        found = [] if frame.gap is None else self.flush()  # no line goes over a gap
        for sample in samples_of(frame):
            door = self._doors.get(sample.column)
            found += [sample] if door is None else door.take(sample)
        return assembled(frame, found) if found else None

    def flush(self) -> list[Sample]:
        """Give the last value of every door that is not stored, before a silence."""
        return [sample for door in self._doors.values() for sample in door.flush()]


def samples_of(frame: Frame) -> list[Sample]:
    """Take a frame apart."""
    count = len(frame.values)
    columns: Sequence[int] = range(count) if frame.columns is None else frame.columns
    marks = frame.qualities or bytes([_GOOD]) * count
    times_ns = frame.times_ns or (frame.read_ns,) * count
    reasons = frame.reasons or {}
    return [
        Sample(column, value, mark, reasons.get(at), time_ns)
        for at, (column, value, mark, time_ns) in enumerate(
            zip(columns, frame.values, marks, times_ns, strict=True)
        )
    ]


def assembled(frame: Frame, samples: Sequence[Sample]) -> Frame:
    """Put samples together to a frame like another, each with its own time."""
    marks = bytes(one.mark for one in samples)
    same = frame.times_ns is None and all(one.time_ns == frame.read_ns for one in samples)
    return Frame(
        frame.device,
        frame.group,
        frame.read_ns,
        tuple(one.value for one in samples),
        tuple(one.column for one in samples),
        None if marks.count(_GOOD) == len(marks) else marks,
        {at: one.reason for at, one in enumerate(samples) if one.reason} or None,
        None if same else tuple(one.time_ns for one in samples),
        frame.clock,
        frame.overflow,
        frame.gap,
    )


def _ms(sample: Sample) -> int:
    return sample.time_ns // _NS_PER_MS
