"""What a signal does in each phase of the process, without a moment in which it would kill.

Guarantees: before the agent lives, a stop ends the process at once and in order, as nothing is open
yet; while it lives, a stop and a reload are told to the loop; after it lived, both are ignored, so
that impatience cannot kill what is ending. Works under asyncio and uvloop alike: the handlers are
the interpreter's own, and only hand a call to the loop.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
"""What ends the agent in order: the supervisor's word, and Ctrl-C."""


def leave_at_once() -> None:
    """From now on a stop ends the process at once with exit code 0: call it before all imports."""
    for number in STOP_SIGNALS:
        signal.signal(number, _leave)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # what is to be read again is not read yet


@contextmanager
def heeded(*, on_stop: Callable[[], None], on_reload: Callable[[], None]) -> Iterator[None]:
    """Call back in the running loop while the block runs.

    Afterwards they are ignored; where the block failed they do again what they did before.
    """
    loop = asyncio.get_running_loop()

    def hand_over(call: Callable[[], None], _number: int, _frame: FrameType | None) -> None:
        with suppress(RuntimeError):  # the loop is closed: the process is ending as it is
            loop.call_soon_threadsafe(call)

    calls = {**dict.fromkeys(STOP_SIGNALS, on_stop), signal.SIGHUP: on_reload}
    before = {n: signal.signal(n, partial(hand_over, call)) for n, call in calls.items()}
    try:
        yield
    except BaseException:
        for number, handler in before.items():
            signal.signal(number, handler)
        raise
    for number in calls:
        signal.signal(number, signal.SIG_IGN)


def _leave(_number: int, _frame: FrameType | None) -> None:
    os._exit(0)
