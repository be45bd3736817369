"""A session on one Modbus TCP link: opens the connection, reads plans, asks who a device is.

Guarantees that leaving the block leaves no socket behind. Never reconnects: a session that is
lost stays lost, and every read on it says so.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from drivers.api import ConnectError, Frame
from drivers.modbus.transport import ModbusTcp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from drivers.api import Identity
    from drivers.modbus.adu import Answer, Request
    from drivers.modbus.config import ModbusLink, Terms
    from drivers.modbus.plan import ModbusPlan

CLOSE_TIMEOUT_S = 1.0
"""Longest wait for the loop to drop a socket that was aborted."""


class ModbusSession:
    """Reads the devices behind one link, one request at a time; `Polls` and `Identifies`."""

    def __init__(self, wire: ModbusTcp) -> None:
        self._wire = wire

    async def read(self, plan: ModbusPlan) -> Frame:
        """Read every tag of the plan once; a point that fails is None, BAD and has its reason.

        Reads that overlap wait for each other in the order they came. Bytes equal to those of
        the plan's last read give the same `values` object again.

        Raises:
            NoReply, SessionLost: the session is over; its connection is already closed.
            Busy: the device wants the read repeated later, on this session.
        """
        answers, read_ns = await self._exchange(plan.wire, plan.terms)
        values, qualities, reasons = plan.decoder.decode(answers)
        return Frame(plan.device, plan.group, read_ns, values, qualities=qualities, reasons=reasons)

    async def identify(self, plan: ModbusPlan) -> Identity:
        """Ask the plan's device for maker, model and firmware; empty if it refuses to say.

        Raises:
            NoReply: the device does not answer a function it does not know, as some do; ask once.
            SessionLost: the session is over.
            Busy: the device wants to be asked later, on this session.
        """
        from drivers.modbus.identity import identify  # brings pymodbus in

        async def ask(request: Request) -> Answer:
            answers, _ = await self._exchange((request,), plan.terms)
            return answers[0]

        return await identify(ask, plan.unit)

    async def _exchange(
        self, requests: Sequence[Request], terms: Terms
    ) -> tuple[list[Answer], int]:
        """Run requests; the transport's own deadline bounds the wait."""
        exchange = self._wire.start(requests, terms)
        try:
            return await exchange.done
        except asyncio.CancelledError:
            self._wire.withdraw(exchange)
            raise


@asynccontextmanager
async def open_session(link: ModbusLink) -> AsyncIterator[ModbusSession]:
    """Connect and give a session; raises ConnectError when nobody accepts."""
    wire = await _connect(link)
    try:
        yield ModbusSession(wire)
    finally:
        wire.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await asyncio.shield(wire.lost)


async def _connect(link: ModbusLink) -> ModbusTcp:
    """Open the TCP connection; raises ConnectError in words for a person."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(link.connect_timeout_s):
            _, wire = await loop.create_connection(ModbusTcp, link.host, link.port)
    except ConnectionRefusedError as error:
        raise ConnectError(
            f"{link} refuses connections",
            hint="check the port (usually 502) and that Modbus TCP is switched on in the device; "
            "if it allows one connection only, another master may hold it",
        ) from error
    except TimeoutError as error:
        raise ConnectError(
            f"{link} does not answer within {link.connect_timeout_s:g} s",
            hint="check power, network cable, IP address and firewall; try to ping the device",
        ) from error
    except (OSError, UnicodeError) as error:
        raise ConnectError(
            f"{link} cannot be reached: {error}",
            hint="check the host name or IP address, and this gateway's own network settings",
        ) from error
    return wire
