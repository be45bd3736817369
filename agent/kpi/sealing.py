"""Sealing days while the agent runs: the chain as it is kept in the store, and what is due.

A gateway whose key cannot be used goes on without sealing, and says so; days are then sealed when
the key is back, none is left out.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final, Protocol

from agent.kpi.device_key import KeyUnusableError, key_beside, load_or_make
from agent.kpi.digest import KEPT_IN, DigestChain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from agent.kpi.calendar import ShopCalendar
    from agent.kpi.deviceday import DeviceDay
    from agent.store.outbox import LessonRow

LOOK_EVERY_S: Final = 600.0
"""How often one looks whether a day is due."""

_log = logging.getLogger("chulian.kpi")


class Keeps(Protocol):
    """What this needs of the store."""

    def put_lessons(self, lessons: Sequence[LessonRow]) -> None:
        """Hand in digests, kept with the lessons."""


class Sealing:
    """The chain of one gateway, and its key."""

    def __init__(self, store: Path, lessons: Iterable[LessonRow] = ()) -> None:
        """Take where the store is, and its lessons, which hold the chain so far."""
        self._path = key_beside(store)
        self._key: Ed25519PrivateKey | None = None
        self._chain = chain_of(lessons)
        self._due_s = 0.0

    def lines(self) -> tuple[bytes, ...]:
        """Give the chain, a line each."""
        return self._chain.lines()

    def seal(
        self, store: Keeps, days: Callable[[], Iterable[DeviceDay]], calendar: ShopCalendar
    ) -> None:
        """Seal what is due; call it only while the clock is trusted, as often as one likes."""
        if time.monotonic() < self._due_s:
            return
        self._due_s = time.monotonic() + LOOK_EVERY_S
        now_ms, known = time.time_ns() // 1_000_000, list(days())
        if not self._chain.due(known, now_ms=now_ms, calendar=calendar):
            return  # nothing to sign: the key, and 9 MB of cryptography, are not loaded
        if self._key is None:
            try:
                self._key = load_or_make(self._path)
            except KeyUnusableError as error:
                _log.error("days are not sealed: %s", error)
                return
        made = self._chain.seal_due(known, now_ms=now_ms, calendar=calendar, key=self._key)
        if made:
            store.put_lessons(
                [(KEPT_IN, f"{one.nr:08d}", one.line().decode(), now_ms) for one in made]
            )


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
