"""What was declared on a day, and every change that led there. Pure.

An answer about a day before the journal began is None, never a guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from agent.ledger.entry import apply
from agent.ledger.records import Declared, declared_from

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from typing import Self

    from agent.config.ledger import Equipment
    from agent.ledger.entry import Entry, Source
    from agent.ledger.records import Key, Record


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries written at once: one edit of the ledger."""

    entries: tuple[Entry, ...]
    before: Declared | None
    """None where the journal begins."""
    after: Declared | None
    """None while there is no enterprise."""

    @property
    def day(self) -> date:
        """Day of the edit, in the factory's calendar."""
        return self.entries[0].day

    @property
    def at_ms(self) -> int:
        """When it was written down, UTC ms."""
        return self.entries[0].at_ms

    @property
    def who(self) -> str:
        """Who changed it."""
        return self.entries[0].who

    @property
    def source(self) -> Source:
        """Where the change came from."""
        return self.entries[0].source

    @property
    def note(self) -> str:
        """Why it was changed; empty where nobody said."""
        return self.entries[0].note


@dataclass(frozen=True, slots=True)
class History:
    """All edits, oldest first."""

    batches: tuple[Batch, ...]

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Self:
        """Replay entries that follow from each other (`agent.ledger.entry.checked`).

        Raises:
            ValueError: a record does not have the shape known to this program.
        """
        state: dict[Key, Record] = {}
        batches: list[Batch] = []
        before: Declared | None = None
        for _, group in groupby(entries, key=lambda one: (one.at_ms, one.who, one.source)):
            batch = tuple(group)
            for entry in batch:
                apply(entry, state)
            after = declared_from(state.items())
            batches.append(Batch(batch, before, after))
            before = after
        return cls(tuple(batches))

    @property
    def first_day(self) -> date | None:
        """Day the journal begins."""
        return self.batches[0].day if self.batches else None

    @property
    def machines(self) -> tuple[Equipment, ...]:
        """Every machine that ever was in the ledger, as it was last."""
        found: dict[str, Equipment] = {}
        for batch in self.batches:
            found |= {one.id: one for one in (batch.after.equipment if batch.after else ())}
        return tuple(found.values())

    def as_of(self, day: date) -> Declared | None:
        """Give what was declared at the end of a day; None before the journal began.

        An edit counts from its own day; one that was followed by an edit of an earlier day (the
        clock was wrong) counts with that.
        """
        known = [batch for batch in self.batches if batch.day <= day]
        return known[-1].after if known else None
