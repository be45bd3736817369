"""Values of a device's own history, counted for the shift they are of.

A state of the past counts from its sight to the next one, an hour at most, and only where nothing
was known; live values always stand. Parts counted in one sum after a silence are moved to the
shifts in which the history shows them. Never counts a time or a part twice. One thread only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent.states.timeline import UNKNOWN, Timeline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.kpi.segments import Bucket
    from agent.states.timeline import Piece

HOLD_MS: Final = 3_600_000
"""A state of the past that the next sight confirms only later is not known in between."""
MOST_PAST_MS: Final = 40 * 86_400_000
"""What is older is of no record that is kept."""


class PastStates:
    """The time lines of one machine's history; of one silence at a time."""

    def __init__(self) -> None:
        self._lines: dict[str, tuple[Timeline, int]] = {}

    def see(self, role: str, state: str | None, *, at_ms: int, dwell_ms: int) -> Iterator[Piece]:
        """Take a state, None for one that is not good; yield what came to be known by it."""
        line, seen_ms = self._lines.get(role, (None, 0))
        if line is None or at_ms < seen_ms:
            line = Timeline(dwell_ms=dwell_ms, hold_ms=HOLD_MS)
        self._lines[role] = (line, at_ms)
        if state is None:
            line.confirm(at_ms)
            line.lose()
        else:
            line.see(state, at_ms=at_ms, seen_ms=at_ms)
        pieces, _ = line.drain()
        yield from (piece for piece in pieces if piece.state != UNKNOWN)

    def forget(self) -> None:
        """Begin anew: what comes is of another silence."""
        self._lines.clear()


@dataclass(slots=True)
class Jump:
    """What a counter added in one sum after a silence, as far as nobody told when."""

    reading: int
    """What is known of it up to now."""
    at_ms: int
    """When it had that reading."""
    to_reading: int
    to_ms: int
    bucket: Bucket
    """Where the sum was counted."""

    def shows(self, reading: int, at_ms: int) -> int:
        """Take a reading of the past; give how many parts were made by then, 0 where it is none."""
        if not (self.at_ms < at_ms < self.to_ms and self.reading <= reading <= self.to_reading):
            return 0
        made, self.reading, self.at_ms = reading - self.reading, reading, at_ms
        return made
