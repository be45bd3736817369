"""Raw frame -> engineering frame: scaled, mapped, checked against limits, quality with reason.

One normalizer per group of a device. It never changes a frame it was given, never invents a
value, and hands the same value tuple on when the driver handed the same one in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.normalize.convert import NOT_A_NUMBER, Limits, compile_columns, conversion_of
from drivers.api import Frame, Quality

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.config.model import TagEntry
    from drivers.api import Value

_NONE: tuple[Value, ...] = ()


class Normalizer:
    """Applies a group's conversions and limits to its frames."""

    def __init__(self, tags: Sequence[TagEntry]) -> None:
        self._conversions = tuple(conversion_of(t) for t in tags)
        self._convert_all = compile_columns(self._conversions)
        self._active = {i: c for i, c in enumerate(self._conversions) if not c.identity}
        self._limits = Limits(tags)
        self._raw: tuple[Value, ...] = _NONE
        self._done: tuple[Value, ...] = _NONE

    def apply(self, frame: Frame) -> Frame:
        """Give the frame in engineering units; columns, order and times stay as they are."""
        if frame.columns is None and frame.qualities is None:
            return self._apply_good(frame)
        return self._apply_any(frame)

    def _apply_good(self, frame: Frame) -> Frame:
        raw = frame.values
        if raw is self._raw:
            return _with(frame, self._done)
        try:
            values = raw if self._convert_all is None else self._convert_all(raw)
        except TypeError:  # text in a column of numbers: it passes unchanged
            return self._apply_any(frame)
        if not self._limits.harmless and self._limits.suspicious(values):
            return self._checked(frame, list(values))
        self._raw, self._done = raw, values
        return frame if values is raw else _with(frame, values)

    def _apply_any(self, frame: Frame) -> Frame:
        values = list(frame.values)
        if self._active:
            columns = range(len(values)) if frame.columns is None else frame.columns
            for at, column in enumerate(columns):
                conversion = self._active.get(column)
                if conversion is not None:
                    values[at] = conversion(values[at])
        if self._limits.harmless or (frame.qualities is None and self._limits.passes(values)):
            return _with(frame, tuple(values)) if self._active else frame
        return self._checked(frame, values)

    def _checked(self, frame: Frame, values: list[Value]) -> Frame:
        """Mark what must not count as good; a value without a finite number becomes None, BAD."""
        columns = range(len(values)) if frame.columns is None else frame.columns
        found: dict[int, str] = {}
        reason_of = self._limits.reason
        for at, (column, value) in enumerate(zip(columns, values, strict=True)):
            reason = reason_of(column, value)
            if reason is not None:
                found[at] = reason
        if not found:
            return _with(frame, tuple(values))
        marks = bytearray(frame.qualities or bytes([Quality.GOOD]) * len(values))
        reasons: dict[int, str] = dict(frame.reasons or {})
        for at, reason in found.items():
            if reason == NOT_A_NUMBER:
                values[at] = None
                marks[at] = Quality.BAD
            else:
                marks[at] = min(marks[at], Quality.UNCERTAIN)
            reasons.setdefault(at, reason)
        return _with(frame, tuple(values), qualities=bytes(marks), reasons=reasons)


def _with(
    frame: Frame,
    values: tuple[Value, ...],
    *,
    qualities: bytes | None = None,
    reasons: Mapping[int, str] | None = None,
) -> Frame:
    return Frame(
        frame.device,
        frame.group,
        frame.read_ns,
        values,
        frame.columns,
        qualities or frame.qualities,
        reasons or frame.reasons,
        frame.times_ns,
        frame.clock,
        frame.overflow,
        frame.gap,
        frame.backfill,
    )
