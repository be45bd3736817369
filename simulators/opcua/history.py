"""The history a server keeps: a ring per variable, read in portions, and lies about it on demand.

Raw values only, start inclusive, end exclusive (OPC 10000-11, 6.5.3). It outlives a restart of the
server and goes on while the server is away, as a historian in the machine does.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import asyncua

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ua: Any = asyncua.ua  # its annotations contradict its own documented use; not checked

MOST_POINTS: Final = 100
"""Continuation points kept; the oldest is forgotten first."""
_NO_TIME: Final = datetime(1601, 1, 1, tzinfo=UTC)


class Historian:
    """Keeps what every variable held; stands in for asyncua's history manager."""

    def __init__(self, *, depth: int = 0, portion: int = 1_000, mood: str = "good") -> None:
        """Keep `depth` values per variable (0: no history), give `portion` of them at once."""
        self.depth = depth
        self.portion = portion
        self.mood = mood
        self._past: dict[str, deque[Any]] = {}
        self._rest: OrderedDict[bytes, list[Any]] = OrderedDict()
        self._numbers = count(1)
        self._identify: Callable[[Any], str | None] = lambda _: None

    def serve(self, identify: Callable[[Any], str | None]) -> None:
        """Learn how this start's node ids are called; portions of before are forgotten."""
        self._identify = identify
        self._rest.clear()

    def record(self, identifier: str, value: Any) -> None:
        """Keep one DataValue; its source time must not be before the last one's."""
        if self.depth:
            self._past.setdefault(identifier, deque(maxlen=self.depth)).append(value)

    def past(self, identifier: str) -> tuple[Any, ...]:
        """Give everything kept of a variable, oldest first."""
        return tuple(self._past.get(identifier, ()))

    async def init(self) -> None:
        """Do nothing; asyncua's server asks for it."""

    async def stop(self) -> None:
        """Do nothing; asyncua's server asks for it."""

    async def read_history(self, params: Any) -> list[Any]:
        """Answer HistoryRead, node by node."""
        nodes = params.NodesToRead
        if params.ReleaseContinuationPoints:
            for node in nodes:
                self._rest.pop(node.ContinuationPoint, None)
            return [ua.HistoryReadResult() for _ in nodes]
        return [self._read(params.HistoryReadDetails, node) for node in nodes]

    def _read(self, details: Any, node: Any) -> Any:
        identifier = self._identify(node.NodeId)
        refusal = self._refusal(details, identifier)
        if refusal is not None or identifier is None:
            return _answer(refusal or ua.StatusCodes.BadNodeIdUnknown)
        if node.ContinuationPoint:
            values = self._rest.pop(node.ContinuationPoint, None)
            if values is None:
                return _answer(ua.StatusCodes.BadContinuationPointInvalid)
        else:
            values = self._lie(identifier, details, self._span(identifier, details))
        return self._portion(values, details.NumValuesPerNode)

    def _refusal(self, details: Any, identifier: str | None) -> int | None:
        codes = ua.StatusCodes
        found: int | None = None
        if identifier is None:
            found = codes.BadNodeIdUnknown
        elif self.mood == "denied":
            found = codes.BadUserAccessDenied
        elif not self.depth or self.mood == "refuse" or not _raw(details):
            found = codes.BadHistoryOperationUnsupported
        elif details.StartTime <= _NO_TIME and details.EndTime <= _NO_TIME:
            found = codes.BadHistoryOperationInvalid
        return found

    def _span(self, identifier: str, details: Any) -> list[Any]:
        """Select [start, end), backwards when the start is the later one or not given."""
        start, end, past = details.StartTime, details.EndTime, self._past.get(identifier, ())
        if start <= _NO_TIME:
            return [each for each in past if each.SourceTimestamp <= end][::-1]
        if end <= _NO_TIME:
            return [each for each in past if start <= each.SourceTimestamp]
        if start <= end:
            return [each for each in past if start <= each.SourceTimestamp < end]
        return [each for each in past if end < each.SourceTimestamp <= start][::-1]

    def _lie(self, identifier: str, details: Any, truth: list[Any]) -> list[Any]:
        if self.mood == "empty":
            return []
        if self.mood == "reversed":
            return truth[::-1]
        if self.mood == "outside":
            earliest = min(t for t in (details.StartTime, details.EndTime) if t > _NO_TIME)
            return [v for v in self._past.get(identifier, ()) if v.SourceTimestamp < earliest]
        if self.mood == "restamped":
            now = datetime.now(UTC)
            return [replace(each, SourceTimestamp=now) for each in truth]
        if self.mood == "foreign":
            other = next((name for name in self._past if name != identifier), identifier)
            return self._span(other, details)
        return truth

    def _portion(self, values: Sequence[Any], asked: int) -> Any:
        size = min((n for n in (self.portion, asked) if n), default=len(values))
        if not values:
            return _answer(ua.StatusCodes.GoodNoData)
        result = _answer(ua.StatusCodes.Good, list(values[:size]))
        rest = list(values if self.mood == "endless" else values[size:])
        if rest:
            point = next(self._numbers).to_bytes(4, "big")
            self._rest[point] = rest
            result.ContinuationPoint = point
            while len(self._rest) > MOST_POINTS:
                self._rest.popitem(last=False)
        return result


def _raw(details: Any) -> bool:
    """Tell raw details from every other kind, by what only they have."""
    return not getattr(details, "IsReadModified", True)


def _answer(code: int, values: Sequence[Any] = ()) -> Any:
    result = ua.HistoryReadResult()
    result.StatusCode = ua.StatusCode(code)
    result.HistoryData = ua.HistoryData(DataValues=list(values))
    return result
