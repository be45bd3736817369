"""Has the running agent write down which ledger it works by.

Guarantees: nothing is written while the clock of this box is not trusted, for an entry bears a
day; a journal that cannot be written is told and stops nobody's data.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Protocol

from agent.kpi.days import Calendar
from agent.ledger.entry import Source
from agent.ledger.journal import Journal, JournalError, journal_path
from agent.ledger.records import Declared

if TYPE_CHECKING:
    from agent.config.model import AgentConfig
    from agent.config.plan import Loaded

LOOK_S = 10.0
"""How often the clock is looked at until it is trusted."""
_NS_PER_MS = 1_000_000

_log = logging.getLogger("chulian.ledger")


class Dated(Protocol):
    """What this needs of the clock; `agent.clock.clock.Clock` is one."""

    @property
    def free(self) -> bool:
        """Whether nobody vouches for the clock."""


async def keep_history(loaded: Loaded, clock: Dated, *, look_s: float = LOOK_S) -> None:
    """Write down what differs from the last known ledger, once the clock can be trusted.

    An edit of the configuration file that nobody signed is told under the file's name.
    """
    config = loaded.config
    journal = Journal(journal_path(config.store.path))
    if not (config.processes or config.equipment or journal.path.exists()):
        return  # no ledger: nothing to keep
    while clock.free:  # noqa: ASYNC110 - a clock is looked at, it tells nobody
        await asyncio.sleep(look_s)
    try:
        written = await asyncio.to_thread(note, config, journal, file=loaded.path.name)
    except JournalError as error:
        _log.warning("%s", error.message.en)
        return
    if written:
        _log.info("ledger: %d records differ from before and are written down", written)


def note(config: AgentConfig, journal: Journal, *, file: str) -> int:
    """Write down how the ledger differs from the journal; gives the number of records.

    Raises:
        JournalError: the journal cannot be written, or is damaged.
    """
    now_ns = time.time_ns()
    entries = journal.record(
        Declared.of(config),
        at_ms=now_ns // _NS_PER_MS,
        day=Calendar(config.gateway.timezone).day(now_ns).date,
        who=file,
        source=Source.CONFIG,
    )
    return len(entries)
