"""Frames that hold several samples of each tag, all tags' at the same times: scans, then.

So a server tells what it sampled between two of its messages. As scans their times are written
once for the row, not once for each metric. Pure.
"""

from __future__ import annotations

from functools import reduce
from itertools import chain
from operator import add
from typing import TYPE_CHECKING, Any, Self

from agent.publish.own_times import offsets_ms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agent.publish.tags import Tags
    from drivers.api import Frame, Value


class Sampled:
    """The instants of a run of frames with the same columns, and what each metric held then."""

    def __init__(self, names: Sequence[str], each: int, offsets: list[int]) -> None:
        """Take the metrics in order, and how many samples of each a frame holds."""
        self.offsets_ms = offsets
        """Instants in ms after the row's own time."""
        self._names = names
        self._each = each

    @classmethod
    def of(cls, run: Sequence[Frame], tags: Tags, *, t0_ms: int) -> Self | None:
        """Look whether frames of these tags are such; None where they are not."""
        each = tags.each
        if each < 2:
            return None
        instants: list[tuple[int, ...]] = []
        for frame in run:
            times = frame.times_ns or (frame.read_ns,) * len(frame.values)
            instants.append(times[:each])
            if times != times[:each] * (len(times) // each):
                return None
        offsets = chain.from_iterable([offsets_ms(each_ns, t0_ms) for each_ns in instants])
        names = [name for name, _ in tags.stretches or ()]
        return cls(names, each, list(offsets))

    def __call__(self, values: Sequence[tuple[Value, ...]]) -> Mapping[str, Sequence[Value]]:
        """Give the column of each name; `values` are those of each frame."""
        columns: Any = reduce(self._longer, map(self._samples, values))
        return dict(zip(self._names, columns, strict=True))

    def _samples(self, values: tuple[Value, ...]) -> Iterator[tuple[Value, ...]]:
        return zip(*[iter(values)] * self._each, strict=True)

    @staticmethod
    def _longer(
        one: Iterator[tuple[Value, ...]], next_: Iterator[tuple[Value, ...]]
    ) -> Iterator[tuple[Value, ...]]:
        return map(add, one, next_)
