"""One walk through a machine, kept within what was asked for; what was found is never lost.

An interruption or an error in the middle leaves what was found until then.
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.browse.target import Target
    from drivers.api import FoundPoint

OPEN_DEADLINE_S = 60.0
"""Opening a link takes no longer, whatever the driver does."""


@dataclass(slots=True)
class Gathered:
    """What was found."""

    points: list[FoundPoint] = field(default_factory=list)
    interrupted: bool = False
    full: bool = False
    """Whether there is more than was asked for."""
    error: Exception | None = None
    """What ended the walk early."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far to go."""

    at: str | None = None
    depth: int | None = None
    """Levels below the start; None: all."""
    most: int = 10_000
    """Points that are kept."""


async def gather(target: Target, bounds: Bounds, *, on_found: Callable[[int], None]) -> Gathered:
    """Walk through a machine; `on_found` is told how many points there are, each time it grows.

    Ctrl-C ends the walk, not the program. What a driver raises is given, not raised.
    """
    found = Gathered()
    try:
        with _interruptible():
            await _walk(target, bounds, found, on_found)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or not task.cancelling():
            raise
        task.uncancel()
        found.interrupted = True
    return found


async def _walk(
    target: Target, bounds: Bounds, found: Gathered, on_found: Callable[[int], None]
) -> None:
    from drivers.api import DriverError

    try:
        async with (
            asyncio.timeout(OPEN_DEADLINE_S) as opening,
            target.driver.open(target.link) as session,
        ):
            opening.reschedule(None)
            async with aclosing(session.browse(bounds.at)) as points:
                async for point in points:
                    if bounds.depth is not None and point.path.count("/") >= bounds.depth:
                        return  # nearest first: nothing nearer follows
                    if len(found.points) >= bounds.most:
                        found.full = True
                        return
                    found.points.append(point)
                    on_found(len(found.points))
    except (DriverError, TimeoutError) as error:
        found.error = error


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C cancel this task while the block runs."""
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    if task is None:
        yield
        return
    loop.add_signal_handler(signal.SIGINT, task.cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
