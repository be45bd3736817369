"""The last value of every tag, kept by reference: one assignment per full frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from drivers.api import Quality

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.api import Frame, Value

_GOOD = int(Quality.GOOD)


class LastValue(NamedTuple):
    """One tag's last value, its quality (OPC code), the reason if not good, and its time."""

    value: Value
    quality: int
    reason: str
    time_ns: int | None


NEVER = LastValue(None, int(Quality.BAD), "BadWaitingForInitialData", None)
"""What a tag holds before anything was read."""


class LatestGroup:
    """Last values of one group, fed with engineering frames in the order of their reading."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._full: Frame | None = None
        self._values: dict[int, Value] = {}
        self._times: dict[int, int] = {}
        self._marks: dict[int, tuple[int, str]] = {}
        self._silent = ""

    def silence(self, reason: str) -> None:
        """Keep the values and their times, but count every one as BAD until the next frame."""
        self._silent = reason

    def update(self, frame: Frame) -> None:
        """Take a frame in; cost does not depend on its size when it is a full one."""
        self._silent = ""
        if frame.columns is None:
            self._full = frame
            if self._values:
                self._values.clear()
                self._times.clear()
                self._marks.clear()
            return
        columns = frame.columns
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

    def value(self, column: int) -> LastValue:
        """Give the last value of one tag."""
        last = self._known(column)
        if self._silent:
            return last._replace(quality=int(Quality.BAD), reason=self._silent)
        return last

    def _known(self, column: int) -> LastValue:
        if column in self._values:
            quality, reason = self._marks.get(column, (_GOOD, ""))
            return LastValue(self._values[column], quality, reason, self._times[column])
        frame = self._full
        if frame is None:
            return NEVER
        quality = _GOOD if frame.qualities is None else frame.qualities[column]
        reason = (frame.reasons or {}).get(column, "")
        time_ns = frame.read_ns if frame.times_ns is None else frame.times_ns[column]
        return LastValue(frame.values[column], quality, reason, time_ns)

    def all(self) -> Sequence[LastValue]:
        """Give the last value of every tag, in the plan's order."""
        return [self.value(column) for column in range(self._size)]
