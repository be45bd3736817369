"""The history of one plan on one server, given as frames: oldest first, in bounded windows.

A span is read window by window, all points of a window before the next, so that what was given is
complete up to a moment. A window that holds too much is made smaller, a lean one is followed by a
larger. Nothing is believed: what lies outside the window asked for, bears no time or comes twice
is left out and counted; a server that repeats itself is stopped. Values keep their own time and
status. Where the server's clock is so far from ours that its times are not believed live, nothing
is given: two clocks would be mixed.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from drivers.api import ClockSource, DriverError, Frame
from drivers.opcua.calls import ServiceRefused, TooMany
from drivers.opcua.frames import MOST_SKEW_S, make_frame
from drivers.opcua.history.ask import PORTION, keeps, nanoseconds, read_portions, release
from drivers.opcua.history.columns import columns_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from asyncua import ua

    from drivers.opcua.history.ask import Portion
    from drivers.opcua.plan import OpcuaPlan
    from drivers.opcua.services import Services

MOST_VALUES: Final = 10_000
"""Values of one window in memory: about 5 MB."""
FRAME_VALUES: Final = 1_000
"""Values of one frame; what is live comes between two."""
MOST_NODES: Final = 50
"""Nodes of one request: so many continuation points are open at once."""
MOST_PORTIONS: Final = 1_000
"""Answers that one batch of a window may take."""
FIRST_WINDOW_NS: Final = 60_000_000_000
LEAST_WINDOW_NS: Final = 10_000_000
"""A window is not made smaller than 10 ms: what it holds beyond the bound is lost, and told."""

_NOT_KEPT: Final = frozenset(
    {"BadHistoryOperationUnsupported", "BadServiceUnsupported", "BadNotSupported",
     "BadNotImplemented", "BadNodeIdUnknown", "BadNotReadable"}
)  # fmt: skip
_NO_BOUND: Final = 0x80D7
"""High half of BadBoundNotFound: a bound that was not asked for and does not exist."""
_AGAIN: Final = frozenset({"BadContinuationPointInvalid", "BadNoContinuationPoints"})

_log = logging.getLogger(__name__)


_Past: TypeAlias = "tuple[int, int, Any]"
"""Source time in UTC nanoseconds, tag, DataValue."""


class _Crowded(Exception):  # noqa: N818 - says what is the case
    """A window holds more than may be in memory at once."""


class Past:
    """What the server kept of one plan's points; lives as long as its session."""

    def __init__(self, services: Services, plan: OpcuaPlan, nodes: Sequence[Any]) -> None:
        """Take the plan with its node ids on this server; None where there is none."""
        self.plan = plan
        """Whose points they are."""
        self.nodes = nodes
        """Their nodes, None where the server has none."""
        self._services = services
        self._kept: list[int] | None = None
        self._ahead_ns = 0
        self._problems: dict[int, str] = {}
        self.left_out = 0
        """Values that lay outside the span asked for, bore no time, or came twice."""

    async def frames(self, *, from_ns: int, to_ns: int) -> AsyncGenerator[Frame, None]:
        """Give what was kept of [from, to) of our clock; an empty frame closes each window.

        Raises:
            DriverError: not all of it could be read.
            SessionLost: the session is over.
        """
        kept = await self._learn()
        self._problems.clear()
        start_ns, size_ns = from_ns, FIRST_WINDOW_NS
        while kept and start_ns < to_ns:
            end_ns = min(start_ns + size_ns, to_ns)
            try:
                found = await self._window(start_ns, end_ns, last=size_ns <= LEAST_WINDOW_NS)
            except _Crowded:
                size_ns = max(LEAST_WINDOW_NS, size_ns // 4)
                continue
            for frame in self._framed(found):
                yield frame
            if kept:
                yield self._mark(end_ns)
            if len(found) * 4 < MOST_VALUES:
                size_ns *= 2
            start_ns = end_ns
        self._judge()

    async def _learn(self) -> list[int]:
        """Ask once which points the server keeps, and every time what its clock says."""
        wanted = [tag for tag, node in enumerate(self.nodes) if node is not None]
        if self._kept is not None:
            wanted = self._kept
        kept: list[int] = []
        batch = max(1, min(self._services.limits.read, self.plan.max_items_per_call))
        for start in range(0, len(wanted), batch):
            part = wanted[start : start + batch]
            found, clock = await keeps(self._services, [self.nodes[tag] for tag in part])
            self._ahead_ns = _ahead_ns(clock)
            kept += [tag for tag, one in zip(part, found, strict=True) if one]
        if kept and abs(self._ahead_ns) > MOST_SKEW_S * 1_000_000_000:
            raise DriverError(
                f"the server's clock is {self._ahead_ns / 1e9:+.0f} s off: its history is not used",
                hint="Set the clock of the controller.",
            )
        self._kept = kept
        return kept

    async def _window(self, from_ns: int, to_ns: int, *, last: bool) -> list[_Past]:
        """Read one window of all points, oldest first."""
        low, high = ((ns + self._ahead_ns) // 1000 * 1000 for ns in (from_ns, to_ns))
        found: list[_Past] = []
        kept = list(self._kept or ())
        at = 0
        while at < len(kept):
            batch = kept[at : at + min(MOST_NODES, self._services.limits.history)]
            try:
                await self._batch(batch, found, low, high, last=last)
            except TooMany:
                if len(batch) == 1:
                    raise
                self._services.limits.history = len(batch) // 2
                continue
            except ServiceRefused as refused:
                self._give_up(batch, refused.status)
            at += len(batch)
        found.sort(key=lambda one: one[0])
        return found

    async def _batch(
        self, batch: Sequence[int], found: list[_Past], low: int, high: int, *, last: bool
    ) -> None:
        """Read every portion of some points; what is not read to its end is given back."""
        open_points: dict[int, bytes | None] = dict.fromkeys(batch)
        before: dict[int, tuple[int, ...]] = {}
        seen: set[tuple[int, int]] = set()
        try:
            for _ in range(MOST_PORTIONS):
                if not open_points:
                    return
                tags = list(open_points)
                wanted = [(self.nodes[tag], open_points[tag]) for tag in tags]
                portions = await read_portions(self._services, wanted, from_ns=low, to_ns=high)
                for tag, portion in zip(tags, portions, strict=True):
                    open_points[tag] = portion.point
                    if not self._goes_on(tag, portion, before, last=last):
                        del open_points[tag]
                    found += self._believed(tag, portion, seen, low, high)
                if len(found) > MOST_VALUES:
                    self._crowd(tags, last=last)
                    return
            self._crowd(list(open_points), last=last)
        finally:
            await release(
                self._services, [(self.nodes[tag], point) for tag, point in open_points.items()]
            )

    def _crowd(self, tags: Sequence[int], *, last: bool) -> None:
        """Have a smaller window read, or tell what is lost because it cannot be smaller."""
        if not last:
            raise _Crowded
        self._problems |= dict.fromkeys(tags, "BadTooManyOperations")

    def _goes_on(
        self, tag: int, portion: Portion, before: dict[int, tuple[int, ...]], *, last: bool
    ) -> bool:
        """Judge one portion; whether the next one is to be asked for."""
        if not portion.good:
            if portion.status in _AGAIN:
                self._crowd((tag,), last=last)
            elif portion.status != "BadNoData":
                self._give_up((tag,), portion.status)
            return False
        times = tuple(_time_ns(value) for value in portion.values)
        repeated = bool(times) and before.get(tag) == times
        before[tag] = times
        if repeated or (portion.point is not None and not times):
            self._give_up((tag,), "BadContinuationPointInvalid")
            return False
        if portion.point is None and len(times) == PORTION:
            self._crowd((tag,), last=last)  # some servers cut what is too much, and do not say so
        return portion.point is not None

    def _believed(
        self, tag: int, portion: Portion, seen: set[tuple[int, int]], low: int, high: int
    ) -> list[_Past]:
        believed: list[_Past] = []
        for value in portion.values:
            time_ns = _time_ns(value)
            if value.StatusCode is not None and int(value.StatusCode.value) >> 16 == _NO_BOUND:
                continue
            if not low <= time_ns < high or (tag, time_ns) in seen:
                self.left_out += 1
                continue
            seen.add((tag, time_ns))
            believed.append((time_ns, tag, value))
        return believed

    def _give_up(self, tags: Sequence[int], status: str) -> None:
        """Ask for the history of some points no more in this session."""
        if self._kept is not None:
            self._kept[:] = [tag for tag in self._kept if tag not in tags]
        if status not in _NOT_KEPT:
            self._problems |= dict.fromkeys(tags, status)

    def _framed(self, found: Sequence[_Past]) -> list[Frame]:
        return [
            self._frame(found[start : start + FRAME_VALUES])
            for start in range(0, len(found), FRAME_VALUES)
        ]

    def _frame(self, found: Sequence[_Past]) -> Frame:
        """Judge values as live ones are judged, but for their time, which stands."""
        columns = columns_of([value for _, _, value in found])
        tags = tuple(tag for _, tag, _ in found)
        frame, _ = make_frame(
            self.plan, columns, read_ns=time.time_ns(), tags=tags, layouts=self._services.layouts
        )
        frame.times_ns = tuple(time_ns for time_ns, _, _ in found)
        frame.clock, frame.backfill, frame.overflow = ClockSource.DEVICE, True, 0
        return frame

    def _mark(self, end_ns: int) -> Frame:
        """Say that all before a moment of our clock was given."""
        return Frame(self.plan.device, self.plan.group, end_ns, (), (), backfill=True)

    def _judge(self) -> None:
        """Tell what was not as it should be.

        Raises:
            DriverError: some points could not be read, or are not kept.
        """
        if self.left_out:
            _log.warning(
                "device %s, group %s: %d past values left out: outside the span, or twice",
                self.plan.device, self.plan.group, self.left_out,
            )  # fmt: skip
            self.left_out = 0
        total = len(self.plan.tags)
        if self._problems:
            tag, status = next(iter(self._problems.items()))
            name = self.plan.tags[tag].address
            raise DriverError(
                f"no history of {len(self._problems)} of {total} points, such as {name}: {status}"
            )
        if self._kept and len(self._kept) < total:
            raise DriverError(f"the server keeps {len(self._kept)} of {total} points")


def _time_ns(value: ua.DataValue) -> int:
    """Give the source time of a value; 0 where it has none."""
    return 0 if value.SourceTimestamp is None else nanoseconds(value.SourceTimestamp)


def _ahead_ns(clock: Any) -> int:
    """Tell how far the server's clock is ahead of ours; 0 where it does not say."""
    told = nanoseconds(clock) if clock is not None else 0
    return told - time.time_ns() if told > 0 else 0
