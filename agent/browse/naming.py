"""Metric names from the names of a stranger's server: legal, readable, each of them once.

Only `a-z`, `0-9`, `_` and dots come out, whatever went in: no name can leave its place in a topic,
a page or a table.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_LEVEL: Final = 40
"""Longest level of a name that is made here."""
MOST_NAME: Final = 120
MOST_LEVELS: Final = 6
"""With a machine before it a name has the seven levels it may have at most."""
FEWEST_LEVELS: Final = 2
"""Levels of a path that go into a name, unless it takes more to tell two points apart."""

_WORDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_OTHERS: Final = re.compile(r"[^a-z0-9]+")


def level(text: str) -> str:
    """Give one level of a metric name: `ActFeedrate` is `act_feedrate`, 主轴 is empty."""
    words = _OTHERS.sub("_", _WORDS.sub("_", text).lower())
    return words.strip("_")[:MOST_LEVEL].strip("_")


class Names:
    """The names that were given so far."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def take(self, name: str) -> bool:
        """Take a name; False where another point has it."""
        if name in self._given:
            return False
        self._given.add(name)
        return True

    def canonical(self, metric: str, *, before: str = "") -> str:
        """Take a metric for one of several alike: `spindle.speed`, then `spindle2.speed`, …."""
        first, dot, rest = metric.partition(".")
        start = f"{before}." if before else ""
        number, name = 1, f"{start}{metric}"
        while not self.take(name):
            number += 1
            name = f"{start}{first}{number}{dot}{rest}"
        return name

    def from_paths(self, paths: Sequence[Sequence[str]], *, before: Sequence[str]) -> list[str]:
        """Take a name for each path, of as many of its last levels as tell it from the others.

        `before` is what stands before each name, such as its machine; empty: nothing.
        """
        levels = [[one for one in map(level, path) if one] or ["point"] for path in paths]
        counts = [min(FEWEST_LEVELS, len(one)) for one in levels]
        for _ in range(MOST_LEVELS):
            names = _joined(levels, counts, before)
            often = Counter(names)
            unclear = [
                at for at, name in enumerate(names) if often[name] > 1 or name in self._given
            ]
            longer = [at for at in unclear if counts[at] < min(MOST_LEVELS, len(levels[at]))]
            if not longer:
                break
            for at in longer:
                counts[at] += 1
        return [self._numbered(name) for name in _joined(levels, counts, before)]

    def _numbered(self, name: str) -> str:
        """Take a name, with a number where it is taken."""
        number, free = 1, name
        while not self.take(free):
            number += 1
            free = f"{name}_{number}"
        return free


def _joined(levels: Sequence[list[str]], counts: list[int], before: Sequence[str]) -> list[str]:
    return [
        _short(".".join([*([first] if first else []), *one[-count:]]))
        for one, count, first in zip(levels, counts, before, strict=True)
    ]


def _short(name: str) -> str:
    """Cut the front of a name that is longer than a metric name may be."""
    return name if len(name) <= MOST_NAME else name[-MOST_NAME:].partition(".")[2]
