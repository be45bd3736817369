"""What the event loop hands to the store's thread: bounded by values, taken in one go.

Each collection has one writer (the loop) and one reader (the thread); counters have one writer
each, so that neither side ever waits for a lock.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.store.outbox import Batch, EvidenceRow, LessonRow, NewRow, Range, Rejection, Telling
    from drivers.api import Frame

_Item = TypeVar("_Item")

MAX_PENDING_VALUES = 500_000
"""Values in memory and not committed, some 20 MB; beyond it collectors wait."""
MAX_PENDING_FRAMES = 8192
"""Frames in memory and not committed; beyond it collectors wait."""


class Encodes(Protocol):
    """Turns frames of one group into rows; `agent.publish.payload.GroupCodec` is one."""

    def encode(self, frames: Sequence[Frame]) -> list[NewRow]:
        """Encode frames of this group, oldest first."""


@dataclass(slots=True)
class Intake:
    """Everything handed in and not yet in a batch."""

    frames: deque[tuple[Encodes, Frame]] = field(default_factory=deque)
    events: deque[NewRow] = field(default_factory=deque)
    acked: deque[Range] = field(default_factory=deque)
    rejected: deque[Rejection] = field(default_factory=deque)
    acked_by: deque[tuple[int, Range]] = field(default_factory=deque)
    rejected_by: deque[tuple[int, Rejection]] = field(default_factory=deque)
    evidence: deque[EvidenceRow] = field(default_factory=deque)
    lessons: deque[LessonRow] = field(default_factory=deque)
    told: deque[Telling] = field(default_factory=deque)
    thrift: int = 1
    """By how much less than usual may wait here."""
    _frames_in: int = 0
    _values_in: int = 0
    _frames_done: int = 0
    _values_done: int = 0
    _frames_taken: int = 0
    _values_taken: int = 0

    def put(self, codec: Encodes, frame: Frame) -> None:
        """Take a frame in (the loop)."""
        self._frames_in += 1
        self._values_in += len(frame.values)
        self.frames.append((codec, frame))

    def acknowledge(self, ranges: Sequence[Range], by: int) -> None:
        """Take accepted rows in; `by` is 0 where there is one destination (the loop)."""
        if by:
            self.acked_by.extend((by, part) for part in ranges)
        else:
            self.acked.extend(ranges)

    def reject(self, rejections: Sequence[Rejection], by: int) -> None:
        """Take refused rows in (the loop)."""
        if by:
            self.rejected_by.extend((by, one) for one in rejections)
        else:
            self.rejected.extend(rejections)

    @property
    def pending_frames(self) -> int:
        """Frames handed in and not yet committed."""
        return self._frames_in - self._frames_done

    @property
    def pending_values(self) -> int:
        """Values handed in and not yet committed."""
        return self._values_in - self._values_done

    @property
    def full(self) -> bool:
        """Whether collectors have to wait."""
        return (
            self.pending_values >= MAX_PENDING_VALUES // self.thrift
            or self.pending_frames >= MAX_PENDING_FRAMES // self.thrift
        )

    @property
    def values_in(self) -> int:
        """Values handed in since the start (written by the loop)."""
        return self._values_in

    @property
    def values_done(self) -> int:
        """Values handed in and committed since the start (written by the thread)."""
        return self._values_done

    def save_memory(self, thrift: int) -> None:
        """Let collectors wait, and data be committed, at so much less than usual; 1 is as usual."""
        self.thrift = thrift

    def reaches(self, values: int) -> bool:
        """Whether so many values are pending, or so much fewer where memory is saved."""
        return self.pending_values >= values // self.thrift

    @property
    def urgent(self) -> bool:
        """Whether something waits that nobody else keeps; acknowledgements can wait for company."""
        return bool(self.frames or self.events or self.told or self.rejected or self.rejected_by)

    @property
    def owes(self) -> bool:
        """Whether anything waits that a destination would not tell again."""
        return self.urgent or bool(self.evidence or self.lessons)

    def __bool__(self) -> bool:
        """Whether anything waits to be put into a batch."""
        return self.owes or bool(self.acked or self.acked_by)

    def move_to(self, batch: Batch) -> None:
        """Encode frames, group by group, and move everything into a batch (the thread)."""
        if self.lessons:  # first: a lesson may say of a frame handed in before it that it is kept
            batch.lessons += _take(self.lessons)
        frames = _take(self.frames)
        self._frames_taken += len(frames)
        self._values_taken += sum(len(frame.values) for _, frame in frames)
        groups: dict[int, tuple[Encodes, list[Frame]]] = {}
        for codec, frame in frames:
            groups.setdefault(id(codec), (codec, []))[1].append(frame)
        for codec, group in groups.values():
            batch.rows += codec.encode(group)
        for told in _take(self.told):
            batch.rows += told.rows
            batch.losses += told.losses
            batch.lessons += told.lessons
        if self.events:
            batch.rows += _take(self.events)
        if self.rejected:
            batch.rejected += _take(self.rejected)
        if self.rejected_by:
            batch.rejected_by += _take(self.rejected_by)
        self.move_acked_to(batch)
        if self.evidence:
            batch.evidence += _take(self.evidence)

    def move_acked_to(self, batch: Batch) -> None:
        """Move only acknowledgements into a batch, such as one that was refused (the thread)."""
        if self.acked:
            batch.acked += _take(self.acked)
        if self.acked_by:
            batch.acked_by += _take(self.acked_by)

    def committed(self) -> None:
        """Note that everything moved so far is on disk (the thread)."""
        self._frames_done, self._values_done = self._frames_taken, self._values_taken


def _take(items: deque[_Item]) -> list[_Item]:
    return [items.popleft() for _ in range(len(items))]
