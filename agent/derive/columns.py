"""Columns computed beside the columns read, frame by frame, for one group of one device.

A computed value has the time of the newest of its inputs and the quality of the worst; BAD where
one of them is BAD, or where it cannot be computed, with the reason. It is never made of values
that were not known together: of a part of a group it uses the last values read since the group
was last silent; of values of the past only such as bear the same time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from agent.derive.expression import EvaluationError
from drivers.api import Frame, Quality

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from drivers.api import Value

_GOOD = int(Quality.GOOD)
_BAD = int(Quality.BAD)


class Computed(NamedTuple):
    """What a computation gives: a value, how good it is, and why not good."""

    value: Value
    mark: int = _GOOD
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Derivation:
    """One computed column."""

    name: str
    inputs: tuple[tuple[str, int], ...]
    """Name in the computation, and column, of each input; computed columns come after all read."""
    compute: Callable[[Mapping[str, Value]], Computed] = field(compare=False)
    """Raises `EvaluationError` where there is no value."""
    text: str = ""
    """What it computes, for people; tells derivations apart."""


class _Sample(NamedTuple):
    value: Value
    mark: int
    reason: str
    time_ns: int


class Deriver:
    """Extends the frames of one group; feed it every frame, in the order of reading."""

    def __init__(self, size: int, derivations: Sequence[Derivation]) -> None:
        """Take the number of columns read, and what is computed after them, in that order."""
        self._size = size
        self._derivations = tuple(enumerate(derivations, start=size))
        self._known: dict[int, _Sample] = {}
        self._last: Frame | None = None
        """The last full frame, where nothing came after it: what is known, not taken apart."""
        self._raw: tuple[Value, ...] | None = None
        self._done: tuple[Value, ...] = ()

    def silence(self) -> None:
        """Forget what was read: after a silence nothing is known until it is read again."""
        self._known.clear()
        self._last = self._raw = None

    def extend(self, frame: Frame) -> Frame:
        """Give the frame with the computed columns after its own."""
        if frame.columns is None:
            return self._full(frame)
        return self._part(frame)

    def _full(self, frame: Frame) -> Frame:
        if frame.qualities is not None or frame.times_ns is not None:
            return self._checked(frame)
        if frame.values is self._raw:
            return _with(frame, self._done)
        known: dict[int, _Sample] = {}
        for column, one in self._derivations:
            for _, at in one.inputs:
                if at not in known:
                    known[at] = _Sample(frame.values[at], _GOOD, "", frame.read_ns)
            known[column] = _computed(one, known)
        computed = [known[column] for column, _ in self._derivations]
        if not frame.backfill:
            self._last, self._raw = frame, None
        if any(one.mark != _GOOD for one in computed):
            return _assembled(frame, [*_samples(frame), *computed], None)
        values = (*frame.values, *(one.value for one in computed))
        if not frame.backfill:
            self._raw, self._done = frame.values, values
        return _with(frame, values)

    def _checked(self, frame: Frame) -> Frame:
        known = dict(enumerate(_samples(frame)))
        self._compute(known, known)
        if not frame.backfill:
            self._known, self._last, self._raw = known, None, None
        return _assembled(frame, list(known.values()), None)

    def _part(self, frame: Frame) -> Frame:
        """Take the values in the order of their times; compute after all of one time."""
        self._raw = None
        if self._last is not None:
            self._known, self._last = dict(enumerate(_samples(self._last))), None
            self._compute(self._known, dict(self._known))
        columns = frame.columns or ()
        samples = _samples(frame)
        found, found_columns = list(samples), list(columns)
        for batch in _batches(samples):
            touched = {columns[at]: samples[at] for at in batch}
            known = touched if frame.backfill else self._known
            known.update(touched)
            news = self._compute(known, touched)
            found += news.values()
            found_columns += news
        if len(found) == len(samples):
            return frame
        return _assembled(frame, found, tuple(found_columns))

    def _compute(
        self, known: dict[int, _Sample], touched: Mapping[int, _Sample]
    ) -> dict[int, _Sample]:
        """Compute what has an input among the touched and all inputs known; give what is new."""
        fresh = set(touched)
        news: dict[int, _Sample] = {}
        for column, one in self._derivations:
            wanted = [at for _, at in one.inputs]
            if fresh.isdisjoint(wanted) or not all(at in known for at in wanted):
                continue
            news[column] = known[column] = _computed(one, known)
            fresh.add(column)
        return news


def _computed(one: Derivation, known: Mapping[int, _Sample]) -> _Sample:
    inputs = [known[column] for _, column in one.inputs]
    worst = min(inputs, key=lambda sample: sample.mark)
    time_ns = max(sample.time_ns for sample in inputs)
    if worst.mark == _BAD:
        return _Sample(None, _BAD, worst.reason, time_ns)
    try:
        found = one.compute({name: known[column].value for name, column in one.inputs})
    except EvaluationError as error:
        return _Sample(None, _BAD, error.reason, time_ns)
    if found.mark < worst.mark:
        return _Sample(found.value, found.mark, found.reason, time_ns)
    return _Sample(found.value, worst.mark, worst.reason, time_ns)


def _samples(frame: Frame) -> list[_Sample]:
    count = len(frame.values)
    marks = frame.qualities or bytes([_GOOD]) * count
    times_ns = frame.times_ns or (frame.read_ns,) * count
    if not frame.reasons:
        return [_Sample(v, m, "", t) for v, m, t in zip(frame.values, marks, times_ns, strict=True)]
    reasons = [frame.reasons.get(at, "") for at in range(count)]
    return [_Sample(*one) for one in zip(frame.values, marks, reasons, times_ns, strict=True)]


def _batches(samples: Sequence[_Sample]) -> list[list[int]]:
    """Give positions grouped by time, oldest first."""
    batches: dict[int, list[int]] = {}
    for at in sorted(range(len(samples)), key=lambda at: samples[at].time_ns):
        batches.setdefault(samples[at].time_ns, []).append(at)
    return list(batches.values())


def _assembled(frame: Frame, samples: Sequence[_Sample], columns: tuple[int, ...] | None) -> Frame:
    marks = bytes(sample.mark for sample in samples)
    good = marks.count(_GOOD) == len(marks)
    return Frame(
        frame.device,
        frame.group,
        frame.read_ns,
        tuple(sample.value for sample in samples),
        columns,
        None if good else marks,
        None if good else {at: one.reason for at, one in enumerate(samples) if one.mark != _GOOD},
        None if frame.times_ns is None else tuple(sample.time_ns for sample in samples),
        frame.clock,
        frame.overflow,
        frame.gap,
        frame.backfill,
    )


def _with(frame: Frame, values: tuple[Value, ...]) -> Frame:
    return Frame(
        frame.device,
        frame.group,
        frame.read_ns,
        values,
        clock=frame.clock,
        overflow=frame.overflow,
        gap=frame.gap,
        backfill=frame.backfill,
    )
