"""The simulated workshop: machines, their servers, faults on demand, and the truth.

`async with Workshop(seed=1) as shop:` starts an OPC UA server and a Modbus TCP server and lets
simulated time pass. What the servers hold is known at any moment (`snapshot`), and on demand what
they held before (`board.between`): a test compares what arrived with what was there. With
`tick_s=None` time stands still until `advance`. Two workshops of one seed hold the same values
after the same ticks.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Self

from simulators.board import Board
from simulators.describe import Endpoints
from simulators.describe import describe as describe_shop
from simulators.faults import MachineFault
from simulators.layout import STATIONS, Link, build_machines, source_of
from simulators.machine import Plant
from simulators.modbus_server import ModbusServer
from simulators.opcua_server import OpcuaServer
from simulators.registers import RegisterBank

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulators.board import Held
    from simulators.layout import Station
    from simulators.machine import Machine, Value

_STATION_IDS = frozenset(station.id for station in STATIONS)


class Workshop:
    """The whole shop; lives from entering to leaving the block."""

    def __init__(
        self,
        *,
        seed: int = 1,
        speed: float = 1.0,
        tick_s: float | None = 0.5,
        host: str = "127.0.0.1",
        opcua_port: int = 0,
        modbus_port: int = 0,
        username: str = "",
        password: str = "",
        history: int = 0,
    ) -> None:
        """Prepare the shop; nothing listens yet.

        Each `tick_s` real seconds, `tick_s * speed` simulated seconds pass; port 0 takes a free
        one; `history` is how many past values per point are kept for `board.between`.
        """
        self.speed = speed
        self.machines: dict[str, Machine] = build_machines(seed)
        self.board = Board(history=history)
        points = {station.id: station.points for station in STATIONS}
        self._banks = {s.id: RegisterBank(s.points) for s in _on(Link.MODBUS)}
        self.opcua = OpcuaServer(
            {s.id: points[s.id] for s in _on(Link.OPCUA)},
            host=host,
            port=opcua_port,
            username=username,
            password=password,
        )
        self.modbus = ModbusServer(
            {s.unit: self._banks[s.id] for s in _on(Link.MODBUS)}, host=host, port=modbus_port
        )
        self._plant = Plant(self.machines.values())
        self._tick_s = tick_s
        self._faults: dict[str, MachineFault] = {}
        self._stack = AsyncExitStack()
        self._ticker: asyncio.Task[None] | None = None
        self._advanced = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self.advance(0)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.opcua)
            await stack.enter_async_context(self.modbus)
            self._stack = stack.pop_all()
        if self._tick_s is not None:
            self._ticker = asyncio.create_task(self._run(self._tick_s), name="workshop ticks")
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            if self._ticker is not None:
                self._ticker.cancel()
                await asyncio.wait([self._ticker])
                if not self._ticker.cancelled():
                    self._ticker.result()  # a tick that failed must not pass in silence
        finally:
            await self._stack.aclose()

    @property
    def opcua_url(self) -> str:
        """Endpoint of the CNC machines."""
        return self.opcua.url

    @property
    def modbus_host(self) -> str:
        """Host of the Modbus TCP server."""
        return self.modbus.host

    @property
    def modbus_port(self) -> int:
        """Port of the Modbus TCP server."""
        return self.modbus.port

    def describe(
        self, *, language: str = "zh", endpoints: Endpoints | None = None
    ) -> dict[str, Any]:
        """Give the shop as configuration; with other endpoints when a proxy stands before it."""
        own = Endpoints(self.opcua_url, self.modbus_host, self.modbus_port)
        return describe_shop(endpoints or own, language=language)

    def snapshot(self) -> dict[str, dict[str, Held]]:
        """Tell what every tag of every device holds now, as a flawless reader would read it."""
        return self.board.snapshot()

    async def fault(self, device: str, fault: MachineFault) -> None:
        """Let a device fail, or recover with `MachineFault.NONE`; shown at once.

        Raises:
            KeyError: no such device.
        """
        if device not in _STATION_IDS:
            raise KeyError(device)
        self._faults[device] = fault
        self.machines[device].switch(on=fault is not MachineFault.OFF)
        self.modbus.failing = {
            each.unit for each in _on(Link.MODBUS) if self._faults.get(each.id) is MachineFault.BAD
        }
        await self.advance(0)

    async def advance(self, elapsed_s: float) -> None:
        """Let simulated seconds pass and put what changed into the servers, running or not yet."""
        self._plant.advance(elapsed_s)
        now_ns = time.time_ns() // 1_000 * 1_000  # OPC UA stamps of Python carry microseconds
        for station in STATIONS:
            if self._faults.get(station.id) is MachineFault.FREEZE:
                continue
            changed = self.board.post(station.id, self._raw(station), time_ns=now_ns)
            if station.link is Link.OPCUA:
                await self.opcua.write(station.id, changed)
            else:
                self._fill(station, changed)
        await self.opcua.tick(now_ns)
        self._advanced.set()
        self._advanced = asyncio.Event()

    async def next_tick(self) -> None:
        """Wait until the values of the next tick (or `advance`) stand in the servers."""
        await self._advanced.wait()

    async def run(self) -> None:
        """Wait until the ticks end: never, unless one fails."""
        if self._ticker is not None:
            await self._ticker

    def _raw(self, station: Station) -> dict[str, Value | None]:
        if self._faults.get(station.id) is MachineFault.BAD:
            return {point.metric: None for point in station.points}
        values = self.machines[source_of(station.id)].values()
        return {point.metric: point.raw(values[point.metric]) for point in station.points}

    def _fill(self, station: Station, changed: Mapping[str, Held]) -> None:
        bank = self._banks[station.id]
        for metric, held in changed.items():
            if held.value is not None:
                bank.set(metric, held.value)

    async def _run(self, tick_s: float) -> None:
        """Tick at even times; a tick that comes too late is left out, not made up for."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            due_s = max(due_s + tick_s, loop.time())
            await asyncio.sleep(due_s - loop.time())
            await self.advance(tick_s * self.speed)


def _on(link: Link) -> list[Station]:
    return [station for station in STATIONS if station.link is link]
