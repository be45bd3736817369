"""One Modbus TCP connection: sends the requests of a read one after the other, checks each answer.

A callback state machine: one future and one timer per read, one request outstanding at a time;
reads of several plans and units wait for each other in the order they came. Guarantees that after
a silence, a mismatch or a byte nobody asked for the connection is closed before anything else
happens: a late answer can never be taken for the next one's. Never reconnects, never retries.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections import deque
from typing import TYPE_CHECKING, cast

from drivers.api import Busy, NoReply, SessionLost
from drivers.modbus.adu import ID_BYTES, MAX_ADU_BYTES, PAYLOAD_AT, check_answer
from drivers.modbus.exchange import Exchange, over

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.modbus.adu import Answer, Request
    from drivers.modbus.config import Terms

_CLOSED_HINT = "another master may hold the device's only connection, or it closes idle connections"
_SILENT_HINT = (
    "check unit id, power and wiring; behind a serial gateway raise timeout_s above its own timeout"
)


class ModbusTcp(asyncio.Protocol):
    """The connection; made by `loop.create_connection`, lives as long as its socket."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[None] = self._loop.create_future()
        """Done when the socket is closed."""
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[Exchange] = deque()
        self._current: Exchange | None = None
        self._request: Request | None = None
        """The one outstanding on the wire."""
        # a gateway may send what an earlier connection asked for: do not begin with its ids
        self._transaction = secrets.randbits(16)
        self._expected = b""
        self._expected_bytes = 0
        self._received = b""
        self._timer: asyncio.TimerHandle | None = None
        self._pause: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self._resting_since = 0.0
        self._answered = False
        self._why_over: SessionLost | None = None

    # what a session calls

    def start(self, requests: Sequence[Request], terms: Terms) -> Exchange:
        """Queue the requests of a read; raises SessionLost when the connection is over."""
        if self._why_over is not None:
            raise over(self._why_over, terms.device)
        exchange = Exchange(requests, terms, self._loop.create_future())
        if not requests:
            exchange.succeed(time.time_ns())
        elif self._current is None:
            self._begin(exchange)
        else:
            self._waiting.append(exchange)
        return exchange

    def withdraw(self, exchange: Exchange) -> None:
        """Forget a read that nobody waits for; closes the connection if an answer is due."""
        if exchange in self._waiting:
            self._waiting.remove(exchange)
        elif exchange is not self._current:
            exchange.forget()
        elif self._pause is not None:
            self._pause.cancel()
            self._pause = None
            self._next()
        else:
            self._close(SessionLost("a read was cancelled while its answer was due"))

    def close(self) -> None:
        """Close the socket at once; whoever waits for an answer gets SessionLost."""
        self._close(SessionLost("the session was closed"))

    # what the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket over."""
        self._transport = cast("asyncio.Transport", transport)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what is under way when the device or the network ended the connection."""
        what = "the connection broke" if exc else "the device closed the connection"
        detail = f": {exc}" if exc else ""
        when = "" if self._answered else " before it answered anything"
        self._close(SessionLost(f"{what}{when}{detail}", hint=_CLOSED_HINT))
        if not self.lost.done():
            self.lost.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Take what arrived; a whole answer of the expected shape is told by one comparison."""
        request = self._request
        if request is None:
            self._unasked(len(data))
            return
        if (
            len(data) == self._expected_bytes
            and data.startswith(self._expected)
            and not self._received
        ):
            self._take(data[PAYLOAD_AT:])
        else:
            self._examine(data, request)

    # sending

    def _begin(self, exchange: Exchange) -> None:
        """Make an exchange the current one and send its first request."""
        self._current = exchange
        self._send_or_rest(exchange)

    def _send_or_rest(self, exchange: Exchange) -> None:
        """Send the next request, after the rest the device demands."""
        pause_s = exchange.terms.pause_s
        if pause_s and (rest_s := self._resting_since + pause_s - self._loop.time()) > 0:
            self._pause = self._loop.call_later(rest_s, self._send, exchange)
        else:
            self._send(exchange)

    def _send(self, exchange: Exchange) -> None:
        """Put the next request on the wire."""
        self._pause = None
        request = exchange.requests[len(exchange.answers)]
        self._transaction = transaction = (self._transaction + 1) & 0xFFFF
        mark = transaction.to_bytes(ID_BYTES, "big")
        self._expected = mark + request.head
        # no answer is 0 bytes long: the other modes take the long way through check_answer
        self._expected_bytes = request.size_bytes if exchange.terms.ids == "strict" else 0
        self._request = request
        self._deadline = self._loop.time() + exchange.terms.timeout_s
        if self._timer is None:
            self._timer = self._loop.call_at(self._deadline, self._watch)
        if self._transport is not None:
            self._transport.write(mark + request.tail)

    # receiving

    def _examine(self, data: bytes, request: Request) -> None:
        """Take torn, refused and wrong answers apart."""
        received = self._received + data[: MAX_ADU_BYTES + 1]
        exchange = self._current
        if exchange is None:
            return
        try:
            answer = check_answer(
                received, request, transaction=self._transaction, ids=exchange.terms.ids
            )
        except SessionLost as error:
            self._close(error)
            return
        if answer is None:
            self._received = received
        else:
            self._received = b""
            self._take(answer)

    def _take(self, answer: Answer) -> None:
        """Accept the answer of the outstanding request and go on."""
        exchange = self._current
        if exchange is None:
            return
        self._request = None
        self._answered = True
        if exchange.terms.pause_s:
            self._resting_since = self._loop.time()
        try:
            exchange.accept(answer)
        except Busy as busy:
            exchange.fail(busy)
            self._next()
            return
        if exchange.complete:
            exchange.succeed(time.time_ns())
            self._next()
        else:
            self._send_or_rest(exchange)

    def _next(self) -> None:
        """Leave the current exchange and begin the one that waits longest."""
        self._current = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            self._begin(self._waiting.popleft())

    def _unasked(self, size: int) -> None:
        """End a connection on which bytes arrive while nothing is outstanding."""
        if self._why_over is None:
            self._close(
                SessionLost(
                    f"{size} bytes arrived that nobody asked for",
                    hint="a second master or a gateway that doubles answers shares the connection",
                )
            )

    # ending

    def _watch(self) -> None:
        """Look whether the outstanding request is still in time; one timer serves a whole read."""
        self._timer = None
        exchange = self._current
        if exchange is None:
            return
        request = self._request
        if request is None or self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._next_look(exchange), self._watch)
            return
        silence = "no answer" if not self._received else "only part of an answer"
        message = (
            f"unit {request.unit}: asked for {request.asked}, {silence} "
            f"within {exchange.terms.timeout_s:g} s"
        )
        self._close(NoReply(message, device=exchange.terms.device, hint=_SILENT_HINT))

    def _next_look(self, exchange: Exchange) -> float:
        """Tell when to look again: at the deadline, or a timeout from now during a rest."""
        if self._request is None:
            return self._loop.time() + exchange.terms.timeout_s
        return self._deadline

    def _close(self, why: SessionLost) -> None:
        """End the connection: first the socket, then everybody who waits."""
        if self._why_over is not None:
            return
        self._why_over = why
        for handle in (self._timer, self._pause):
            if handle is not None:
                handle.cancel()
        if self._transport is not None:
            self._transport.abort()
        exchange, self._current, self._request = self._current, None, None
        if exchange is not None:
            why.device = exchange.terms.device
            exchange.fail(why)
        for other in self._waiting:
            other.fail(over(why, other.terms.device))
        self._waiting.clear()
