"""Values that carry their own times -> (times, values) of each metric, column by column.

Pure; the times come out in ms after the row's own.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agent.publish.tags import Tags
    from drivers.api import Frame, Value

    Series: TypeAlias = "tuple[Sequence[int], Sequence[Value]]"
    """Times of one metric, in ms after the row's, and its values."""

_Item = TypeVar("_Item")
_MS = 1_000_000


class OwnTimes:
    """The times of a run of frames with the same columns."""

    def __init__(self, run: Sequence[Frame], tags: Tags, *, t0_ms: int) -> None:
        self._tags = tags
        self._times = [offsets_ms(f.times_ns or (f.read_ns,) * len(f.values), t0_ms) for f in run]

    def __call__(self, values: Sequence[tuple[Value, ...]]) -> Mapping[str, Series]:
        """Give the series of each name; `values` are those of each frame."""
        names = self._tags.names
        if self._tags.once_each:
            series = zip(zip(*self._times, strict=True), zip(*values, strict=True), strict=True)
            return dict(zip(names, series, strict=True))
        stretches = self._tags.stretches
        if stretches is None:
            return _gathered(names, self._times, values)
        return {
            name: (_joined(self._times, where), _joined(values, where)) for name, where in stretches
        }


def offsets_ms(times_ns: tuple[int, ...], t0_ms: int) -> tuple[int, ...]:
    """Give times in ms after the row's; what repeats is worked out once."""
    base_ns, pattern = t0_ms * _MS, times_ns[: _period(times_ns)]
    return tuple([(t - base_ns) // _MS for t in pattern]) * (len(times_ns) // len(pattern))


def _period(times_ns: tuple[int, ...]) -> int:
    """Give after how many times they repeat to the end; how many they are where they do not."""
    try:
        period = times_ns.index(times_ns[0], 1)
    except ValueError:
        return len(times_ns)
    again = times_ns == times_ns[:period] * (len(times_ns) // period)
    return period if again else len(times_ns)


def _joined(columns: Iterable[tuple[_Item, ...]], where: slice) -> list[_Item]:
    """Put together what each frame holds in these places."""
    return list(chain.from_iterable([column[where] for column in columns]))


def _gathered(
    names: Sequence[str], times: Sequence[tuple[int, ...]], values: Sequence[tuple[Value, ...]]
) -> dict[str, tuple[list[int], list[Value]]]:
    """Gather value by value, where those of one tag lie apart."""
    series: dict[str, tuple[list[int], list[Value]]] = {}
    for frame_times, frame_values in zip(times, values, strict=True):
        for name, t, value in zip(names, frame_times, frame_values, strict=True):
            own_times, own_values = series.setdefault(name, ([], []))
            own_times.append(t)
            own_values.append(value)
    return series
