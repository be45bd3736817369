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
        return _slice(frame, positions, _columns(frame, positions))
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
        backfill=frame.backfill,
    )


def cut_run(run: Sequence[Frame], positions: range, *, columns: tuple[int, ...]) -> list[Frame]:
    """Cut frames that all have the same columns to consecutive positions, which hold `columns`."""
    return [_slice(frame, positions, columns) for frame in run]


def _columns(frame: Frame, positions: range) -> tuple[int, ...]:
    start, stop = positions.start, positions.stop
    return tuple(positions) if frame.columns is None else frame.columns[start:stop]


def _slice(frame: Frame, positions: range, columns: tuple[int, ...]) -> Frame:
    start, stop = positions.start, positions.stop
    marks = None if frame.qualities is None else frame.qualities[start:stop]
    reasons = frame.reasons
    return Frame(
        frame.device,
        frame.group,
        frame.read_ns,
        frame.values[start:stop],
        columns,
        None if marks is None or marks.count(_GOOD) == len(marks) else marks,
        {at - start: why for at, why in reasons.items() if start <= at < stop} or None
        if reasons
        else None,
        None if frame.times_ns is None else frame.times_ns[start:stop],
        frame.clock,
        backfill=frame.backfill,
    )
