"""Cutting a frame down to some of its positions; columns, qualities and times go along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.api import Frame, Quality

if TYPE_CHECKING:
    from collections.abc import Sequence

_GOOD = int(Quality.GOOD)


def cut(frame: Frame, positions: Sequence[int]) -> Frame:
    """Give a frame with only the values at these positions, in this order."""
    if isinstance(positions, range) and positions.step == 1:
        return _slice(frame, positions.start, positions.stop)
    marks = None if frame.qualities is None else bytes(frame.qualities[at] for at in positions)
    reasons = frame.reasons or {}
    return Frame(
        frame.device,
        frame.group,
        frame.read_ns,
        tuple(frame.values[at] for at in positions),
        tuple(positions) if frame.columns is None else tuple(frame.columns[at] for at in positions),
        None if marks is None or marks.count(_GOOD) == len(marks) else marks,
        {to: reasons[at] for to, at in enumerate(positions) if at in reasons} or None,
        None if frame.times_ns is None else tuple(frame.times_ns[at] for at in positions),
        frame.clock,
    )


def _slice(frame: Frame, start: int, stop: int) -> Frame:
    marks = None if frame.qualities is None else frame.qualities[start:stop]
    columns = frame.columns
    return Frame(
        frame.device,
        frame.group,
        frame.read_ns,
        frame.values[start:stop],
        tuple(range(start, stop)) if columns is None else columns[start:stop],
        None if marks is None or marks.count(_GOOD) == len(marks) else marks,
        {at - start: why for at, why in (frame.reasons or {}).items() if start <= at < stop}
        or None,
        None if frame.times_ns is None else frame.times_ns[start:stop],
        frame.clock,
    )
