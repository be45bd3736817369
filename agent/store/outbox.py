"""The vocabulary of the outbox, and what it promises.

Invariants, checked by tests and by `chulian store verify`:

1. A row is *stored* when its transaction has been committed and synced, never before.
2. `stored = acked + rejected + dropped + waiting`, in rows and in values, in every committed state:
   the counters change in the same transactions as the rows.
3. A row's seq is given inside its transaction, rises by one, and is never given twice in an epoch.
4. A row leaves only as acked, rejected or dropped. Dropped and rejected ranges are announced by an
   event row written in the same transaction; event rows are dropped last of all.
5. What is dropped is the oldest, and only over the limit of bytes or of age; rows without a
   machine's state go before those that have one, events last. What the medium has
   damaged or lost is dropped too, under a cause of its own, and never handed out.
6. Acked rows are kept for replay as long as there is room; they are the first to go.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from agent.losses.spans import LossSpan

Range: TypeAlias = tuple[int, int]
"""First and last seq, both included."""

EvidenceRow: TypeAlias = (
    tuple[str, str, int, bool, int, int, int] | tuple[str, str, int, bool, int, int, int, str]
)
"""One device and day: device, ISO day, good values, whether a metric changed, good values of
control metrics, first and last source time in UTC ms, and the rest as JSON (a day of before has
none). Cumulative: a later row replaces it."""

LessonRow: TypeAlias = tuple[str, str, str, int]
"""What was learned of one group: device, group, text, UTC ms. An empty text forgets; the group ""
holds who the device says it is."""


class Kind(IntEnum):
    """What a row holds, and how urgent it is; an event never shares a message with values."""

    DATA = 0
    EVENT = 1
    STATE = 2
    """Values, and a machine's state among them: sent before other values, dropped after them."""


class Life(NamedTuple):
    """An epoch of a gateway's rows, and where its numbers begin among the store's seqs."""

    epoch: str
    base: int
    """A row of this life bears on the wire the number seq - base."""


class Place(NamedTuple):
    """Where a destination stands in the store."""

    number: int
    """Its number among several; 0 where it is the only one."""
    waiting: Range | None
    """Lowest and highest seq that wait for it; None when nothing does."""
    last_seq: int
    """The newest row."""


class NewRow(NamedTuple):
    """An encoded row that has no seq yet."""

    kind: Kind
    t_ms: int
    """Wall-clock time of its first value, UTC milliseconds."""
    values: int
    """How many values it holds; 0 for events."""
    body: bytes
    """The row as it is published, without its opening brace and without its identity."""


class Telling(NamedTuple):
    """What is stored whole or not at all: losses, the events that tell of them, what is kept."""

    rows: tuple[NewRow, ...] = ()
    losses: tuple[LossSpan, ...] = ()
    lessons: tuple[LessonRow, ...] = ()
    """Losses that are still open, or no longer."""
    since_ms: int | None = None
    """Earliest time in what is kept open; None where nothing is."""
    dated: bool = False
    """Whether the times of rows and losses are vouched for already, whatever the clock is now."""


class Row(NamedTuple):
    """A committed row."""

    seq: int
    kind: Kind
    mv: int
    """Version of the meta message that explains its names."""
    t_ms: int
    values: int
    body: bytes
    life: Life | None = None
    """Whose number it bears; None: the number is the seq, in the epoch of the store."""

    @property
    def n(self) -> int:
        """Its number on the wire, within its epoch."""
        return self.seq if self.life is None else self.seq - self.life.base


class Rejection(NamedTuple):
    """A row the destination refuses for good."""

    seq: int
    reason: str
    code: int


@dataclass(slots=True)
class Batch:
    """What one transaction does."""

    rows: list[NewRow] = field(default_factory=list)
    acked: list[Range] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    evidence: list[EvidenceRow] = field(default_factory=list)
    lessons: list[LessonRow] = field(default_factory=list)
    losses: list[LossSpan] = field(default_factory=list)
    acked_by: list[tuple[int, Range]] = field(default_factory=list)
    """Of several destinations: who accepted what."""
    rejected_by: list[tuple[int, Rejection]] = field(default_factory=list)

    @property
    def owes(self) -> bool:
        """Whether there is anything that a destination would not tell again."""
        more = self.evidence or self.lessons or self.losses or self.rejected_by
        return bool(self.rows or self.rejected or more)

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return self.owes or bool(self.acked or self.acked_by)


@dataclass(frozen=True, slots=True)
class Committed:
    """What one transaction did."""

    rows: tuple[Row, ...]
    """The new rows, in the order of their seq."""
    announced: tuple[Range, ...]
    """Event rows the store itself wrote (drops, rejections); to be sent like a backlog."""
    gone: tuple[Range, ...]
    """Ranges that were dropped; what was not sent yet of them never will be."""

    def __bool__(self) -> bool:
        """Whether anything happened that a sender has to know."""
        return bool(self.rows or self.announced or self.gone)


class StoreError(Exception):
    """The store cannot be used; says what, where and what to do."""

    def __init__(self, message: str, *, zh: str) -> None:
        super().__init__(message)
        self.zh = zh


class StoreDamaged(StoreError):  # noqa: N818 - says what is the case
    """The file cannot be gone on with; opening it again sets it aside."""

    def __init__(self, message: str, *, zh: str, reason: str) -> None:
        super().__init__(message, zh=zh)
        self.reason = reason


class StoreLocked(StoreError):  # noqa: N818 - says what is the case
    """Another process has the store open."""
