"""Whether every stage of the agent moves, or waits for something it has a right to wait for.

A look is taken every `LOOK_S`; a stage that owed something at two looks in a row and did not move
between them stands still, and has a name in `stalled` once it has done so for longer than it may.
Guarantees: nothing is concluded from a time in which this process itself did not run. Never acts:
the watchdog is not fed, and who supervises the process does the rest.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from agent.looks import next_look

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

STALLED_S = 30.0
"""A stage that owes something and has not moved for so long stands still."""
LOOK_S = 2.0
"""How often a look is taken."""
AWAY_S = 5.0
"""A look that comes so much late tells of the process, or the whole box, not of a stage."""


class Pulse(NamedTuple):
    """One stage at one look."""

    moved: Hashable
    """Differs from that of the last look if anything was done in between."""
    waits: bool
    """Whether it has nothing to do, or waits for the world: a machine, a broker, a disk."""
    patience_s: float = 0.0
    """What it may take beyond `STALLED_S`."""


class Progress:
    """Watches the stages of one agent."""

    def __init__(
        self,
        stages: Mapping[str, Callable[[], Pulse]],
        *,
        more: Callable[[], Mapping[str, Callable[[], Pulse]]] = dict,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the stages there are, and `more` that come and go."""
        self._stages = dict(stages)
        self._more = more
        self._monotonic = monotonic
        self._looked_s = monotonic()
        self._last: dict[str, Hashable] = {}
        self._since_s = dict.fromkeys(self._stages, self._looked_s)
        self._stalled: list[str] = []

    def stalled(self) -> list[str]:
        """Name the stages that stood still at the last look."""
        return self._stalled

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            self.look()
            await next_look(LOOK_S)

    def look(self) -> None:
        """Take one look at every stage."""
        now_s = self._monotonic()
        away = now_s - self._looked_s > LOOK_S + AWAY_S
        self._looked_s = now_s
        found: list[str] = []
        stages = {**self._stages, **self._more()}
        self._since_s = {n: since for n, since in self._since_s.items() if n in stages}
        for name, pulse_of in stages.items():
            pulse = pulse_of()
            if (
                name not in self._since_s
                or away
                or pulse.waits
                or self._last.get(name) != pulse.moved
            ):
                self._last[name] = pulse.moved
                self._since_s[name] = now_s
            elif now_s - self._since_s[name] > STALLED_S + pulse.patience_s:
                found.append(name)
        self._stalled = found
