"""Whose number a row bears: the store's epoch, or that of a life before.

Numbers never repeat within an epoch. When the medium has lost rows, or a file was replaced, the
store begins a new life with a new epoch; rows of the lives before keep their own epoch and number,
so that a receiver recognises what it has.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from agent.store.outbox import Life

if TYPE_CHECKING:
    import sqlite3

    from agent.store.outbox import Range


class Lives:
    """The lives of a store by the last seq of each; the present one has no last."""

    def __init__(self, connection: sqlite3.Connection, *, epoch: str, base: int) -> None:
        found = connection.execute("SELECT last, base, epoch FROM lives ORDER BY last").fetchall()
        self._lasts = [last for last, _, _ in found]
        self._lives: list[Life | None] = [Life(epoch, base) for _, base, epoch in found]
        self._lives.append(Life(epoch, base) if base else None)
        self._present = self._lives[-1]

    def of(self, seq: int) -> Life | None:
        """Give the life of a row; None: number and seq are the same, in the present epoch."""
        return self._lives[bisect_left(self._lasts, seq)] if self._lasts else self._present

    def numbers(self, first: int, last: int) -> tuple[Range, str]:
        """Give the numbers on the wire of seqs of one life, and its epoch where it is past."""
        life = self.of(first)
        if life is None:
            return (first, last), ""
        epoch = "" if life is self._present else life.epoch
        return (first - life.base, last - life.base), epoch
