"""Values that JSON cannot carry as they are: the one careful way, taken only when needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.api import Value

LARGEST_INTEGER = 2**53 - 1
"""Beyond it a reader that holds numbers as doubles would see another number."""
NOT_TEXT = "BadDecodingError"
"""Reason of text that is not Unicode: it is dropped, not altered."""


def clean_values(
    values: Sequence[tuple[Value, ...]],
) -> tuple[list[tuple[Value, ...]], list[tuple[int, int, str]]]:
    """Make every value fit for JSON.

    Integers beyond 2^53 become decimal strings, bytes become hex text. What cannot be carried at
    all becomes None and is listed as (frame, position, reason).
    """
    spoiled: list[tuple[int, int, str]] = []
    cleaned: list[tuple[Value, ...]] = []
    for scan, row in enumerate(values):
        fresh: list[Value] = []
        for at, value in enumerate(row):
            clean, reason = _clean(value)
            if reason:
                spoiled.append((scan, at, reason))
            fresh.append(clean)
        cleaned.append(tuple(fresh))
    return cleaned, spoiled


def _clean(value: Value) -> tuple[Value, str]:
    if isinstance(value, bool) or value is None:
        return value, ""
    if isinstance(value, int):
        return (value if abs(value) <= LARGEST_INTEGER else str(value)), ""
    if isinstance(value, bytes):
        return value.hex(), ""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return None, NOT_TEXT
    return value, ""
