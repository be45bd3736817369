"""Lines over UDP: each datagram a frame or a part of one; there is no connection to lose.

Guarantees that after an unanswered request the next one leaves from another port, so that a late
answer arrives nowhere, and that only the device's own address is listened to. Where answers bear no
id every request leaves from another port: networks double datagrams. Never retries.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

from drivers.modbus.wire.line import Line
from drivers.modbus.wire.stream import no_answer, unreachable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.modbus.link import ModbusLink
    from drivers.modbus.terms import Terms
    from drivers.modbus.wire.exchange import Exchange
    from drivers.modbus.wire.framing import Request

DATAGRAM_BYTES = 2048
"""Most bytes taken of one datagram; the longest frame has 513."""


class DatagramLine(Line):
    """A line whose carrier changes its own port after each silence."""

    def __init__(self, link: ModbusLink) -> None:
        super().__init__(link)
        self._carrier: _Datagrams | None = None

    def carried_by(self, carrier: _Datagrams) -> None:
        """Take the socket over."""
        self._carrier = carrier
        self.connection_made(carrier)

    def start(self, requests: Sequence[Request], terms: Terms) -> Exchange:
        """Queue the requests of a read; raises SessionLost when the line is over."""
        if self._carrier is not None and not (self._has_ids and terms.ids == "strict"):
            self._carrier.renews = True
        return super().start(requests, terms)

    def after_silence(self) -> None:
        """Leave the port at which a late answer would arrive."""
        if self._carrier is not None:
            self._carrier.leave()


class _Datagrams(asyncio.Transport):
    """A UDP socket that looks like a stream to its line."""

    def __init__(self, line: Line, family: int, address: Any) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._line = line
        self._family = family
        self._address = address
        self._socket: socket.socket | None = None
        self._used = False
        self.renews = False
        """Whether each request leaves from a port of its own."""
        self.renew()

    def renew(self) -> None:
        """Take a fresh socket and close the one before."""
        self._drop()
        self._used = False
        self._socket = socket.socket(self._family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._loop.add_reader(self._socket.fileno(), self._readable)

    def leave(self) -> None:
        """Take a fresh socket, or end the line where none is to be had."""
        try:
            self.renew()
        except OSError as error:
            self._gone(error)

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send one datagram; what the network does not take is as good as lost on its way."""
        if self._socket is None:
            return
        try:
            if self.renews and self._used:
                self.renew()
            self._used = True
            self._socket.sendto(data, self._address)
        except BlockingIOError:
            return
        except OSError as error:
            self._gone(error)

    def abort(self) -> None:
        """Close the socket and tell the line."""
        self._drop()
        self._loop.call_soon(self._line.connection_lost, None)

    def _drop(self) -> None:
        if self._socket is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _gone(self, error: OSError) -> None:
        """Close the socket and tell the line why."""
        self._drop()
        self._loop.call_soon(self._line.connection_lost, error)

    def _readable(self) -> None:
        """Hand one datagram over, if the device sent it."""
        if self._socket is None:
            return
        try:
            data, sender = self._socket.recvfrom(DATAGRAM_BYTES)
        except (BlockingIOError, ConnectionRefusedError):
            return
        except OSError as error:
            self._gone(error)
            return
        if sender[:2] == self._address[:2]:
            self._line.data_received(data)
        else:
            self._line.counts.foreign_datagrams += 1


async def open_datagrams(link: ModbusLink) -> Line:
    """Give a line to the link's host; that it is there shows with the first answer.

    Raises:
        ConnectError: its name is unknown, or no socket is to be had.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(link.connect_timeout_s):
            found = await loop.getaddrinfo(link.host, link.port, type=socket.SOCK_DGRAM)
        family, _, _, _, address = found[0]
        line = DatagramLine(link)
        line.carried_by(_Datagrams(line, family, address))
    except TimeoutError as error:
        raise no_answer(link) from error
    except (OSError, UnicodeError) as error:
        raise unreachable(link, error) from error
    return line
