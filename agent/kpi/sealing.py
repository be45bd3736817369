"""Sealing days while the agent runs: the chain as it is kept in the store, and what is due.

A gateway whose key or journal cannot be read goes on without sealing, and says so; days are then
sealed when it can be read again, none is left out. Sealing computes and waits: not on the event
loop.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from agent.kpi.device_key import key_beside
from agent.kpi.digest import KEPT_IN, DigestChain
from agent.kpi.signing import KeyElsewhere

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from agent.kpi.calendar import ShopCalendar
    from agent.kpi.deviceday import DeviceDay
    from agent.store.outbox import LessonRow

LOOK_EVERY_S: Final = 600.0
"""How often one looks whether a day is due."""

_log = logging.getLogger("chulian.kpi")


class Sealing:
    """The chain of one gateway, and its key."""

    def __init__(
        self,
        store: Path,
        lessons: Iterable[LessonRow] = (),
        *,
        journal: Callable[[], str] = str,
    ) -> None:
        """Take where the store is, and its lessons, which hold the chain so far.

        `journal` gives the hash of the last entry of the ledger's journal, or raises OSError; it is
        called from another thread.
        """
        self._path = key_beside(store)
        self._journal = journal
        self._chain = chain_of(lessons)
        self._due_s = 0.0

    def lines(self) -> tuple[bytes, ...]:
        """Give the chain, a line each."""
        return self._chain.lines()

    @property
    def looks(self) -> bool:
        """Whether it is time to look for days that are due."""
        return time.monotonic() >= self._due_s

    def seal(self, days: Sequence[DeviceDay], calendar: ShopCalendar) -> list[LessonRow]:
        """Seal what is due, and give what the store has to keep; only with a trusted clock."""
        self._due_s = time.monotonic() + LOOK_EVERY_S
        now_ms = time.time_ns() // 1_000_000
        if not self._chain.due(days, now_ms=now_ms, calendar=calendar):
            return []
        try:
            journal = self._journal()
            with KeyElsewhere(self._path) as key:
                made = self._chain.seal_due(
                    days, now_ms=now_ms, calendar=calendar, key=key, journal=journal
                )
        except OSError as error:  # of the journal, or of the key
            _log.error("days are not sealed: %s", error)
            return []
        return [(KEPT_IN, f"{one.nr:08d}", one.line().decode(), now_ms) for one in made]


def chain_of(lessons: Iterable[LessonRow]) -> DigestChain:
    """Read the chain out of the store's lessons; ends before the first line that is none."""
    rows = sorted((row[1], row[2]) for row in lessons if row[0] == KEPT_IN)
    chain = [text.encode() for _, text in rows]
    while chain:
        try:
            return DigestChain.of_lines(chain)
        except ValueError:
            chain.pop()
    return DigestChain()
