"""A session on one Modbus link: opens the line, reads and writes plans, asks who a device is.

Guarantees that leaving the block leaves no socket or port behind. Never reconnects: a session that
is lost stays lost, and every read on it says so.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from drivers.api import Frame, NoReply, Silent
from drivers.modbus.identity import identify
from drivers.modbus.learning.reading import approach, check, explain
from drivers.modbus.learning.search import teaches
from drivers.modbus.wire.opening import open_line
from drivers.modbus.wire.pdu import read_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from drivers.api import Identity, Tag, Value, WriteResult
    from drivers.modbus.blocks import Block
    from drivers.modbus.link import ModbusLink
    from drivers.modbus.plan import ModbusPlan
    from drivers.modbus.terms import Terms
    from drivers.modbus.wire.exchange import Exchange
    from drivers.modbus.wire.framing import Answer, Request
    from drivers.modbus.wire.opening import OpenLine


FRESH_S = 1.0
"""How long learning may take beside a read before what was read first is read again."""


class ModbusSession:
    """Reads the devices behind one link, one request at a time; `Polls`, `Identifies`, `Writes`."""

    def __init__(self, wire: OpenLine) -> None:
        self._wire = wire
        self._begun = 0
        """Exchanges begun so far."""
        self._under_way = 0

    async def read(self, plan: ModbusPlan) -> Frame:
        """Read every tag of the plan once; a point that fails is None, BAD and has its reason.

        Reads that overlap wait for each other in the order they came. Bytes equal to those of
        the plan's last read give the same `values` object again. What the device refuses is
        looked into at once, with a few requests more, and remembered in the plan.

        Raises:
            NoReply, SessionLost: the session is over; its connection is already closed.
            Silent: the device kept silent; the session goes on for the others of its line.
            Busy: the device wants the read repeated later, on this session.
        """
        learner = plan.learner
        if learner.wary or not plan.compiled.wire:
            await approach(plan, _Asker(self, plan))
        compiled = plan.compiled
        begun_s = learner.clock() if learner.timing else 0.0
        exchange = self._start(compiled.wire, plan.terms)
        mark = self._begun if self._under_way == 1 else 0
        try:
            answers, read_ns = await self._finish(exchange)
        except (NoReply, Silent):
            learner.met_silence(plan, compiled, len(exchange.answers))
            raise
        decoded = compiled.decoder.decode(answers)
        if decoded.qualities is not None and plan.config.learn and any(map(teaches, answers)):
            asker, asked_s = _Asker(self, plan, read_ns), learner.clock()
            decoded = await explain(plan, compiled, answers, asker) or decoded
            if learner.clock() - asked_s > FRESH_S:  # on a busy bus each request waits its turn
                compiled = plan.compiled
                answers, read_ns = await self.run(compiled.wire, plan.terms)
                decoded = compiled.decoder.decode(answers)
            else:
                read_ns = asker.read_ns
        elif not learner.calm_from_ns <= read_ns < learner.calm_until_ns:
            if begun_s and mark == self._begun:  # no other read shared the line meanwhile
                learner.timed(learner.clock() - begun_s)
            await check(plan, _Asker(self, plan), clean=True)
        values, qualities, reasons = decoded
        return Frame(plan.device, plan.group, read_ns, values, qualities=qualities, reasons=reasons)

    async def identify(self, plan: ModbusPlan) -> Identity:
        """Ask the plan's device for maker, model, serial and firmware; empty if it cannot say.

        Raises:
            NoReply, Silent: the device does not answer a function it does not know, as some do;
                this is remembered, it is asked by registers only for a day.
            SessionLost: the session is over.
            Busy: the device wants to be asked later, on this session.
        """

        async def ask(request: Request) -> Answer:
            answers, _ = await self.run((request,), plan.terms)
            return answers[0]

        return await identify(ask, plan)

    async def write(self, plan: ModbusPlan, values: Mapping[Tag, Value]) -> tuple[WriteResult, ...]:
        """Write raw values one by one and read each back; what became of it is told, not raised.

        A value is sent once, in its turn among the reads. Only tags of the plan that were planned
        as READ_WRITE are written.
        """
        from drivers.modbus.write import write_all  # only where a person writes

        async def ask(request: Request) -> Answer:
            answers, _ = await self.run((request,), plan.terms)
            return answers[0]

        return await write_all(ask, plan, values)

    async def run(self, requests: Sequence[Request], terms: Terms) -> tuple[list[Answer], int]:
        """Run requests; gives their answers and UTC nanoseconds of the last.

        Raises what `read` raises.
        """
        return await self._finish(self._start(requests, terms))

    def _start(self, requests: Sequence[Request], terms: Terms) -> Exchange:
        """Queue requests on the line; `_finish` must be awaited next."""
        exchange = self._wire.start(requests, terms)
        self._begun += 1
        self._under_way += 1
        return exchange

    async def _finish(self, exchange: Exchange) -> tuple[list[Answer], int]:
        """Wait for the answers; whoever stops waiting withdraws its requests."""
        try:
            return await exchange.done
        except asyncio.CancelledError:
            self._wire.withdraw(exchange)
            raise
        finally:
            self._under_way -= 1


class _Asker:
    """Asks a plan's device for one block at a time."""

    __slots__ = ("_plan", "_session", "read_ns")

    def __init__(self, session: ModbusSession, plan: ModbusPlan, read_ns: int = 0) -> None:
        self._session = session
        self._plan = plan
        self.read_ns = read_ns
        """UTC nanoseconds of the last answer."""

    async def __call__(self, block: Block) -> Answer:
        plan = self._plan
        request = read_request(
            plan.framing, block.table, unit=plan.unit, start=block.start, count=block.count
        )
        answers, self.read_ns = await self._session.run((request,), plan.terms)
        return answers[0]


@asynccontextmanager
async def open_session(link: ModbusLink) -> AsyncIterator[ModbusSession]:
    """Open the line and give a session; raises ConnectError or AccessError when it cannot."""
    async with open_line(link) as line:
        yield ModbusSession(line)
