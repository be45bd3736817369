"""One line, whatever carries it: sends the requests of reads one after the other, checks answers.

A callback state machine: one future per read, no timer per request, one request outstanding; reads
of several plans and units take turns in the order they came. No answer is taken for another's.
Where closing helps (a connection of our own) the line ends after a silence, a mismatch or a byte
nobody asked for; where not (a serial port, a DTU, datagrams) the read fails and the line lives on:
what still comes is told apart. Never reconnects, never retries.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from typing import TYPE_CHECKING, cast

from drivers.api import Busy, SessionLost
from drivers.modbus.wire.deadline import Deadline
from drivers.modbus.wire.ends import cancelled, closed_by_us, ended, over, silent
from drivers.modbus.wire.exchange import Exchange
from drivers.modbus.wire.framing import READ_FUNCTIONS, ExceptionReply
from drivers.modbus.wire.mbap import PAYLOAD_AT
from drivers.modbus.wire.pdu import framing_of
from drivers.modbus.wire.rests import Rests
from drivers.modbus.wire.sorting import Sorter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.modbus.link import ModbusLink
    from drivers.modbus.terms import Terms
    from drivers.modbus.wire.framing import Answer, Request

KEPT_BYTES = 2048
"""Most bytes of one arrival that are looked at: several times the longest frame and heartbeat."""

LISTENING_TURNS = 2
"""Turns of the loop after which it has read everything that arrived before a timer fired."""


class Line(asyncio.Protocol):
    """The traffic of one link; lives as long as its socket or port."""

    def __init__(self, link: ModbusLink) -> None:
        self._loop = asyncio.get_running_loop()
        self._now = self._loop.time
        self.lost: asyncio.Future[None] = self._loop.create_future()
        """Done when the socket or port is closed."""
        self.counts = link.counts
        self._link = link
        self._framing = framing_of(link.framing)
        self._has_ids = self._framing.has_ids
        self._trust = link.trust
        self._sorter = Sorter(link, self._framing)
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[Exchange] = deque()
        self._current: Exchange | None = None
        self._request: Request | None = None  # the one outstanding on the wire
        self._transaction = link.trust.transaction
        self._expected = b""
        self._expected_bytes = 0  # 0: the answer is not told by one comparison, look closer
        self._received = b""
        self._deadline = Deadline(self._loop, self._out_of_time)
        self._pause: asyncio.Handle | None = None
        self._character_s = link.character_s
        self._rests = Rests(link, has_ids=self._has_ids)
        self._answered = False
        self._why_over: SessionLost | None = None

    # what a session calls

    def start(self, requests: Sequence[Request], terms: Terms) -> Exchange:
        """Queue the requests of a read; raises SessionLost when the line is over."""
        if self._why_over is not None:
            raise over(self._why_over, terms.device)
        exchange = Exchange(requests, terms, self._loop.create_future())
        if not requests:
            exchange.succeed(time.time_ns())
        elif self._current is not None:
            self._waiting.append(exchange)
        else:
            self._begin(exchange)
        return exchange

    def withdraw(self, exchange: Exchange) -> None:
        """Forget a read that nobody waits for; with its answer due, a connection is closed."""
        if exchange in self._waiting:
            self._waiting.remove(exchange)
        elif exchange is not self._current:
            exchange.forget()
        elif self._pause is not None:
            self._pause.cancel()
            self._pause = None
            self._next()
        elif not self._link.lives_on:
            self.end(cancelled())

    def close(self) -> None:
        """Close the line at once; whoever waits for an answer gets SessionLost."""
        self.end(closed_by_us())

    @property
    def over(self) -> bool:
        """Whether the line has ended."""
        return self._why_over is not None

    # what the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket or port over; harmless when told twice."""
        if self._transport is not None:
            return
        self._transport = cast("asyncio.Transport", transport)
        if self._why_over is not None:
            self._transport.abort()
        self.counts.connections += 1
        self._rests.connected(self._link.pause_after_connect_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what is under way when the other side or the network ended the line."""
        self._transport = None
        self.end(ended(self._link, exc, answered=self._answered))
        if not self.lost.done():
            self.lost.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Take what arrived; a whole answer of the expected shape is told by one comparison."""
        if len(data) == self._expected_bytes and data.startswith(self._expected):
            self._take(data[PAYLOAD_AT:])
        elif self._why_over is None:
            self._examine(data)

    # sending

    def _begin(self, exchange: Exchange, *, listened: bool = False) -> None:
        """Make an exchange the current one and send its next request, after the rest due."""
        self._current, terms, rests = exchange, exchange.terms, self._rests
        if rests.wanted(terms):
            request = exchange.requests[len(exchange.answers)]
            rest_s = rests.left_s(request, terms)
            doubtful = self._trust.doubts or rests.repeats(request, terms)
            # a program without a turn has rested too, but heard nothing of what came
            if rest_s > 0 or (doubtful and not listened):
                # loops count in milliseconds: never wake up too early
                rest_s = max(math.ceil(rest_s * 1000) / 1000, 0)
                turns = rests.listens(terms) * LISTENING_TURNS
                self._pause = self._loop.call_later(rest_s, self._rested, exchange, turns)
                return
        self._send(exchange)

    def _rested(self, exchange: Exchange, turns: int) -> None:
        """Send after a rest: late timers fire before the socket is read, uvloop's may be early."""
        if turns:
            self._pause = self._loop.call_soon(self._rested, exchange, turns - 1)
            return
        self._pause = None
        self._begin(exchange, listened=True)
        if self._current is None:
            self._next()

    def _send(self, exchange: Exchange) -> None:
        """Put the next request on the wire, or fail the read if its unit must not be asked."""
        terms, request = exchange.terms, exchange.requests[len(exchange.answers)]
        strict = self._has_ids and terms.ids == "strict"
        if self._trust.doubts and not strict:
            try:
                request = self._trust.askable(request, exchange.requests, terms, self._framing)
            except Busy as busy:
                self._current = None
                exchange.fail(busy)
                return
        wire = request.tail
        if self._has_ids:
            self._transaction = transaction = (self._transaction + 1) & 0xFFFF
            mark = transaction.to_bytes(2, "big")
            wire = mark + wire
            if strict and not self._received and request.function in READ_FUNCTIONS:
                self._expected = mark + request.head
                self._expected_bytes = request.size_bytes
        self._request = request
        self._deadline.set(self._now() + terms.timeout_s + len(wire) * self._character_s)
        if self._transport is not None:
            self._transport.write(wire)

    # receiving

    def _examine(self, data: bytes) -> None:
        """Take everything apart that is not just the expected answer."""
        self._rests.heard()
        self._expected_bytes = 0
        partial = bool(self._received)
        received = self._received + data[:KEPT_BYTES]
        self.counts.garbage_bytes += max(0, len(data) - KEPT_BYTES)
        answer: Answer | None = None
        while received:
            try:
                answer, self._received = self._sorted(received)
            except SessionLost as error:
                received = self._resynchronized(received, error)
            else:
                break
        if answer is not None:
            self._take(answer)
        elif self._received and not partial and self._request is not None:
            # it has begun to answer: give it the time its bytes take on the serial line
            self._deadline.extend(self._request.size_bytes * self._character_s)

    def _sorted(self, received: bytes) -> tuple[Answer | None, bytes]:
        """Give the answer of the outstanding request, if it is whole, and the bytes to keep."""
        exchange, request = self._current, self._request
        if exchange is None or request is None:
            return None, self._sorter.unasked(received)
        return self._sorter.answer(
            received, request, transaction=self._transaction, ids=exchange.terms.ids
        )

    def _resynchronized(self, received: bytes, why: SessionLost) -> bytes:
        """Deal with bytes that fit nothing: end the line, or give those worth another look."""
        self._received = b""
        request = self._request
        if not self._link.lives_on:
            self.end(why)
            return b""
        if request is None:
            self.counts.stray_bytes += len(received)
            return b""
        again, self._received = self._sorter.behind_noise(received, request)
        return again

    def _take(self, answer: Answer) -> None:
        """Accept the answer of the outstanding request and go on."""
        exchange, request = self._current, self._request
        if exchange is None or request is None:
            return
        self._request = None
        self._expected_bytes = 0
        self._answered = True
        if self._rests.wanted(exchange.terms):
            self._rests.heard(request, refused=isinstance(answer, ExceptionReply))
        if request is exchange.requests[len(exchange.answers)]:
            exchange.accept(answer)
        elif isinstance(answer, ExceptionReply):
            # asked only to clear a doubt, and refused: this way it cannot be cleared
            self._trust.owe(request, exchange.terms, self._framing)
        if not exchange.done.done():
            self._begin(exchange)
        if exchange.done.done():
            self._next()

    def _next(self) -> None:
        """Leave the current exchange and begin the one that waits longest."""
        self._current = None
        while self._waiting and self._current is None:
            self._begin(self._waiting.popleft())

    # ending

    def _out_of_time(self) -> None:
        """End the wait for the outstanding request, if there is one."""
        exchange, request = self._current, self._request
        if exchange is None or request is None:
            return
        self.counts.timeouts += 1
        partial, lives_on = bool(self._received), self._link.lives_on
        why = silent(request, exchange.terms, partial=partial, lives_on=lives_on)
        if isinstance(why, SessionLost):
            self.end(why)
            return
        self.after_silence()
        self._trust.owe(request, exchange.terms, self._framing)
        self.counts.garbage_bytes += len(self._received)
        self._request, self._received, self._expected_bytes = None, b"", 0
        exchange.fail(why)
        self._next()

    def after_silence(self) -> None:
        """Do what the carrier needs after an unanswered request; nothing, unless overridden."""

    def end(self, why: SessionLost) -> None:
        """End the line: first the socket, then everybody who waits."""
        if self._why_over is not None:
            return
        self._why_over = why
        self._trust.transaction = self._transaction
        self._deadline.cancel()
        if self._pause is not None:
            self._pause.cancel()
        if self._transport is not None:
            self._transport.abort()
        exchange, request = self._current, self._request
        self._current, self._request, self._expected_bytes, self._received = None, None, 0, b""
        if exchange is not None:
            if request is not None:
                self._trust.owe(request, exchange.terms, self._framing)
            why.device = exchange.terms.device
            exchange.fail(why)
        for other in self._waiting:
            other.fail(over(why, other.terms.device))
        self._waiting.clear()
