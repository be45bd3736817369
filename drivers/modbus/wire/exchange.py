"""The requests of one read on their way over a connection, and what their answers decide.

A refusal is data: the other requests go on. Busy ends the read, a unit its gateway cannot reach
is not asked again within it. Never touches a socket.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from drivers.api import Busy
from drivers.modbus.wire.framing import ExceptionReply
from drivers.modbus.wire.pdu import BUSY_CODES, UNREACHABLE_CODES

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from drivers.api import DriverError
    from drivers.modbus.terms import Terms
    from drivers.modbus.wire.framing import Answer, Request

BUSY_WAIT_S = 1.0
"""How long a busy device is left alone. The standard names no time; a second is one missed poll
at the default interval."""


class Exchange:
    """One read under way; `done` gives its answers and the time of the last."""

    __slots__ = ("answers", "done", "requests", "terms")

    def __init__(
        self,
        requests: Sequence[Request],
        terms: Terms,
        done: asyncio.Future[tuple[list[Answer], int]],
    ) -> None:
        self.requests = requests
        self.terms = terms
        self.done = done
        """Answers in the order of the requests, and UTC nanoseconds when the last was complete."""
        self.answers: list[Answer] = []

    def accept(self, answer: Answer) -> None:
        """Take the answer of the outstanding request; the last one, or Busy, ends the read."""
        answers = self.answers
        answers.append(answer)
        if isinstance(answer, ExceptionReply):
            if answer.code in BUSY_CODES:
                self.fail(_busy(answer.code, self.terms.device))
                return
            if answer.code in UNREACHABLE_CODES:
                # each further request would hold the serial line for the gateway's own timeout
                answers += [answer] * (len(self.requests) - len(answers))
        if len(answers) == len(self.requests):
            self.succeed(time.time_ns())

    def succeed(self, read_ns: int) -> None:
        """Hand the answers over, unless nobody waits any more."""
        if not self.done.done():
            self.done.set_result((self.answers, read_ns))

    def fail(self, error: DriverError) -> None:
        """Hand an error over, unless nobody waits any more."""
        if not self.done.done():
            self.done.set_exception(error)

    def forget(self) -> None:
        """Mark an outcome that nobody will fetch as seen, so that the loop does not report it."""
        if self.done.done() and not self.done.cancelled():
            self.done.exception()


def _busy(code: int, device: str) -> Busy:
    """Word that a device wants to be left alone for a while."""
    busy = Busy(
        f"the device is busy (exception {code})",
        wait_s=BUSY_WAIT_S,
        device=device,
        hint="it may be starting, being programmed or overloaded: poll it less often",
    )
    busy.zh = f"设备忙（异常码 {code}）"
    busy.hint_zh = "设备可能正在启动、下载程序或负荷过高，请放慢采集"
    return busy
