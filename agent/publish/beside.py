"""Runs a blocking call beside the event loop, in a thread that nobody has to wait for.

A name look-up may hang for minutes. In the loop's own pool a few of them would stop everybody else
who needs a thread, and the end of the process.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Result = TypeVar("_Result")


class Busy(OSError):  # noqa: N818 - says what is the case
    """The call before has not ended yet."""


class Beside:
    """At most one call at a time."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None

    async def run(self, call: Callable[[], _Result], *, too_late: Callable[[], None]) -> _Result:
        """Give what the call gives; `too_late` undoes it, in the thread, if nobody waits any more.

        Raises:
            Busy: a call that was given up is still under way.
            Exception: whatever the call raises.
        """
        if self._thread is not None and self._thread.is_alive():
            raise Busy("the attempt before still waits for an answer (is the name server slow?)")
        future: Future[_Result] = Future()
        self._thread = threading.Thread(
            target=_work, args=(future, call, too_late), name="mqtt-connect", daemon=True
        )
        self._thread.start()
        try:
            return await asyncio.wrap_future(future)
        finally:
            del future  # an exception that it holds, holds this frame: no circle


def _work(
    future: Future[_Result] | None, call: Callable[[], _Result], too_late: Callable[[], None]
) -> None:
    assert future is not None  # noqa: S101 - it is at first
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001 - handed to who waits
        if future.set_running_or_notify_cancel():
            future.set_exception(error)
        future = None  # no circle, as above
        return
    if future.set_running_or_notify_cancel():
        future.set_result(result)
    else:
        too_late()
