"""How far one group is known, and which spans of its past are still to be asked for.

A gap becomes a span. What was given before it and what came first after it are its edges, tag by
tag: nothing between two edges was given, everything outside of them was. The text kept for a later
life says the same of the time in which the program itself was away; the device's own history then
fills both alike. Decides and remembers, waits for nothing.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import orjson

from agent.normalize.cut import cut

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from drivers.api import Frame

MOST_SPANS: Final = 32
"""Spans that wait at most; the oldest goes first and is told as not filled."""
WINDOW_MS: Final = 5_000
"""What is younger than this when a gap begins may still have been on its way."""
SKEW_MS: Final = 300_000
"""A device's clock may be so far from ours; spans are told by ours, values bear the device's."""
MOST_EXACT: Final = 1_000
"""Groups of more tags are kept without the time of each: some values may come twice then."""
SETTLE_S: Final = 10.0
"""A span waits at most so long for the first value of every tag after it."""

_MS: Final = 1_000_000


@dataclass(slots=True, eq=False)
class Span:
    """A time without data, and how far it has been filled."""

    from_ms: int
    to_ms: int
    before_ms: dict[int, int] = field(default_factory=dict)
    """Source time of the last value given before it, by column."""
    default_ms: int = 0
    """The same for every other column; later values of it were not given."""
    after_ms: dict[int, int] = field(default_factory=dict)
    """Source time of the first value given after it, by column."""
    since_s: float = field(default_factory=time.monotonic)
    values: int = 0
    """How many values it was filled with so far."""
    cut: bool = False
    """Whether a part of it is older than may be asked for."""
    reached_ms: int = 0
    """Until when it was filled so far; there a later session goes on."""

    @property
    def asked_from_ms(self) -> int:
        """Where to begin asking: what was on its way when the gap began is asked for too."""
        return max(self.from_ms - WINDOW_MS, self.reached_ms)

    def filled(self, frame: Frame) -> None:
        """Note values that were given; they are not given again."""
        times_ns = frame.times_ns or (frame.read_ns,) * len(frame.values)
        columns = frame.columns or range(len(frame.values))
        self.values += len(frame.values)
        self.before_ms |= {c: ns // _MS for c, ns in zip(columns, times_ns, strict=True)}

    def news(self, frame: Frame) -> Frame | None:
        """Give the part of a frame that was not given before or after the span; None: nothing."""
        columns = frame.columns or range(len(frame.values))
        times_ns = frame.times_ns or (frame.read_ns,) * len(frame.values)
        positions = [
            at
            for at, (column, time_ns) in enumerate(zip(columns, times_ns, strict=True))
            if self._is_news(column, time_ns // _MS)
        ]
        if len(positions) == len(frame.values):
            return frame if positions else None
        return cut(frame, positions) if positions else None

    def _is_news(self, column: int, time_ms: int) -> bool:
        after_ms = self.after_ms.get(column)
        return self.before_ms.get(column, self.default_ms) < time_ms and (
            after_ms is None or time_ms < after_ms
        )


class Continuity:
    """What one group knows of its own completeness; `lessons` and `recall` keep it."""

    def __init__(self, size: int, *, times_ns: Callable[[], Mapping[int, int]]) -> None:
        """Take the number of tags, and what tells the time of each one's last value."""
        self._size = size
        self._times_ns = times_ns
        self._settling: list[Span] = []
        self._complete_ms = self._ahead_ns = 0
        self._spans: deque[Span] = deque()
        self._away: Span | None = None
        self._recalled = ""
        self.fills = False
        """Whether the group's gaps are to be filled: configured, and its session remembers."""
        self.proven = False
        """Whether a history was found: from then on what is kept is kept with every frame."""
        self._lost: list[Span] = []

    @property
    def complete_ms(self) -> int:
        """Until when all is known, UTC ms of the gateway's clock as it goes now; 0: nothing is."""
        if not self._complete_ms:
            return 0
        return self._complete_ms + (_ahead_ns() - self._ahead_ns) // _MS

    @property
    def waits(self) -> bool:
        """Whether a span waits to be filled."""
        return bool(self._spans)

    def heard(self, read_ns: int, frame: Frame | None = None) -> None:
        """Note that all is known until a moment, and what came first after a gap."""
        self._complete_ms, self._ahead_ns = read_ns // _MS, _ahead_ns()
        if frame is not None and self._settling:
            self._settle(frame)

    def broke(self, *, from_ms: int, to_ms: int) -> None:
        """Note a gap that is over; called before the first values after it are taken in."""
        if not self.fills or to_ms <= from_ms:
            return
        before = {column: at_ns // _MS for column, at_ns in self._times_ns().items()}
        self._want(Span(from_ms, to_ms, before, default_ms=_surely_given_ms(from_ms)))

    def returned(self, now_ms: int) -> Span | None:
        """Give the time in which the program was away, once, and want it filled."""
        span, self._away = self._away, None
        if span is None:
            return None
        span.from_ms = min(span.from_ms, now_ms)  # the clock was put back meanwhile
        span.to_ms, span.since_s = now_ms, time.monotonic()
        if self.fills:
            self._want(span)
        return span

    def due(self, now_s: float) -> Span | None:
        """Give the oldest span whose edges are known, or will not become so any more."""
        if not self._spans:
            return None
        span = self._spans[0]
        if len(span.after_ms) < self._size and now_s < span.since_s + SETTLE_S:
            return None
        self._settling = [one for one in self._settling if one is not span]
        return span

    def done(self, span: Span) -> None:
        """Forget a span that was filled, or cannot be."""
        if span in self._spans:
            self._spans.remove(span)

    def drop_lost(self) -> list[Span]:
        """Give, once, the spans that had to make room."""
        lost, self._lost = self._lost, []
        return lost

    @property
    def lessons(self) -> str:
        """What a later life has to know; empty where gaps are not filled."""
        if self._away is not None:  # the device has not been heard in this life
            return self._recalled
        if not self.fills or not self._complete_ms:
            return ""
        known: dict[str, object] = {"c": self._complete_ms}
        if self._spans:
            known["w"] = [[one.from_ms, one.to_ms, one.reached_ms] for one in self._spans]
        if self._size <= MOST_EXACT:
            times = {c: ns // _MS for c, ns in self._times_ns().items()}
            newest_ms = max(times.values(), default=0)  # of the device's clock, if it tells times
            oldest_ms = min(self._complete_ms, newest_ms) - WINDOW_MS
            known["t"] = [[c, ms] for c, ms in times.items() if ms > oldest_ms]
        return orjson.dumps(known).decode()

    def recall(self, lessons: str) -> None:
        """Take up what an earlier life kept; what cannot be understood is dropped."""
        try:
            known = orjson.loads(lessons)
            complete_ms = int(known["c"])
            before = {int(column): int(ms) for column, ms in known.get("t", ())}
            spans = [_resumed(*map(int, one)) for one in known.get("w", ())]
        except (ValueError, TypeError, KeyError, AttributeError):
            return
        self._recalled = lessons
        self._spans.extend(spans[:MOST_SPANS])
        given_ms = _surely_given_ms(complete_ms)
        self._away = Span(complete_ms, complete_ms, before, default_ms=given_ms)

    def _want(self, span: Span) -> None:
        while len(self._spans) >= MOST_SPANS:
            self._lost.append(self._spans.popleft())
        self._spans.append(span)
        self._settling.append(span)

    def _settle(self, frame: Frame) -> None:
        columns = frame.columns or range(len(frame.values))
        times_ns = frame.times_ns or (frame.read_ns,) * len(frame.values)
        for span in self._settling:
            for column, time_ns in zip(columns, times_ns, strict=True):
                span.after_ms.setdefault(column, time_ns // _MS)
        self._settling = [one for one in self._settling if len(one.after_ms) < self._size]


def _ahead_ns() -> int:
    """Give how far the wall clock is ahead of the clock that nobody can set."""
    return time.time_ns() - time.monotonic_ns()


def _resumed(from_ms: int, to_ms: int, reached_ms: int) -> Span:
    """Give a span of an earlier life: what was given around it is not known any more."""
    return Span(from_ms, to_ms, default_ms=_surely_given_ms(from_ms), reached_ms=reached_ms)


def _surely_given_ms(from_ms: int) -> int:
    """Give the device's time up to which all was given, whatever its clock, before a span of ours.

    What is not asked for (`Span.asked_from_ms`) does not come, so little comes twice by that.
    """
    return from_ms - WINDOW_MS - SKEW_MS
