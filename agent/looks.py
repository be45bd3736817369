"""The pauses of what looks at something now and then: looks fall together.

A process that idles pays for every wake-up, not for what it does then. Looks are taken at whole
multiples of their period on the loop's clock, where polls are due, too: many share one wake-up.
Guarantees a pause of no more than a period and `SHORTEST` of one.
"""

from __future__ import annotations

import asyncio
from typing import Final

SHORTEST: Final = 0.05
"""Share of a period: a shorter pause is lengthened by one, as a timer may be early."""


def pause_s(period_s: float, *, now_s: float) -> float:
    """Give how long it is to the next look; `now_s` is of the clock that multiples count on."""
    left_s = period_s - now_s % period_s
    return left_s if left_s >= period_s * SHORTEST else left_s + period_s


async def next_look(period_s: float) -> None:
    """Sleep until the next look is due."""
    await asyncio.sleep(pause_s(period_s, now_s=asyncio.get_running_loop().time()))
