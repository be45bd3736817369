"""Browsing in portions: continuation points, which asyncua's server does not keep."""

from __future__ import annotations

from collections import OrderedDict
from itertools import count
from typing import Any, Final

import asyncua

ua: Any = asyncua.ua  # its annotations contradict its own documented use; not checked

MOST_POINTS: Final = 20
"""Continuation points kept per connection; the oldest is forgotten first."""


class Portions:
    """What one connection has not fetched yet."""

    def __init__(self, *, most: int = 0) -> None:
        """Give at most so many references at once; 0: as many as asked for."""
        self._most = most
        self._rest: OrderedDict[bytes, tuple[list[Any], int]] = OrderedDict()
        self._numbers = count(1)

    def cut(self, results: list[Any], *, asked: int) -> list[Any]:
        """Shorten browse results; `asked` is the client's own maximum, 0 for none."""
        most = min((n for n in (self._most, asked) if n), default=0)
        for result in results:
            self._keep(result, result.References or [], most)
        return results

    def resume(self, points: list[bytes], *, release: bool) -> list[Any]:
        """Answer BrowseNext: the next portion of each point, or forget them."""
        return [self._next(point, release=release) for point in points]

    def _next(self, point: bytes, *, release: bool) -> Any:
        result = ua.BrowseResult()
        if point not in self._rest:
            result.StatusCode = ua.StatusCode(ua.StatusCodes.BadContinuationPointInvalid)
            return result
        references, most = self._rest.pop(point)
        if not release:
            self._keep(result, references, most)
        return result

    def _keep(self, result: Any, references: list[Any], most: int) -> None:
        result.References = references[:most] if most else references
        if not most or len(references) <= most:
            return
        point = next(self._numbers).to_bytes(4, "big")
        self._rest[point] = (references[most:], most)
        result.ContinuationPoint = point
        while len(self._rest) > MOST_POINTS:
            self._rest.popitem(last=False)
