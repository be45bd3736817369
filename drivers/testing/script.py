"""What a scripted device says and when it fails; the score that `drivers.testing.scripted` plays.

A `Script` is one device, a `Wire` one link. Tests write them before and during the play, in the
event loop that plays. Nothing is random and nothing is timed by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from drivers.api import ClockSource, Frame, Identity, Quality, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from drivers.api import Plan, Tag

NO_SUCH_POINT = "no_such_point"
"""Reason of a tag whose address the script does not hold."""

Source: TypeAlias = "Value | list[Value] | Callable[[int], Value]"
"""A constant; one value per read, the last staying; or a function of the read's number."""


@dataclass(frozen=True, slots=True)
class Delay:
    """The read answers only after this time; a wire dropped meanwhile is noticed then."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class Never:
    """The call never returns, not even at the driver's own deadline: only cancelling ends it."""


@dataclass(frozen=True, slots=True)
class Spoil:
    """Some tags, by address, are not good in this read: each with its reason."""

    reasons: Mapping[str, str]
    quality: Quality = Quality.BAD


Fault: TypeAlias = Exception | Delay | Never | Spoil
"""What may happen to a call: an exception is raised as it is."""


@dataclass(slots=True, eq=False)
class Wire:
    """One link: whether it can be opened, and whether it carries.

    Change it by its methods only; those who wait on it are woken.
    """

    opens: dict[int, Fault] = field(default_factory=dict)
    """What happens to the opening of a number, 0 first."""
    down: bool = False
    """Whether every opening fails with ConnectError."""
    frozen: bool = False
    opened: int = 0
    """Sessions opened so far."""
    closed: int = 0
    """Sessions closed so far; equal to `opened` when none is left."""
    tried: int = 0
    """Openings begun so far."""
    sessions: set[Ear] = field(default_factory=set)

    def freeze(self) -> None:
        """Let the wire fall silent; what waits on it ends with NoReply at the driver's deadline."""
        self.frozen = True
        self._wake()

    def thaw(self) -> None:
        """Let the wire carry again."""
        self.frozen = False
        self._wake()

    def drop(self) -> None:
        """End every session now, with SessionLost."""
        for session in self.sessions:
            session.lost = True
        self._wake()

    def _wake(self) -> None:
        for session in self.sessions:
            session.wake.set()


@dataclass(slots=True, eq=False)
class Ear:
    """What one session hears of its wire and its subscriptions."""

    wake: asyncio.Event = field(default_factory=asyncio.Event)
    lost: bool = False


@dataclass(slots=True, eq=False)
class Feed:
    """The bounded buffer of one subscription; full, it drops its oldest frame and counts it."""

    plan: Plan
    ear: Ear
    limit: int
    frames: deque[Frame] = field(default_factory=deque)
    error: Exception | None = None
    lost: int = 0

    def put(self, frame: Frame) -> None:
        """Take a frame and wake the reader."""
        if len(self.frames) >= self.limit:
            self.lost += len(self.frames.popleft().values)
        self.frames.append(frame)
        self.ear.wake.set()

    def take(self) -> Frame:
        """Give the oldest frame, with what was lost before it."""
        lost, self.lost = self.lost, 0
        frame = self.frames.popleft()
        return replace(frame, overflow=lost) if lost else frame


class Script:
    """What one device says.

    Args:
        values: by address; an address that is missing reads BAD, `NO_SUCH_POINT`.
        faults: what happens at the reads of these numbers; each group counts its own, from 0.
        stamp: gives the device's own UTC nanoseconds for a read's number; None: no device clock.
        reuse: whether unchanged values are handed over as the very same object.
        buffer: how many frames wait in a subscription before the oldest are dropped.
    """

    def __init__(
        self,
        values: Mapping[str, Source],
        *,
        faults: Mapping[int, Fault] | None = None,
        identity: Identity | None = None,
        stamp: Callable[[int], int] | None = None,
        reuse: bool = False,
        buffer: int = 64,
    ) -> None:
        self.values = dict(values)
        self.faults = dict(faults or {})
        self.identity = identity or Identity()
        self.fault: Fault | None = None
        """What happens at every read that has no fault of its own, until cleared."""
        self.feeds: set[Feed] = set()
        """Subscriptions that are open now."""
        self._stamp = stamp
        self._reuse = reuse
        self._buffer = buffer
        self._reads: dict[str, int] = {}
        self._last: dict[str, tuple[Value, ...]] = {}

    def reads(self, group: str | None = None) -> int:
        """Give how many reads were begun, of a group or of all."""
        return sum(self._reads.values()) if group is None else self._reads.get(group, 0)

    def begin_read(self, group: str) -> tuple[int, Fault | None]:
        """Count a read; give its number and what shall happen to it."""
        tick = self._reads.get(group, 0)
        self._reads[group] = tick + 1
        return tick, self.faults.get(tick, self.fault)

    def set(self, address: str, value: Value) -> None:
        """Give an address a constant value and tell every subscription."""
        self.values[address] = value
        for feed in self.feeds:
            at = tuple(i for i, tag in enumerate(feed.plan.tags) if tag.address == address)
            if at:
                feed.put(self.frame(feed.plan, tick=0, columns=at))

    def fail(self, error: Exception) -> None:
        """End every subscription with an error, after the frames that wait."""
        for feed in self.feeds:
            feed.error = error
            feed.ear.wake.set()

    def feed(self, plan: Plan, ear: Ear) -> Feed:
        """Make the buffer of a subscription, the current values in it, and keep it informed."""
        feed = Feed(plan, ear, self._buffer)
        feed.put(self.frame(plan, tick=0))
        self.feeds.add(feed)
        return feed

    def frame(
        self,
        plan: Plan,
        *,
        tick: int,
        spoil: Spoil | None = None,
        columns: tuple[int, ...] | None = None,
    ) -> Frame:
        """Make the frame of the read of a number, of all tags or of some columns."""
        tags = plan.tags if columns is None else [plan.tags[at] for at in columns]
        states = [self._state(tag, tick, spoil) for tag in tags]
        reasons = {at: reason for at, (_, _, reason) in enumerate(states) if reason}
        values = tuple(value for value, _, _ in states)
        return Frame(
            device=plan.device,
            group=plan.group,
            read_ns=time.time_ns(),
            values=values if columns else self._same(plan.group, values),
            columns=columns,
            qualities=bytes(quality for _, quality, _ in states) if reasons else None,
            reasons=reasons or None,
            times_ns=(self._stamp(tick),) * len(values) if self._stamp else None,
            clock=ClockSource.DEVICE if self._stamp else ClockSource.AGENT,
        )

    def _state(self, tag: Tag, tick: int, spoil: Spoil | None) -> tuple[Value, Quality, str]:
        if tag.address not in self.values:
            return None, Quality.BAD, NO_SUCH_POINT
        value = _value_at(self.values[tag.address], tick)
        reason = spoil.reasons.get(tag.address, "") if spoil else ""
        if spoil is None or not reason:
            return value, Quality.GOOD, ""
        return None if spoil.quality is Quality.BAD else value, spoil.quality, reason

    def _same(self, group: str, values: tuple[Value, ...]) -> tuple[Value, ...]:
        """Give the values handed over before, if asked to and these are identical."""
        last = self._last.get(group, ())
        same = self._reuse and _exactly_equal(last, values)
        self._last[group] = last if same else values
        return self._last[group]


def _exactly_equal(old: Sequence[Value], new: Sequence[Value]) -> bool:
    """Tell whether values are equal with their types (1 is neither True nor 1.0)."""
    return [(type(value), value) for value in old] == [(type(value), value) for value in new]


def _value_at(source: Source, tick: int) -> Value:
    if isinstance(source, list):
        return source[min(tick, len(source) - 1)]
    return source(tick) if callable(source) else source
