"""Scale, offset and state maps of a group, compiled into one function over the value tuple.

The order is fixed: scale and offset, then limits. A value that is not there (None) stays None.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from math import inf, isfinite
from typing import TYPE_CHECKING, Any

from agent.config.model import MachineState
from drivers.api import DataType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agent.config.model import TagEntry
    from drivers.api import Value

OUT_OF_RANGE = "UncertainEngineeringUnitsExceeded"
"""Reason of a value outside the limits its tag declares."""
NOT_A_NUMBER = "BadNotANumber"
"""Reason of a value that is no finite number."""
NOT_MAPPED = "UncertainStateNotMapped"
"""Reason of a machine state its tag's map does not name."""

_INTEGERS = frozenset(
    {
        DataType.BOOL, DataType.BIT, DataType.INT8, DataType.UINT8, DataType.INT16,
        DataType.UINT16, DataType.INT32, DataType.UINT32, DataType.INT64, DataType.UINT64,
        DataType.BCD16, DataType.BCD32, DataType.BCD64, DataType.STRING, DataType.DATETIME,
    }
)  # fmt: skip
"""Raw types that can never hold a NaN."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """What happens to one column; equal conversions side by side share one loop."""

    scale: float = 1.0
    offset: float = 0.0
    states: Mapping[Value, str] | None = None

    @property
    def identity(self) -> bool:
        """Whether values pass unchanged."""
        return self.states is None and self.scale == 1 and self.offset == 0

    def __call__(self, value: Value) -> Value:
        """Convert one value; text and None pass a scale unchanged."""
        if self.states is not None:
            return None if value is None else self.states.get(value, MachineState.UNKNOWN.value)
        if isinstance(value, (int, float)) and not self.identity:
            return value * self.scale + self.offset
        return value


def state_map(states: Mapping[str, MachineState]) -> dict[Value, str]:
    """Build the lookup of a state map: a key matches as text and, where it is one, as a number."""
    lookup: dict[Value, str] = {}
    for key, state in states.items():
        lookup[key] = state.value
        text = key.strip().lower()
        if text in {"true", "false"}:
            lookup[text == "true"] = state.value
        else:
            try:
                lookup[int(text, 0)] = state.value
            except ValueError:
                continue
    return lookup


def conversion_of(tag: TagEntry) -> Conversion:
    """Give the conversion a tag asks for."""
    return Conversion(tag.scale, tag.offset, state_map(tag.states) if tag.states else None)


def compile_columns(
    conversions: Sequence[Conversion],
) -> Callable[[tuple[Value, ...]], tuple[Value, ...]] | None:
    """Compile one function over a full tuple of good values; None if nothing is to be done.

    Neighbours with equal scale and offset become one loop; columns without conversion are copied
    as slices, so that the cost is that of the columns which need work.
    """
    if all(c.identity for c in conversions):
        return None
    names: dict[str, Any] = {}
    parts: list[str] = []
    at = 0
    for key, run in groupby(conversions, key=lambda c: (c.scale, c.offset, id(c.states))):
        count = sum(1 for _ in run)
        columns = f"v[{at}:{at + count}]"
        conversion = conversions[at]
        if conversion.identity:
            parts.append(f"*{columns}")
        elif conversion.states is not None:
            names[f"s{at}"] = conversion.states.get
            parts.append(f"*[s{at}(x, 'unknown') for x in {columns}]")
        else:
            scale, offset = key[0], key[1]
            names[f"a{at}"], names[f"b{at}"] = scale, offset
            sum_ = f" + b{at}" if offset else ""
            parts.append(f"*[x * a{at}{sum_} for x in {columns}]")
        at += count
    source = f"lambda v: ({', '.join(parts)},)"
    compiled: Callable[[tuple[Value, ...]], tuple[Value, ...]] = eval(source, names)  # noqa: S307 - built from column numbers only
    return compiled


class Limits:
    """Finds values that must not count as good although they were read well."""

    def __init__(self, tags: Sequence[TagEntry]) -> None:
        self._ranges = tuple(
            (i, -inf if t.min is None else t.min, inf if t.max is None else t.max)
            for i, t in enumerate(tags)
            if t.min is not None or t.max is not None
        )
        self._by_column = {i: (low, high) for i, low, high in self._ranges}
        self._states = frozenset(i for i, t in enumerate(tags) if t.states)
        self._may_be_infinite = tuple(
            i
            for i, t in enumerate(tags)
            if t.type not in _INTEGERS or not isfinite(abs(t.scale) * 2.0**64 + abs(t.offset))
        )
        self._slices = _runs(self._may_be_infinite)

    def suspicious(self, values: tuple[Value, ...]) -> bool:
        """Tell, in one pass over a full tuple, whether `reasons` has something to find."""
        for i, low, high in self._ranges:
            value = values[i]
            if isinstance(value, (int, float)) and not low <= value <= high:
                return True
        if not all(_finite(values[start:stop]) for start, stop in self._slices):
            return True
        return any(values[i] == MachineState.UNKNOWN.value for i in self._states)

    def reason(self, column: int, value: Value) -> str | None:
        """Say why one value is not good; None when it is."""
        if isinstance(value, float) and not isfinite(value):
            return NOT_A_NUMBER
        if column in self._by_column and isinstance(value, (int, float)):
            low, high = self._by_column[column]
            if not low <= value <= high:
                return OUT_OF_RANGE
        if column in self._states and value == MachineState.UNKNOWN.value:
            return NOT_MAPPED
        return None

    def passes(self, values: Sequence[Value]) -> bool:
        """Tell, without looking at columns, that surely no value of a part is suspicious."""
        return not self._ranges and not self._states and _finite(values)

    @property
    def harmless(self) -> bool:
        """Whether no value of the group can ever be suspicious."""
        return not self._ranges and not self._states and not self._may_be_infinite


def _finite(values: Sequence[Value]) -> bool:
    """Tell by one sum that all are finite numbers; False also where that cannot be told."""
    try:
        total: Any = sum(values)
    except TypeError:
        return False
    return bool(total - total == 0)


def _runs(columns: Sequence[int]) -> tuple[tuple[int, int], ...]:
    runs: list[tuple[int, int]] = []
    for column in columns:
        if runs and runs[-1][1] == column:
            runs[-1] = (runs[-1][0], column + 1)
        else:
            runs.append((column, column + 1))
    return tuple(runs)
