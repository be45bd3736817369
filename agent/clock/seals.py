"""What was settled about the times of provisionally stamped rows: once, and for ever.

A row that bears a stamp is held back until its boot's clock is settled: `sync` when a time source
came, `free` when none came in time. What was settled is kept in the store before any row is sent
by it, so that a row is the same however often it is sent. Pure but for what it keeps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.clock.stamp import Stamp

How: TypeAlias = Literal["sync", "free", "kept"]
"""`sync`: dated by the true time. `free`: by the clock as it stood, unvouched. `kept`: not dated
anew, since the rows had begun to be sent."""

KEPT_IN: Final = "@clock"
"""Where the store's lessons keep it; no device can be called so."""
MOST_BOOTS: Final = 500
"""Boots remembered; rows of an older one that still wait are sent as they were stamped."""
MOST_SETTLED: Final = 200
"""Settlements remembered of one boot."""
_NS_PER_MS: Final = 1_000_000


class Settled(NamedTuple):
    """How everything stamped up to a moment of a boot, and not settled before, is dated."""

    at_ns: int
    """The moment, as time since boot."""
    how: How
    offset_ns: int
    """Wall clock minus time since boot by which it is dated."""


class Dating(NamedTuple):
    """What becomes of the times of a row."""

    shift_ms: int
    trusted: bool


class Seals:
    """The settlements of every boot; the current one is the only one that can still get any."""

    def __init__(self, boot: str, kept: Sequence[tuple[str, str, str, int]] = ()) -> None:
        """Take this boot's key, and the store's lessons."""
        self._boot = boot
        rows = sorted((row for row in kept if row[0] == KEPT_IN and row[2]), key=lambda r: r[3])
        self._boots = {row[1]: _read(row[2]) for row in rows}
        self._number = max((row[3] for row in rows), default=0) + 1

    @property
    def last(self) -> Settled | None:
        """The latest settlement of this boot."""
        settled = self._boots.get(self._boot)
        return settled[-1] if settled else None

    @property
    def vouched(self) -> Settled | None:
        """The latest settlement of this boot at which the clock was in sync."""
        found = [one for one in self._boots.get(self._boot, []) if one.how != "free"]
        return found[-1] if found else None

    def dating(self, stamp: Stamp) -> Dating | None:
        """Tell how a row is dated; None: not yet, it is to be held."""
        settled = self._boots.get(stamp.boot, [])
        for one in settled:
            if stamp.at_ns <= one.at_ns:
                return _dated(stamp, one)
        ended = stamp.boot != self._boot
        return (
            Dating(0, trusted=False) if ended or (settled and settled[-1].how == "free") else None
        )

    def settlement(self, *, synchronised: bool, offset_ns: int, at_ns: int) -> Settled:
        """Give what is to be kept, and then settled, now that a time source came, or none did.

        After `free` rows have gone out as they were stamped; what did so is not dated again.
        """
        last = self.last
        how: How = "free"
        if synchronised:
            how = "kept" if last is not None and last.how == "free" else "sync"
        return Settled(at_ns, how, offset_ns)

    def lessons(self, new: Settled) -> list[tuple[str, str, str, int]]:
        """Give the rows that keep a settlement, and forget the boots that are too many.

        Boots are in the order of a number in place of a time: no clock orders them.
        """
        settled = [*self._boots.get(self._boot, []), new][-MOST_SETTLED:]
        old = list(self._boots)[: max(0, len(self._boots) - MOST_BOOTS)]
        forgotten = [(KEPT_IN, boot, "", self._number) for boot in old if boot != self._boot]
        return [
            (
                KEPT_IN,
                self._boot,
                orjson.dumps([list(one) for one in settled]).decode(),
                self._number,
            ),
            *forgotten,
        ]

    def settle(self, new: Settled) -> None:
        """Date by it from now on; called after it was kept."""
        settled = self._boots.pop(self._boot, [])  # the latest boot stands last
        self._boots[self._boot] = [*settled, new][-MOST_SETTLED:]


def _dated(stamp: Stamp, settled: Settled) -> Dating:
    if settled.how == "kept":
        return Dating(0, trusted=False)
    shift_ms = round((settled.offset_ns - stamp.offset_ns) / _NS_PER_MS)
    return Dating(shift_ms, trusted=settled.how == "sync")


def _read(text: str) -> list[Settled]:
    return [Settled(*one) for one in orjson.loads(text)]
