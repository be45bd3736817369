"""Hashing the steps of a series into a few that stand for it, at a bounded cost per step.

A step is two successive different values of one metric, rounded to five digits. Only values with
four digits or more count: coarse ones meet by chance. One thread only.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from math import isfinite
from typing import TYPE_CHECKING, Final
from zlib import crc32

from agent.kpi.deviceday import Sketch

if TYPE_CHECKING:
    from drivers.api import Value

LEAST_DIGITS: Final = 4
"""Significant digits that a value must have to be told from others of its kind."""
SPACE: Final = 1 << 32
"""How many hashes there are."""


class Sketcher:
    """Collects the smallest hashes of a series of steps."""

    __slots__ = ("_kept", "_most", "_offered")

    def __init__(self, most: int, known: Sketch | None = None) -> None:
        """Keep so many hashes; go on from what was collected before."""
        self._most = most
        self._kept: list[int] = [] if known is None else list(known.hashes)
        self._offered = 0 if known is None else known.offered

    def offer(self, step: str) -> None:
        """Take one step in."""
        self._offered += 1
        hashed = crc32(step.encode()) * _SPREAD % SPACE
        kept = self._kept
        full = len(kept) >= self._most
        if full and hashed >= kept[-1]:
            return
        at = bisect_left(kept, hashed)
        if at < len(kept) and kept[at] == hashed:
            return
        insort(kept, hashed)
        if full:
            kept.pop()

    def sketch(self) -> Sketch:
        """Give what was collected."""
        return Sketch(self._offered, b"".join(one.to_bytes(4, "big") for one in self._kept))


_SPREAD: Final = 2_654_435_761
"""Odd, so that it maps hashes one to one; CRC-32 alone keeps texts that differ little together."""


def rich(value: Value) -> str:
    """Give the text of a value that tells it from others, rounded; empty if it is too coarse."""
    if type(value) is not float or not isfinite(value):
        return ""
    text = f"{value:.5g}"
    digits = text.lstrip("-0.").partition("e")[0].replace(".", "")
    return text if len(digits) >= LEAST_DIGITS and "." in text else ""
