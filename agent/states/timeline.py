"""One signal over time: which state held from when to when, and which changes count.

Pure, in milliseconds; times never run backwards here. What is not confirmed again in time is
`unknown` from its last confirmation on: the last state is never carried through a silence. A state
shorter than the dwell time does not count: its time belongs to the state before it.
"""

from __future__ import annotations

from typing import NamedTuple

UNKNOWN = "unknown"


class Piece(NamedTuple):
    """A state that held from `from_ms` up to, without it, `to_ms`."""

    state: str
    from_ms: int
    to_ms: int


class Change(NamedTuple):
    """A change that counts."""

    was: str
    state: str
    at_ms: int
    lasted_ms: int
    """How long the earlier state had lasted."""


class Timeline:
    """Takes what is seen of one signal, in the order of receipt; gives pieces and changes."""

    def __init__(self, *, dwell_ms: int, hold_ms: int | None) -> None:
        """Take the least length of a state, and how long it holds unconfirmed; None: for ever."""
        self._dwell_ms = dwell_ms
        self._hold_ms = hold_ms
        self._state = UNKNOWN
        self._since_ms = 0
        self._pending: tuple[str, int] | None = None
        self._counted_ms = 0
        self._seen_ms: int | None = None
        self._pieces: list[Piece] = []
        self._changes: list[Change] = []

    @property
    def state(self) -> str:
        """The state that counts now."""
        return self._state

    def see(self, state: str, *, at_ms: int, seen_ms: int) -> None:
        """Take a state that holds since `at_ms` by its source, received at `seen_ms`.

        A source time before what was confirmed, or after the receipt, is another clock's: the
        nearer of the two bounds counts then.
        """
        self._begin(seen_ms)
        at_ms = max(self._seen_ms or 0, min(at_ms, seen_ms))
        self.confirm(at_ms)
        if state == self._state:
            self._pending = None
        elif self._pending is None or self._pending[0] != state:
            self._pending = (state, at_ms)
            if UNKNOWN in (state, self._state) or not self._dwell_ms:
                self._accept(state, at_ms)
        self.confirm(seen_ms)

    def confirm(self, seen_ms: int) -> None:
        """Take a sign of life: what was seen last holds until now."""
        self._begin(seen_ms)
        before_ms = self._seen_ms or 0
        if seen_ms <= before_ms:
            return
        if self._hold_ms is not None and seen_ms - before_ms > self._hold_ms:
            self.lose()
        self._seen_ms = seen_ms
        if self._pending is not None and seen_ms - self._pending[1] >= self._dwell_ms:
            self._accept(*self._pending)
        self._count(seen_ms if self._pending is None else self._pending[1])

    def lose(self) -> None:
        """Take the loss of the signal: since it was confirmed last nothing is known."""
        if self._seen_ms is None or self._state == UNKNOWN:
            return
        self._pending = None
        self._accept(UNKNOWN, self._seen_ms)

    def drain(self) -> tuple[list[Piece], list[Change]]:
        """Give what came to be certain since the last call."""
        found = self._pieces, self._changes
        self._pieces, self._changes = [], []
        return found

    def _begin(self, seen_ms: int) -> None:
        if self._seen_ms is None:
            self._seen_ms = self._counted_ms = self._since_ms = seen_ms

    def _accept(self, state: str, at_ms: int) -> None:
        self._count(at_ms)
        self._changes.append(Change(self._state, state, at_ms, at_ms - self._since_ms))
        self._state, self._since_ms, self._pending = state, at_ms, None

    def _count(self, until_ms: int) -> None:
        if until_ms > self._counted_ms:
            self._pieces.append(Piece(self._state, self._counted_ms, until_ms))
            self._counted_ms = until_ms
