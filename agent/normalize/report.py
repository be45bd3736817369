"""Which values of an engineering frame are stored: all of them, or only what changed.

With `report: change`, a value is stored when it differs from the last *stored* one by more than
its deadband, when its quality changes, and all of them every `full_every_s`. A value stored again
keeps the time at which it was measured: nothing old is ever stamped new.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agent.config.model import Report
from agent.normalize.cut import cut
from drivers.api import Frame, Quality

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.config.model import Group, TagEntry
    from drivers.api import Value

_GOOD = int(Quality.GOOD)
_UNSEEN = -1


class _Known(NamedTuple):
    """What is known of one tag: its last value, and when that was measured."""

    value: Value
    mark: int
    reason: str | None
    time_ns: int


class Reporter:
    """Selects, for one group, what goes on to the store."""

    def __init__(
        self, settings: Group, tags: Sequence[TagEntry], *, monotonic: Callable[[], float]
    ) -> None:
        self._all = settings.report is Report.ALL
        self._full_every_s = settings.full_every_s
        self._deadbands = tuple(t.deadband for t in tags)
        self._exact = not any(self._deadbands)
        self._monotonic = monotonic
        self._stored: list[Value] = [None] * len(tags)
        self._marks = [_UNSEEN] * len(tags)
        self._latest: dict[int, _Known] = {}
        self._scan: Frame | None = None
        self._same: tuple[Value, ...] | None = None
        self._full_due_s = 0.0

    def reset(self) -> None:
        """Forget what was stored, so that the next frame is stored whole (after a silence)."""
        self._marks = [_UNSEEN] * len(self._marks)
        self._latest.clear()
        self._scan = self._same = None
        self._full_due_s = 0.0

    def select(self, frame: Frame) -> Frame | None:
        """Give the part of the frame that is to be stored; None when nothing is."""
        if self._all:
            return frame
        now_s = self._monotonic()
        full = now_s >= self._full_due_s
        if full:
            self._full_due_s = now_s + self._full_every_s
        if frame.columns is not None:
            self._same = None
            return self._select_partial(frame, full=full)
        self._scan = frame
        if self._latest:
            self._latest.clear()
        if frame.values is self._same and frame.qualities is None and not full:
            return None
        self._same = frame.values if frame.qualities is None else None
        if full:
            self._remember(frame, range(len(frame.values)))
            return frame
        news = self._changed(frame, range(len(frame.values)))
        return cut(frame, news) if news else None

    def _select_partial(self, frame: Frame, *, full: bool) -> Frame | None:
        columns = frame.columns or ()
        present = [_known(frame, at) for at in range(len(columns))]
        self._latest.update(zip(columns, present, strict=True))
        if full:
            return self._whole(frame, columns, present)
        news = self._changed(frame, columns)
        return cut(frame, news) if news else None

    def _whole(self, frame: Frame, present: Sequence[int], parts: list[_Known]) -> Frame:
        """Everything known of the other tags, then the frame; each value with its own time."""
        others = {} if self._scan is None else _scanned(self._scan)
        others |= self._latest
        for column in present:
            others.pop(column, None)
        columns = (*sorted(others), *present)
        parts = [*(others[c] for c in sorted(others)), *parts]
        marks = bytes(p.mark for p in parts)
        whole = Frame(
            frame.device,
            frame.group,
            frame.read_ns,
            tuple(p.value for p in parts),
            columns,
            None if marks.count(_GOOD) == len(marks) else marks,
            {at: p.reason for at, p in enumerate(parts) if p.reason is not None} or None,
            tuple(p.time_ns for p in parts),
            frame.clock,
            frame.overflow,
        )
        self._remember(whole, columns)
        return whole

    def _changed(self, frame: Frame, columns: Sequence[int]) -> list[int]:
        """Positions in the frame whose value or quality is news; they count as stored now."""
        marks = frame.qualities
        stored, known = self._stored, self._marks
        news: list[int] = []
        for at, column in enumerate(columns):
            value = frame.values[at]
            mark = _GOOD if marks is None else marks[at]
            if mark != known[column] or self._differs(column, value, stored[column]):
                news.append(at)
                stored[column] = value
                known[column] = mark
        return news

    def _differs(self, column: int, value: Value, before: Value) -> bool:
        if value == before and type(value) is type(before):
            return False
        deadband = 0.0 if self._exact else self._deadbands[column]
        if deadband and isinstance(value, (int, float)) and isinstance(before, (int, float)):
            return abs(value - before) > deadband
        return True

    def _remember(self, frame: Frame, columns: Sequence[int]) -> None:
        marks = frame.qualities
        for at, column in enumerate(columns):
            self._stored[column] = frame.values[at]
            self._marks[column] = _GOOD if marks is None else marks[at]


def _known(frame: Frame, at: int) -> _Known:
    return _Known(
        frame.values[at],
        _GOOD if frame.qualities is None else frame.qualities[at],
        None if frame.reasons is None else frame.reasons.get(at),
        frame.read_ns if frame.times_ns is None else frame.times_ns[at],
    )


def _scanned(frame: Frame) -> dict[int, _Known]:
    return {at: _known(frame, at) for at in range(len(frame.values))}
