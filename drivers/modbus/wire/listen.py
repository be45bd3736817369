"""Lines that a DTU makes: it dials in, says who it is (its registration) and then passes bytes on.

All links with the same own address share one listening port. It stays open a while after the last
session, so that DTUs find it when the host comes back; a DTU that nobody reads yet is kept waiting.
A newer connection with the same registration replaces the older: the DTU was restarted. Guarantees
that a connection is given to a session only if its registration is that of the session's link.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeAlias
from weakref import WeakKeyDictionary

from drivers.modbus.wire.caller import Caller
from drivers.modbus.wire.dialling import (
    absent,
    anew,
    cannot_listen,
    not_told,
    stalled,
    taken_by_anybody,
    wanted_twice,
)
from drivers.modbus.wire.line import Line

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from drivers.modbus.link import ModbusLink
    from drivers.modbus.wire.exchange import Exchange
    from drivers.modbus.wire.framing import Answer

LINGER_S = 60.0
"""How long the port stays open without a session."""

CALLERS = 256
"""Most connections kept that no session has; who dials in beyond them is sent away."""

STRANGERS = 32
"""From how many hosts that say no known registration a warning is logged, once for each."""

_Address: TypeAlias = tuple[str, int]

_log = logging.getLogger(__name__)


class Listener:
    """One listening port and the DTUs that dialled in."""

    def __init__(self, address: _Address) -> None:
        self._address = address
        self._loop = asyncio.get_running_loop()
        self._server: asyncio.Server | None = None
        self._opening = asyncio.Lock()
        self._users = 0
        self._closing: asyncio.TimerHandle | None = None
        self._callers: set[Caller] = set()
        self._parked: dict[bytes, Caller] = {}
        self._awaited: dict[bytes, asyncio.Future[Caller]] = {}
        self._lines: dict[bytes, Line] = {}
        self._patience_s: dict[bytes, float] = {}
        """Known registrations, and how long a connection may take to say one."""
        self._strangers: set[str] = set()
        """Hosts that were warned of already."""

    # sessions

    async def line(self, link: ModbusLink) -> Line:
        """Wait for the link's DTU and give its line; raises ConnectError when it does not come."""
        told_by = link.registration
        self._patience_s[told_by] = link.connect_timeout_s
        if not told_by and len(self._patience_s) > 1:
            raise not_told(link)
        if told_by and (anyone := self._lines.get(b"")) is not None:
            anyone.end(taken_by_anybody(link))
        self._enter()
        try:
            await self._listen(link)
            caller = self._parked.pop(told_by, None) or await self._await(link)
            line = _DialledLine(link, self)
            self._lines[told_by] = line
        except BaseException:
            self._leave()
            raise
        self._callers.discard(caller)
        caller.hand_over(line)
        return line

    def left(self, line: Line, told_by: bytes) -> None:
        """Note that a line has ended."""
        if self._lines.get(told_by) is line:
            del self._lines[told_by]
        self._leave()

    async def _await(self, link: ModbusLink) -> Caller:
        """Wait until the link's DTU dials in."""
        if link.registration in self._awaited:
            raise wanted_twice(link)
        arrival: asyncio.Future[Caller] = self._loop.create_future()
        self._awaited[link.registration] = arrival
        for caller in tuple(self._callers):
            caller.look()  # it may have been waiting for this registration to become known
        try:
            async with asyncio.timeout(link.connect_timeout_s):
                return await arrival
        except (TimeoutError, asyncio.CancelledError) as error:
            if arrival.done() and not arrival.cancelled():
                self._parked[link.registration] = arrival.result()  # it came in the last moment
            if isinstance(error, TimeoutError):
                raise absent(link) from error
            raise
        finally:
            del self._awaited[link.registration]

    async def _listen(self, link: ModbusLink) -> None:
        """Open the port, unless it is open."""
        async with self._opening:
            if self._server is None:
                try:
                    self._server = await self._loop.create_server(
                        lambda: Caller(self), *self._address
                    )
                except OSError as error:
                    raise cannot_listen(link, error) from error

    # callers

    @property
    def known(self) -> tuple[bytes, ...]:
        """The registrations of links, longest first; the empty one takes whoever dials in."""
        told = sorted(filter(None, self._patience_s), key=len, reverse=True)
        return tuple(told or self._patience_s)

    @property
    def patience_s(self) -> float:
        """How long a connection may take to say who it is."""
        return max(self._patience_s.values(), default=0.0)

    def dialled_in(self, caller: Caller) -> None:
        """Take note of a connection that has not said who it is."""
        self._callers.add(caller)
        if len(self._callers) > CALLERS:
            caller.hang_up()

    def registered(self, caller: Caller, told_by: bytes) -> None:
        """Give a DTU to the session that waits for it, or keep it waiting."""
        older = self._parked.pop(told_by, None)
        if older is not None:
            older.hang_up()
        line = self._lines.get(told_by)
        if line is not None:
            line.end(anew())
        arrival = self._awaited.get(told_by)
        if arrival is not None and not arrival.done():
            arrival.set_result(caller)
        else:
            self._parked[told_by] = caller

    def hung_up(self, caller: Caller) -> None:
        """Forget a connection that is gone."""
        self._callers.discard(caller)
        for told_by, parked in tuple(self._parked.items()):
            if parked is caller:
                del self._parked[told_by]

    def stranger(self, caller: Caller, sent: bytes, peer: str) -> None:
        """Send a connection away that did not say a registration we know."""
        host = peer.rpartition(":")[0]
        told = host in self._strangers or len(self._strangers) >= STRANGERS
        self._strangers.add(host)
        _log.log(
            logging.DEBUG if told else logging.WARNING,
            "%s: a connection from %s said no registration known here; it sent %s; closed",
            self,
            peer,
            sent.hex(" ") or "nothing",
        )
        caller.hang_up()

    # the port

    def _enter(self) -> None:
        self._users += 1
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None

    def _leave(self) -> None:
        self._users -= 1
        if not self._users and self._closing is None:
            self._closing = self._loop.call_later(LINGER_S, self.close)

    def close(self) -> None:
        """Close the port and every connection that no session has."""
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        if self._server is not None:
            self._server.close()
            self._server = None
        for caller in (*self._callers, *self._parked.values()):
            caller.hang_up()
        with suppress(KeyError):
            if _LISTENERS[self._loop][self._address] is self:
                del _LISTENERS[self._loop][self._address]

    def __str__(self) -> str:
        return f"listen://{self._address[0]}:{self._address[1]}"


class _DialledLine(Line):
    """A line that tells its listener when it is gone, and does not outlive a long silence.

    Over a stalled mobile network requests pile up, and are all delivered, and answered, once it
    recovers: later than any `late_s`. With the connection what is piled up is dropped.
    """

    def __init__(self, link: ModbusLink, listener: Listener) -> None:
        super().__init__(link)
        self._silent_from_s: float | None = None
        self.lost.add_done_callback(lambda _: listener.left(self, link.registration))

    def after_silence(self) -> None:
        """Note when the silence of all units began."""
        if self._silent_from_s is None:
            self._silent_from_s = time.monotonic()

    def _take(self, answer: Answer) -> None:
        self._silent_from_s = None
        super()._take(answer)

    def _send(self, exchange: Exchange) -> None:
        from_s, late_s = self._silent_from_s, exchange.terms.late_s
        if from_s is not None and time.monotonic() - from_s >= late_s:
            self.end(stalled(late_s))
        else:
            super()._send(exchange)


_LISTENERS: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, dict[_Address, Listener]]] = (
    WeakKeyDictionary()
)
_FAREWELLS: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncGenerator[None, None]]] = (
    WeakKeyDictionary()
)


async def await_dtu(link: ModbusLink) -> Line:
    """Give the line of the link's DTU, as soon as it has dialled in.

    Raises:
        ConnectError: it did not within `connect_timeout_s`, or we cannot listen there.
    """
    address = (link.host, link.port)
    loop = asyncio.get_running_loop()
    ours = _LISTENERS.setdefault(loop, {})
    if address not in ours:
        ours[address] = Listener(address)
    if loop not in _FAREWELLS:
        _FAREWELLS[loop] = farewell = _at_the_end()
        await anext(farewell)
    return await ours[address].line(link)


async def _at_the_end() -> AsyncGenerator[None, None]:
    """Close what lingers when the loop is shut down, which ends every generator it has seen."""
    try:
        yield
    finally:
        close_listeners()


def close_listeners() -> None:
    """Close every listening port of the running loop at once, with the DTUs that wait there."""
    for listener in tuple(_LISTENERS.get(asyncio.get_running_loop(), {}).values()):
        listener.close()
