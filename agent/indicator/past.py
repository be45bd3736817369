"""The rate of past days: by the ledger as it was declared then, from the days on record. Pure.

A day before the ledger's journal began is judged by the oldest ledger that is known.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from agent.indicator.changes import changes
from agent.indicator.dayrate import DayRate
from agent.publish.announce import ledger_hash

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from agent.config.model import AgentConfig
    from agent.kpi.result import RateResult
    from agent.ledger.history import History

    Judges = Callable[[AgentConfig, date], RateResult]
    """Computes the rate by a configuration as of a day."""


def declared_then(config: AgentConfig, history: History, day: date) -> AgentConfig:
    """Give the configuration with the ledger that was declared at the end of a day."""
    first = history.first_day
    known = history.as_of(day if first is None or day > first else first)
    if known is None:
        return config
    return config.model_copy(
        update={
            "enterprise": known.enterprise,
            "locations": known.locations,
            "processes": known.processes,
            "equipment": known.equipment,
        }
    )


class Past:
    """Judges days one after the other; each day is computed once, also as the day before."""

    def __init__(self, config: AgentConfig, history: History, judge: Judges) -> None:
        self._config, self._history, self._judge = config, history, judge
        self._last: RateResult | None = None

    def result(self, day: date) -> RateResult:
        """Give the rate as of a day; the same day twice in a row costs nothing."""
        if self._last is None or self._last.asked.last != day:
            self._last = self._judge(declared_then(self._config, self._history, day), day)
        return self._last

    def day(self, day: date) -> tuple[RateResult, DayRate]:
        """Give the rate as of a day, and what is remembered of it."""
        before = self.result(day - timedelta(days=1))
        after = self.result(day)
        moved = changes(before, after, self._history)
        return after, DayRate.of(after, ledger=self.ledger(day), changes=moved)

    def ledger(self, day: date) -> str:
        """Give the hash of the ledger of a day, as the platform can compute it too."""
        return ledger_hash(declared_then(self._config, self._history, day))
