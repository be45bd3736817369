"""A connection that dialled in, until a session takes it: who is it?

Its registration may come torn or with the first bytes behind it. What a DTU sends while it waits
(heartbeats) is dropped.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from drivers.modbus.wire.line import Line

KEPT_BYTES = 512
"""Most bytes looked at for a registration, which has 256 at most."""


class Reception(Protocol):
    """Where callers report."""

    @property
    def known(self) -> tuple[bytes, ...]:
        """The registrations of links, longest first; the empty one takes whoever dials in."""

    @property
    def patience_s(self) -> float:
        """How long a connection may take to say who it is."""

    def dialled_in(self, caller: Caller) -> None:
        """Take note of a new connection."""

    def registered(self, caller: Caller, told_by: bytes) -> None:
        """Take note of who it is."""

    def hung_up(self, caller: Caller) -> None:
        """Take note that it is gone."""

    def stranger(self, caller: Caller, sent: bytes, peer: str) -> None:
        """Take note that it is nobody we know."""


class Caller(asyncio.Protocol):
    """One connection that dialled in."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._told_by: bytes | None = None
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to listen for the registration."""
        self._transport = cast("asyncio.Transport", transport)
        self._reception.dialled_in(self)
        loop = asyncio.get_running_loop()
        self._patience = loop.call_later(self._reception.patience_s, self._give_up)
        self.look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell that the connection is gone."""
        del exc
        self._stop_waiting()
        self._transport = None
        self._reception.hung_up(self)

    def data_received(self, data: bytes) -> None:
        """Collect the registration; drop what comes after it and before a session."""
        if self._told_by is None:
            self._received = (self._received + data)[:KEPT_BYTES]
            self.look()

    def look(self) -> None:
        """See whether what was received so far is a registration; more may be known later."""
        if self._told_by is not None:
            return
        known = self._reception.known
        for told_by in known:
            if self._received.startswith(told_by):
                self._registered(told_by)
                return
            if self._received == told_by[: len(self._received)]:
                return  # it may still become this one

    def hand_over(self, line: Line) -> None:
        """Give the connection, and what came behind the registration, to a line."""
        transport, self._transport = self._transport, None
        if transport is None or transport.is_closing():
            line.connection_lost(None)
            return
        transport.set_protocol(line)
        line.connection_made(transport)

    def hang_up(self) -> None:
        """Close the connection."""
        self._stop_waiting()
        if self._transport is not None:
            self._transport.abort()

    def _registered(self, told_by: bytes) -> None:
        self._told_by = told_by
        self._received = b""
        self._stop_waiting()
        self._reception.registered(self, told_by)

    def _give_up(self) -> None:
        self._stop_waiting()
        if self._received in self._reception.known:
            self._registered(self._received)  # not the begin of a longer one, as it seemed
            return
        peer = "an unknown address"
        if self._transport is not None:
            address = self._transport.get_extra_info("peername")
            peer = f"{address[0]}:{address[1]}" if address else peer
        self._reception.stranger(self, self._received, peer)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
