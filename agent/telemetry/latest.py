"""The last value of every tag, kept by reference: one assignment per full frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from drivers.api import Quality

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drivers.api import Frame, Value

_GOOD = int(Quality.GOOD)


MOST_SAMPLES = 12
"""Parts are kept whole up to so many values per tag, 45 bytes each."""
LEAST_ROOM = 1024
"""So many values may be in whole parts in any case."""


class LastValue(NamedTuple):
    """One tag's last value, its quality (OPC code), the reason if not good, and its time."""

    value: Value
    quality: int
    reason: str
    time_ns: int | None


NEVER = LastValue(None, int(Quality.BAD), "BadWaitingForInitialData", None)
"""What a tag holds before anything was read."""


@dataclass(frozen=True, slots=True)
class LastValues:
    """The last values of one group at an instant; made at once, looked at when somebody wants to.

    May be read in any thread.
    """

    size: int
    """How many tags there are."""
    full: Frame | None
    """The last frame of all tags."""
    values: Mapping[int, Value]
    """What came after it, by column; likewise times and marks."""
    times: Mapping[int, int]
    marks: Mapping[int, tuple[int, str]]
    silent: str
    """Why nothing is heard of the columns of `unheard`."""
    unheard: frozenset[int]

    def value(self, column: int) -> LastValue:
        """Give the last value of one tag."""
        last = self._known(column)
        if column in self.unheard:
            return last._replace(quality=int(Quality.BAD), reason=self.silent)
        return last

    def all(self) -> Sequence[LastValue]:
        """Give the last value of every tag, in the plan's order."""
        return [self.value(column) for column in range(self.size)]

    def not_good(self) -> Sequence[int]:
        """Give the columns whose value is not good, in order; costs little where all are."""
        found = {column for column, (quality, _) in self.marks.items() if quality != _GOOD}
        if self.full is None:
            found.update(column for column in range(self.size) if column not in self.values)
        elif self.full.qualities is not None:
            marks = enumerate(self.full.qualities)
            found.update(c for c, mark in marks if mark != _GOOD and c not in self.values)
        return sorted(found | self.unheard)

    def _known(self, column: int) -> LastValue:
        if column in self.values:
            quality, reason = self.marks.get(column, (_GOOD, ""))
            return LastValue(self.values[column], quality, reason, self.times[column])
        frame = self.full
        if frame is None:
            return NEVER
        quality = _GOOD if frame.qualities is None else frame.qualities[column]
        reason = (frame.reasons or {}).get(column, "")
        time_ns = frame.read_ns if frame.times_ns is None else frame.times_ns[column]
        return LastValue(frame.values[column], quality, reason, time_ns)


class LatestGroup:
    """Last values of one group, fed with engineering frames in the order of their reading.

    Parts of a group that come again with the very same columns take the place of those before;
    they are taken apart when somebody looks, or when many have gathered.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._room = LEAST_ROOM + MOST_SAMPLES * size
        self._full: Frame | None = None
        self._parts: dict[int, Frame] = {}  # by identity of the columns, which the frame keeps
        self._held = 0
        self._values: dict[int, Value] = {}
        self._times: dict[int, int] = {}
        self._marks: dict[int, tuple[int, str]] = {}
        self._silent = ""
        self._unheard: frozenset[int] = frozenset()

    def silence(self, reason: str) -> None:
        """Keep the values and their times, but count each as BAD until it is given again."""
        self._silent = reason
        self._unheard = frozenset(range(self._size))

    def update(self, frame: Frame) -> None:
        """Take a frame in; cost does not depend on its size where its columns come again."""
        columns = frame.columns
        if self._unheard:
            self._unheard = frozenset() if columns is None else self._unheard.difference(columns)
        if columns is None:
            self._full = frame
            self._parts.clear()
            self._held = 0
            if self._values:
                self._values.clear()
                self._times.clear()
                self._marks.clear()
            return
        if self._parts.pop(id(columns), None) is None:
            self._held += len(columns)
        self._parts[id(columns)] = frame
        if self._held > self._room:
            self._take_apart()

    def _take_apart(self) -> None:
        for frame in self._parts.values():
            self._note(frame, frame.columns or ())
        self._parts.clear()
        self._held = 0

    def _note(self, frame: Frame, columns: Sequence[int]) -> None:
        self._values.update(zip(columns, frame.values, strict=True))
        times = frame.times_ns or (frame.read_ns,) * len(columns)
        self._times.update(zip(columns, times, strict=True))
        if frame.qualities is not None:
            reasons = frame.reasons or {}
            for at, column in enumerate(columns):
                self._marks[column] = (frame.qualities[at], reasons.get(at, ""))
        elif self._marks:
            for column in columns:
                self._marks[column] = (_GOOD, "")

    def snapshot(self) -> LastValues:
        """Give what holds now; it does not change any more, and costs nothing for full frames."""
        self._take_apart()
        return LastValues(
            self._size,
            self._full,
            self._values.copy(),
            self._times.copy(),
            self._marks.copy(),
            self._silent,
            self._unheard,
        )

    def value(self, column: int) -> LastValue:
        """Give the last value of one tag."""
        return self.snapshot().value(column)

    def times_ns(self) -> dict[int, int]:
        """Give the time of the last value of every tag that has one, by column; UTC ns."""
        self._take_apart()
        frame = self._full
        times = () if frame is None else frame.times_ns or (frame.read_ns,) * self._size
        return {**dict(enumerate(times)), **self._times}

    def all(self) -> Sequence[LastValue]:
        """Give the last value of every tag, in the plan's order."""
        return self.snapshot().all()
