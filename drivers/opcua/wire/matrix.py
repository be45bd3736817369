"""Matrices: a flat list and its dimensions made into nested lists.

Source: OPC 10000-6, 5.2.2.16.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Final

from drivers.opcua.decoding.binary import DecodeError

if TYPE_CHECKING:
    from drivers.opcua.wire.cursor import Cursor

MAX_DIMENSIONS: Final = 16
"""Machines have two or three."""


def judged(dimensions: list[int] | None) -> list[int] | None:
    """Give dimensions that can be.

    Raises:
        DecodeError: one is negative, or there are too many.
    """
    if dimensions is not None and any(one < 0 for one in dimensions):
        raise DecodeError("a negative dimension")
    if dimensions is not None and len(dimensions) > MAX_DIMENSIONS:
        raise DecodeError(f"{len(dimensions)} dimensions")
    return dimensions


def shaped(cursor: Cursor, flat: list[Any], dimensions: list[int]) -> list[Any]:
    """Nest a flat list by its dimensions.

    Raises:
        DecodeError: their product is not its length.
    """
    if prod(dimensions) != len(flat):
        raise DecodeError(f"{len(flat)} elements in a matrix of {dimensions}")
    if not flat:
        return _hollow(cursor, dimensions[: dimensions.index(0) + 1])
    for size in reversed(dimensions[1:]):
        cursor.pay(64 * (len(flat) // size))
        flat = [flat[start : start + size] for start in range(0, len(flat), size)]
    return flat


def _hollow(cursor: Cursor, dimensions: list[int]) -> list[Any]:
    """Give nested lists of which only the innermost, by the last dimension, are empty."""
    cursor.pay(64 * prod(dimensions[:-1]))
    if len(dimensions) == 1:
        return []
    return [_hollow(cursor, dimensions[1:]) for _ in range(dimensions[0])]
