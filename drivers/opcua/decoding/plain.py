"""Lists of good values whose source times repeat: told by one comparison of whole numbers.

Where it holds, every head is the expected one, every status is 0 and the times come in turn, bit by
bit; then nothing but the values has to be taken out. Pure but for the last times, which are
worked out once for all lists that lie alike.
"""

from __future__ import annotations

import struct
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from drivers.opcua.decoding.items import HEAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.opcua.decoding.items import ItemLayout

MOST_TURNS = 4
"""Times that repeat after more items are dearer to work out as a number than to take out."""

_I64 = struct.Struct("<q").unpack_from


class Plain:
    """What lists of the same layouts have in common where they are plain."""

    __slots__ = (
        "__weakref__",
        "_all",
        "_mask",
        "_others",
        "_places",
        "_stamps",
        "_times",
        "_unpack",
        "count",
    )

    def __init__(self, layouts: Sequence[ItemLayout], *, period: int) -> None:
        """Take how each item lies, all with a source time, and after how many these repeat."""
        self.count = len(layouts)
        """Items of the list."""
        sizes = [one.size for one in layouts]
        self._mask = as_number([one.known for one in layouts])
        values = "".join([f"{HEAD_BYTES}x{one.code}{one.size - one.tail}x" for one in layouts])
        self._unpack = struct.Struct("<" + values).unpack_from
        starts = accumulate(sizes, initial=0)
        places = [start + one.source for one, start in zip(layouts, starts, strict=False)]
        self._places = [*places[:period], places[-1]]
        self._all, *self._others = [
            _ones(places[at::step], sum(sizes))
            for at, step in [(0, 1), *((at, period) for at in range(1, period))]
        ]
        self._times = (0,) * period
        self._stamps = 0

    def times(self, data: bytes, pos: int) -> tuple[int, ...] | None:
        """Give the source times with which a list is plain, if it is; None where it is not."""
        times: tuple[int, ...] = tuple([_I64(data, pos + place)[0] for place in self._places])
        if times[(self.count - 1) % (len(times) - 1)] != times[-1] or min(times) <= 0:
            return None
        return times[:-1]

    def holds(self, number: int, heads: int, times: tuple[int, ...]) -> bool:
        """Whether these are the heads and the times in turn, and every status is 0."""
        if times != self._times:
            self._restamp(times)
        return number & self._mask == heads + self._stamps

    def _restamp(self, times: tuple[int, ...]) -> None:
        """Work out the number that has these times in their places, from the last one."""
        first, *others = [new - old for new, old in zip(times, self._times, strict=True)]
        stamps = self._stamps + first * self._all  # mostly all move alike: one short factor
        for ones, moved in zip(self._others, others, strict=True):
            if moved != first:
                stamps += (moved - first) * ones
        self._times, self._stamps = times, stamps

    def values(self, data: bytes, pos: int) -> tuple[Any, ...]:
        """Give the values of a list that is plain."""
        return self._unpack(data, pos)


def period_of(sources: Sequence[int] | None, *, most: int) -> int:
    """Give after how many source times they come again, 0 where that is after more than `most`."""
    if not sources:
        return 0
    for period in range(1, min(most, len(sources)) + 1):
        if period == len(sources) or sources[period] == sources[0]:
            return period if repeated(sources, period) is not None else 0
    return 0


def repeated(sources: Sequence[int] | None, period: int) -> tuple[int, ...] | None:
    """Give the source times that repeat after so many, all later than 1601; None where none do."""
    if not sources or not period:
        return None
    times = tuple(sources[:period])
    wanted = (times * -(-len(sources) // period))[: len(sources)]
    return times if min(times) > 0 and tuple(sources) == wanted else None


def as_number(parts: Sequence[bytes]) -> int:
    """Give the number whose low bytes are the first of these."""
    return int.from_bytes(b"".join(parts), "little")


def _ones(places: Sequence[int], size: int) -> int:
    """Give the number that puts, times a stamp, this stamp into every one of these places."""
    marks = bytearray(size)
    for place in places:
        marks[place] = 1
    return int.from_bytes(marks, "little")
