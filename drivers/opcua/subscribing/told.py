"""What a plan's stream has told so far: frames on their way, and the last value of every tag.

Says when nothing changed (an empty frame), and when something may be missing (a gap). What is
known of a tag is what was put here last, whether the host has taken it or not.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from drivers.api import Frame, Gap
from drivers.opcua.subscribing.buffer import FrameBuffer
from drivers.opcua.subscribing.known import Known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from drivers.api import DriverError, Value
    from drivers.opcua.plan import OpcuaPlan

SILENT: Final = "subscription_silent"
"""Reason of a gap: one of several subscriptions fell silent before the others."""
BUFFER_FULL: Final = "buffer_full"
"""Reason of a gap: the host was too slow, and frames had to go."""


class Told(FrameBuffer):
    """The frames of one plan between the wire and the host."""

    def __init__(self, plan: OpcuaPlan, *, heard_ns: Callable[[], int]) -> None:
        """Take the plan, and what tells until when every subscription was heard; 0: never."""
        super().__init__()
        self._plan = plan
        self._heard_ns = heard_ns
        self._put_ns = 0
        self._known = Known(len(plan.tags))
        self._awaited: set[int] = set()
        self._notes: list[set[int]] = []
        self._given_ns = 0
        self._torn_ns = 0
        self.torn = False
        """Whether frames went that the host never saw: it may hold old values of some tags."""

    def put(self, frame: Frame) -> None:
        """Queue a frame; remember its values."""
        for note in self._notes:
            note.update(range(len(frame.values)) if frame.columns is None else frame.columns)
        if frame.columns is None:
            self._awaited.clear()
        elif self._awaited:
            self._awaited.difference_update(frame.columns)
        self._known.take(frame)
        self._put_ns = frame.read_ns
        super().put(frame)

    def lives(self) -> None:
        """Say until when nothing changed, unless frames wait that say it too."""
        heard_ns = self._heard_ns()
        if self.idle and heard_ns > self._put_ns > 0:
            super().put(self._empty(heard_ns))

    def end(self, error: DriverError) -> None:
        """Let `get` raise this once the frames are taken; say where less was known than told."""
        heard_ns = self._heard_ns()
        if 0 < heard_ns < self._put_ns:
            self.miss(Gap(heard_ns, now_ns(), SILENT))
            self._put_ns = 0
        super().end(error)

    def miss(self, gap: Gap, *, messages: int = 0) -> None:
        """Say that changes may be missing, in at least so many messages."""
        frame = self._empty(gap.to_ns)
        frame.gap, frame.overflow = gap, messages
        super().put(frame)

    async def get(self) -> Frame:
        """Give the oldest frame, waiting for one; it tells of frames that had to go before it.

        Raises:
            DriverError: what `end` was told.
        """
        frame = await super().get()
        if self._torn_ns:
            to_ns = frame.read_ns if frame.gap is None else max(frame.read_ns, frame.gap.to_ns)
            from_ns = self._torn_ns if frame.gap is None else min(self._torn_ns, frame.gap.from_ns)
            frame.gap, self._torn_ns = Gap(from_ns, to_ns, BUFFER_FULL), 0
        self._given_ns = frame.read_ns
        return frame

    @contextmanager
    def noting(self) -> Iterator[set[int]]:
        """Give a set that fills with the tags that are told while the block runs."""
        note: set[int] = set()
        self._notes.append(note)
        try:
            yield note
        finally:
            self._notes = [one for one in self._notes if one is not note]

    def differs(self, tag: int, value: Value) -> bool:
        """Whether a value is another than the last one told of its tag."""
        known = self._known.last(tag)
        return type(known) is not type(value) or known != value

    def expect(self, tags: Iterable[int]) -> None:
        """Note from now on which of these tags are told."""
        self._awaited = set(tags)

    @property
    def unheard(self) -> frozenset[int]:
        """The expected tags that were not told since."""
        return frozenset(self._awaited)

    def _drop(self, frame: Frame) -> None:
        """Remember from when on frames went, with the gaps they told of."""
        super()._drop(frame)
        from_ns = self._given_ns or frame.read_ns
        if frame.gap is not None:
            from_ns = min(from_ns, frame.gap.from_ns)
        self._torn_ns = min(self._torn_ns or from_ns, from_ns)
        self.torn = True

    def _empty(self, read_ns: int) -> Frame:
        return Frame(self._plan.device, self._plan.group, read_ns, (), ())


def now_ns() -> int:
    """Give the gateway's wall clock, UTC nanoseconds."""
    return time.time_ns()
