"""Which time is already counted, so that none is counted twice, whatever comes late or again.

Pure, in milliseconds; a handful of spans a day. Where there are too many of them the nearest two
become one: what lay between them stays uncounted for ever, nothing is ever counted twice.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_SPANS: Final = 200


class Covered:
    """Spans from `from_ms` up to, without it, `to_ms`; ascending, none touches another."""

    def __init__(self, spans: Iterable[tuple[int, int]] = ()) -> None:
        self._spans = list(spans)

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Every span, ascending."""
        return list(self._spans)

    def claim(self, from_ms: int, to_ms: int) -> int:
        """Cover a span; give how many ms of it were not covered before."""
        if self._spans and self._spans[-1][1] == from_ms < to_ms:
            self._spans[-1] = (self._spans[-1][0], to_ms)
            return to_ms - from_ms
        touched = [one for one in self._spans if one[0] <= to_ms and from_ms <= one[1]]
        known = sum(max(0, min(end, to_ms) - max(start, from_ms)) for start, end in touched)
        if from_ms < to_ms:
            ends = [from_ms, to_ms, *(end for one in touched for end in one)]
            self._spans = sorted({*self._spans} - {*touched} | {(min(ends), max(ends))})
            self._bound()
        return max(0, to_ms - from_ms - known)

    def open_part(self, from_ms: int, to_ms: int) -> tuple[int, int]:
        """Give what is not covered of a span, up to the first that is covered again; maybe empty.

        What holds since `from_ms` is known to hold only until something else was known.
        """
        at = bisect_right(self._spans, (from_ms, to_ms)) - 1
        if at >= 0 and self._spans[at][1] > from_ms:
            from_ms = min(self._spans[at][1], to_ms)
        later = next((start for start, _ in self._spans[at + 1 :] if start >= from_ms), to_ms)
        return from_ms, max(from_ms, min(later, to_ms))

    def _bound(self) -> None:
        while len(self._spans) > MOST_SPANS:
            gaps = [after[0] - before[1] for before, after in pairwise(self._spans)]
            at = gaps.index(min(gaps))
            self._spans[at : at + 2] = [(self._spans[at][0], self._spans[at + 1][1])]
