"""Tells the platform of each sealed day while the agent runs, and remembers its rate.

Guarantees: a digest is handed to the store with the event that tells it; an indicator that a crash
kept back is told at the next start. A day too old for its whole window to be in memory gets no
indicator, and that is said.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any, Final, Protocol

from agent.indicator.dayrate import DayRate
from agent.indicator.message import digest_parts, indicator_parts
from agent.indicator.past import Past
from agent.indicator.periods import Span, periods
from agent.kpi.deviceday import canonical
from agent.kpi.digest import KEPT_IN as CHAIN
from agent.kpi.digest import Digest
from agent.ledger.entry import checked
from agent.ledger.history import History
from agent.ledger.journal import Journal, JournalError, journal_path

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from datetime import date

    from agent.config.model import AgentConfig
    from agent.indicator.past import Judges
    from agent.ledger.entry import Checked
    from agent.store.outbox import LessonRow

KEPT_IN: Final = "@rate"
"""Where the store's lessons keep the rates of past days; no device can be called so."""
DAILY: Final = 400
"""So many days are remembered one by one; of older months only the last."""
SHOWN_DAYS: Final = 31
SHOWN_MONTHS: Final = 24

_log = logging.getLogger("chulian.indicator")


class Keeps(Protocol):
    """What this needs of the store."""

    def put_lessons(self, lessons: Sequence[LessonRow]) -> None:
        """Hand in what is to be kept."""


class Indicators:
    """What was told of past days, and what is still to be told."""

    def __init__(
        self,
        config: AgentConfig,
        lessons: Iterable[LessonRow],
        tell: Callable[..., None],
    ) -> None:
        """Take the lessons of the store, and what makes an event of a kind and its fields."""
        rows = list(lessons)
        self._config, self._tell = config, tell
        self._known = {one.day: one for one in remembered(rows)}
        sealed = _digests(rows)
        self._bound = {one.day: one.journal for one in sealed}
        self._due = self._bound.keys() - self._known.keys()
        self.key = _newest_key(sealed)
        """The public key of the newest digest, hexadecimal; empty before the first."""
        self.on_key: Callable[[], Awaitable[None]] | None = None
        """Has the key announced, called when it is another one."""
        self._announced = self.key

    def renew(self, config: AgentConfig) -> None:
        """Go on by another ledger; days before it are judged by the one declared then."""
        self._config = config

    def sealed(self, lessons: Iterable[LessonRow]) -> None:
        """Tell digests that are being handed to the store; their days' rates are due."""
        for digest in _digests(lessons):
            self.key = digest.key
            self._bound[digest.day] = digest.journal
            self._due.add(digest.day)
            for fields in digest_parts(digest):
                self._tell("digest", **fields)

    async def catch_up(self, store: Keeps, judge: Judges, *, since: date, now_ms: int) -> None:
        """Tell and remember the rate of every day that is due and not before `since`."""
        if self.on_key is not None and self.key != self._announced:
            self._announced = self.key
            await self.on_key()
        due = sorted(day for day in self._due if day >= since)
        late = len(self._due) - len(due)
        self._due.clear()
        if late:
            _log.warning("%d sealed days are too old for an indicator of their own", late)
        if not due or not self._config.processes:
            return
        journal = await asyncio.to_thread(read_journal, self._config)
        past = Past(self._config, History.of(journal.entries), judge)
        for day in due:
            result, rate = past.day(day)
            bound = self._bound.get(day, "")  # what was signed, though it has more entries by now
            known = journal.last_hash if journal.entries else ""
            parts = indicator_parts(result, ledger=rate.ledger, journal=bound or known)
            for fields in parts:
                self._tell("indicator", **fields)
            self._remember(rate, store, now_ms)
            await asyncio.sleep(0)  # a day of many machines takes tens of milliseconds

    def history(self) -> dict[str, Any]:
        """Give the last days and months as JSON types, oldest first."""
        days, months = (periods(self._known.values(), span) for span in (Span.DAY, Span.MONTH))
        return {
            "days": [one.document() for one in days[-SHOWN_DAYS:]],
            "months": [one.document() for one in months[-SHOWN_MONTHS:]],
        }

    def _remember(self, rate: DayRate, store: Keeps, now_ms: int) -> None:
        self._known[rate.day] = rate
        gone = too_old(self._known)
        rows = [(KEPT_IN, rate.day.isoformat(), canonical(rate.document()), now_ms)]
        for day in gone:
            del self._known[day]
        store.put_lessons(rows + [(KEPT_IN, day.isoformat(), "", now_ms) for day in gone])


def remembered(lessons: Iterable[LessonRow]) -> list[DayRate]:
    """Read the rates of past days out of a store's lessons; what is none is left aside."""
    found = []
    for device, _, text, _ in lessons:
        if device != KEPT_IN:
            continue
        try:
            found.append(DayRate.of_document(json.loads(text)))
        except ValueError:
            _log.warning("a remembered rate cannot be read and is left aside")
    return found


def too_old(days: Iterable[date]) -> list[date]:
    """Give the days to forget: beyond the newest `DAILY`, all but the last of each month."""
    ordered = sorted(days)
    old = ordered[:-DAILY]
    last = {(day.year, day.month): day for day in ordered}
    return [day for day in old if last[day.year, day.month] != day]


def read_journal(config: AgentConfig) -> Checked:
    """Read the ledger's journal as far as it can be believed; without one, an empty one."""
    journal = Journal(journal_path(config.store.path))
    try:
        return journal.read()
    except JournalError as error:
        _log.warning("%s", error.message.en)
        return checked(())


def journal_hash(config: AgentConfig) -> str:
    """Give the hash of the last entry of the ledger's journal; OSError where it is unreadable."""
    try:
        return Journal(journal_path(config.store.path)).read().last_hash
    except JournalError as error:
        raise OSError(error.message.en) from error


def key_of(lessons: Iterable[LessonRow]) -> str:
    """Give the public key of the newest digest among a store's lessons; empty without one."""
    return _newest_key(_digests(lessons))


def _newest_key(digests: Sequence[Digest]) -> str:
    return max(digests, key=lambda one: one.nr).key if digests else ""


def _digests(rows: Iterable[LessonRow]) -> list[Digest]:
    return [digest for row in rows if (digest := _digest(row)) is not None]


def _digest(row: LessonRow) -> Digest | None:
    if row[0] != CHAIN:
        return None
    try:
        return Digest.of_line(row[2].encode())
    except ValueError:
        return None
