"""The wall clock's state and history: `sync`, `hold` or `free`, and every step it made.

Guarantees: a state is `sync` only while the kernel, or a file that stands for another time source,
says so, and never at a date that cannot be; `hold` only while the clock still runs on from there
without a step; everything else is `free`. A step is seen within `LOOK_S`, or by the next row that
is stored. Never sets a clock.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from math import inf
from typing import TYPE_CHECKING, Final, NamedTuple

from agent.clock.kernel import KernelSync, boot_id, boottime_ns, both_clocks
from agent.clock.stamp import Stamp, boot_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SYNC: Final = "sync"
"""Disciplined by a time source now."""
HOLD: Final = "hold"
"""Was disciplined in this boot, is not now, and has run on without a step."""
FREE: Final = "free"
"""Never disciplined in this boot, set by hand since, or at a date that cannot be."""

LOOK_S: Final = 1.0
"""How often the clock is looked at."""
FRESH_S: Final = 5.0
"""Messages ask for every one of them; the kernel itself takes minutes to see a lost time source."""
STEP_NS: Final = 500_000_000
"""A larger change between wall clock and time since boot is a step."""
DRIFT_PPM: Final = 100
"""How far a clock on its own may go wrong: a plain quartz between a cold and a hot cabinet."""
EARLIEST_NS: Final = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000_000
"""Before this no clock can be right: the program did not exist."""
LATEST_NS: Final = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000_000
"""After this nobody runs this program."""
SETTLED_NS: Final = 900 * 1_000_000_000
"""Frames wait at most so long to be stored: after it no frame of an earlier era is around."""
MOST_ERAS: Final = 64
"""Eras remembered, to date the beginning of a gap that lasts."""


class Era(NamedTuple):
    """A stretch of time in which the wall clock ran without a step and under one trust."""

    offset_ns: int
    """Wall clock minus time since boot."""
    since_ns: int
    """Time since boot at which it was seen to begin."""
    free: bool
    """Whether nobody vouched for the clock."""


def plausible(wall_ns: int) -> bool:
    """Tell whether a wall clock may be right at all."""
    return EARLIEST_NS <= wall_ns < LATEST_NS


class Clock:
    """Tells the state of the wall clock, and dates what was stamped by it.

    `look` and `state` are called in the event loop; `steady`, `era_of` and `stamp` anywhere.
    """

    def __init__(
        self,
        *,
        synchronised: Callable[[], bool] | None = None,
        synchronised_file: Path | None = None,
        wall_ns: Callable[[], int] = time.time_ns,
        boot_ns: Callable[[], int] = boottime_ns,
        boot: str | None = None,
    ) -> None:
        self._ask = synchronised or KernelSync()
        self._file = synchronised_file
        self._wall_ns, self._boot_ns = wall_ns, boot_ns
        self.boot = boot_key(boot_id() if boot is None else boot)
        """Key of this boot."""
        wall, up = both_clocks(wall_ns, boot_ns)
        self.begun_ns = up
        """Time since boot at which this clock was made."""
        self.stamped_ns = -1
        """Time since boot of the latest row that was stamped provisionally; -1: none."""
        self._vouched: tuple[int, int] | None = None  # offset and time since boot, when in sync
        self._state, self._looked_s = FREE, -inf
        self._stepped_ns = self._steps = 0
        self._eras: tuple[Era, ...] = (Era(wall - up, up, free=True),)
        self.look()
        self._eras = self._eras[-1:]

    # -- in the event loop -----------------------------------------------------------------------

    def vouch(self, offset_ns: int, at_ns: int) -> None:
        """Take in that the clock was in sync earlier in this boot."""
        if self._vouched is None:
            self._vouched = (offset_ns, at_ns)
            self.look()

    def look(self) -> None:
        """Look at the clock now."""
        self._looked_s = time.monotonic()
        wall_ns, up_ns = both_clocks(self._wall_ns, self._boot_ns)
        offset_ns = wall_ns - up_ns
        last = self._eras[-1]
        self._state = self._judge(wall_ns, offset_ns, up_ns)
        free = self._state == FREE
        step_ns = offset_ns - last.offset_ns
        stepped = abs(step_ns) > STEP_NS
        if stepped:
            self._stepped_ns += step_ns
            self._steps += 1
        if stepped or free != last.free:
            self._eras = (*self._eras, Era(offset_ns, up_ns, free))[-MOST_ERAS:]

    def take_steps(self) -> tuple[int, int]:
        """Give how far the clock was moved since the last call, in ns, and in how many steps."""
        moved, self._stepped_ns, self._steps = (self._stepped_ns, self._steps), 0, 0
        return moved

    def state(self) -> str:
        """Give `sync`, `hold` or `free`, at most `FRESH_S` old."""
        if time.monotonic() - self._looked_s >= FRESH_S:
            self.look()
        return self._state

    @property
    def free(self) -> bool:
        """Whether nobody vouched for the clock at the last look."""
        return self._state == FREE

    @property
    def vouched(self) -> bool:
        """Whether the clock was in sync at any time of this boot, as far as is known."""
        return self._vouched is not None

    @property
    def error_ms(self) -> int | None:
        """How far the clock may be wrong by now; None when nobody can tell."""
        if self._state == FREE or self._vouched is None:
            return None
        alone_ns = 0 if self._state == SYNC else self._boot_ns() - self._vouched[1]
        return alone_ns * DRIFT_PPM // 1_000_000 // 1_000_000

    # -- anywhere --------------------------------------------------------------------------------

    @property
    def offset_ns(self) -> int:
        """Wall clock minus time since boot, now."""
        wall_ns, up_ns = both_clocks(self._wall_ns, self._boot_ns)
        return wall_ns - up_ns

    @property
    def up_ns(self) -> int:
        """Time since boot, now."""
        return self._boot_ns()

    @property
    def plausible(self) -> bool:
        """Whether the wall clock may be right at all."""
        return plausible(self._wall_ns())

    @property
    def steady(self) -> bool:
        """Whether all that waits to be stored was stamped by a trusted clock without a step."""
        eras, up_ns = self._eras, self._boot_ns()
        last = eras[-1]
        if last.free or (len(eras) > 1 and up_ns - last.since_ns < SETTLED_NS):
            return False
        return abs(self._wall_ns() - up_ns - last.offset_ns) <= STEP_NS

    def eras(self) -> tuple[Era, ...]:
        """Give the eras known, oldest first; a step nobody has looked at yet ends with a free one.

        What is stamped after such a step is dated anew when the next look finds it was a
        correction.
        """
        known, offset_ns = self._eras, self.offset_ns
        if abs(offset_ns - known[-1].offset_ns) <= STEP_NS:
            return known
        return (*known, Era(offset_ns, self._boot_ns(), free=True))

    def stamp(self, era: Era, read_ns: int) -> Stamp:
        """Make the provisional stamp of what was read at a wall time of an era."""
        at_ns = read_ns - era.offset_ns
        self.stamped_ns = max(self.stamped_ns, at_ns)
        return Stamp(self.boot, era.offset_ns, at_ns)

    # -- judging ---------------------------------------------------------------------------------

    def _judge(self, wall_ns: int, offset_ns: int, up_ns: int) -> str:
        if not plausible(wall_ns):
            return FREE
        if self._synchronised():
            self._vouched = (offset_ns, up_ns)
            return SYNC
        if self._vouched is None or abs(offset_ns - self._vouched[0]) > STEP_NS:
            return FREE
        return HOLD

    def _synchronised(self) -> bool:
        return self._ask() or (self._file is not None and self._file.exists())


def era_of(eras: tuple[Era, ...], wall_ns: int, up_ns: int) -> Era:
    """Tell in which era something was stamped; `up_ns` is now, after it.

    By each era's own offset the stamp lies somewhere in the time since boot; it is of the era in
    whose span that is. An era is seen to begin up to `LOOK_S` after it began.
    """
    best, least_ns = eras[-1], None
    end_ns = up_ns
    for era in reversed(eras):
        at_ns = wall_ns - era.offset_ns
        outside_ns = max(era.since_ns - at_ns, at_ns - end_ns, 0)
        if least_ns is None or outside_ns < least_ns:
            best, least_ns = era, outside_ns
        end_ns = era.since_ns
    return best
