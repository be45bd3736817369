"""One of several destinations: what it has settled, what became of the rows for it, and why.

Its law, since it was added: stored = acked + rejected + dropped + waiting, with a count for each
cause of a drop. How many rows wait is told by its settled ranges, not by its counters: that both
agree is a check, and no arithmetic of one with itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from agent.store.positions import LOWEST_SEQ
from agent.store.ranges import Ranges
from agent.telemetry.status import Count

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from agent.store.outbox import Range

_COLUMNS: Final = (
    "settled_to, before_rows, before_values, acked_rows, acked_values, "
    "rejected_rows, rejected_values, dropped_rows, dropped_values, "
    "lost_first, lost_last, lost_rows, lost_values"
)
_SET: Final = ", ".join(f"{name} = ?" for name in _COLUMNS.split(", "))
_WRITE: Final = f"UPDATE destinations SET {_SET} WHERE id = ?"  # noqa: S608 - names of ours
_READ: Final = f"SELECT name, id, {_COLUMNS} FROM destinations ORDER BY id"  # noqa: S608 - names of ours

Lost: TypeAlias = "tuple[int, int, Count] | None"
Saved: TypeAlias = "tuple[Any, ...]"


class ShareCounts(NamedTuple):
    """What became of the rows for one destination."""

    before: Count
    """Rows that the store had done with when the destination was added: not its concern."""
    acked: Count
    rejected: Count
    dropped: Count

    def waiting(self, stored: Count) -> Count:
        """Give what is left of all that was stored."""
        return stored - self.before - self.acked - self.rejected - self.dropped


class ShareSeen(NamedTuple):
    """One destination as of one commit, for other threads to see."""

    counts: ShareCounts
    causes: dict[str, Count]
    """What was dropped, by cause."""
    waiting_rows: int
    """Numbers in none of its settled ranges: every one of them is a row."""


@dataclass(slots=True)
class Share:
    """One destination."""

    number: int
    name: str
    must: bool
    settled: Ranges
    counts: ShareCounts
    causes: dict[str, Count] = field(default_factory=dict)
    """What was dropped, by cause."""
    lost: Lost = None
    """Dropped for it and not told yet: first and last seq, and how many."""
    heard: bool = False
    """Whether it has accepted something in this transaction: it is there to be told."""
    written: frozenset[Range] = frozenset()
    written_causes: dict[str, Count] = field(default_factory=dict)

    def waiting_rows(self, last_seq: int) -> int:
        """Count the numbers that wait for it."""
        return sum(last - first + 1 for first, last in self.settled.outside(LOWEST_SEQ, last_seq))

    def drop(self, cause: str, count: Count) -> None:
        """Count rows, or what was left of them, out as dropped."""
        self.counts = self.counts._replace(dropped=self.counts.dropped + count)
        self.causes = self.causes | {cause: self.causes.get(cause, Count()) + count}

    def seen(self, last_seq: int) -> ShareSeen:
        """Give what others may see of it."""
        return ShareSeen(self.counts, self.causes, self.waiting_rows(last_seq))

    def saved_state(self) -> Saved:
        """Give what is in memory, to go back to."""
        return (
            self.settled.copy(), self.counts, self.causes, self.lost, self.written,
            self.written_causes,
        )  # fmt: skip

    def restore(self, state: Saved) -> None:
        """Go back to what was."""
        (
            self.settled, self.counts, self.causes, self.lost, self.written, self.written_causes,
        ) = state  # fmt: skip
        self.heard = False

    def write(self, connection: sqlite3.Connection) -> None:
        """Write its counters and its place, inside the caller's transaction."""
        (_, settled_to), *beyond = self.settled
        lost: tuple[Any, ...] = (None, None, 0, 0)
        if self.lost is not None:
            lost = (*self.lost[:2], *_flat(self.lost[2]))
        flat = [part for count in self.counts for part in _flat(count)]
        connection.execute(_WRITE, (settled_to, *flat, *lost, self.number))
        now, before = frozenset(beyond), self.written
        if now != before:
            self.written = now
            connection.executemany(
                "DELETE FROM positions WHERE destination = ? AND first = ?",
                [(self.number, first) for first, _ in before - now],
            )
            connection.executemany(
                "INSERT INTO positions VALUES (?, ?, ?)",
                [(self.number, *span) for span in now - before],
            )
        if self.causes != self.written_causes:
            self.written_causes = self.causes
            connection.executemany(
                "INSERT OR REPLACE INTO destination_causes VALUES (?, ?, ?, ?)",
                [(self.number, cause, *_flat(count)) for cause, count in self.causes.items()],
            )


def read_shares(connection: sqlite3.Connection) -> dict[str, Share]:
    """Read every destination that the store knows, by name; none of them must have every row."""
    return {name: _share(connection, name, rest) for name, *rest in connection.execute(_READ)}


def _flat(count: Count) -> tuple[int, int]:
    return count.rows, count.values


def _share(connection: sqlite3.Connection, name: str, row: Sequence[int]) -> Share:
    number, settled_to, *counts = row
    beyond = connection.execute(
        "SELECT first, last FROM positions WHERE destination = ? ORDER BY first", (number,)
    ).fetchall()
    causes = {
        cause: Count(rows, values)
        for cause, rows, values in connection.execute(
            "SELECT cause, row_count, value_count FROM destination_causes WHERE destination = ?",
            (number,),
        )
    }
    pairs = [Count(*counts[at : at + 2]) for at in range(0, 8, 2)]
    return Share(
        number,
        name,
        must=False,
        settled=Ranges([(LOWEST_SEQ, settled_to), *beyond]),
        counts=ShareCounts(*pairs),
        causes=causes,
        lost=None if counts[8] is None else (counts[8], counts[9], Count(*counts[10:])),
        written=frozenset(beyond),
        written_causes=causes,
    )
