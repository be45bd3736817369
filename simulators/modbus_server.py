"""A Modbus TCP server with several units, each read live from a register bank.

Built on pymodbus's server: its framing is an oracle nobody here wrote. Its datastore holds no
values of its own; at every request the cells asked for are copied from the bank, so an idle
server costs nothing and an answer is never a mixture of two moments. It is read-only: a write is
answered with exception 1. A unit that does not exist is answered with exception 11, as a serial
gateway does. One request at a time per connection; pymodbus drops what is pipelined.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, Self

from pymodbus.constants import ExcCodes
from pymodbus.pdu.device import ModbusDeviceIdentification
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from simulators.ports import require_free
from simulators.registers import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TABLE_OF = {1: "co", 2: "di", 3: "hr", 4: "ir"}
"""Function code of a read -> table."""
_WORD_BITS = 16
_UNKNOWN_UNIT = 0
"""pymodbus's number for "every unit not named"."""


class Bank(Protocol):
    """What the server needs of a unit's registers."""

    def runs(self, table: str) -> list[tuple[int, int]]:
        """List the existing addresses of a table as (start, count), ascending."""

    def read(self, table: str, start: int, count: int) -> Sequence[int]:
        """Give `count` cells, or raise KeyError if one does not exist."""


class ModbusServer:
    """A server that runs inside `async with`; or by `start` and `stop`, as often as needed."""

    def __init__(
        self, units: Mapping[int, Bank], *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        """Serve the units by number; port 0 takes a free one and keeps it."""
        self.units = dict(units)
        self.host = host
        self.port = port
        self.failing: set[int] = set()
        """Units that answer every read with exception 4 (device failure)."""
        self._server: ModbusTcpServer | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the port cannot be bound.
        """
        require_free(self.host, self.port)
        devices = [self._device(unit) for unit in self.units]
        devices.append(_nobody())
        server = ModbusTcpServer(
            devices, address=(self.host, self.port), identity=_identity(), broadcast_enable=False
        )
        if not await server.listen():
            raise OSError(f"cannot listen on {self.host}:{self.port}")
        listener: Any = server.transport  # an asyncio.Server, declared as a transport
        self.port = listener.sockets[0].getsockname()[1]
        self._server = server

    async def stop(self) -> None:
        """Close the listener and every connection."""
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]
            self._server = None

    def _device(self, unit: int) -> SimDevice:
        bank = self.units[unit]
        coils, inputs, holding, input_registers = (_layout(bank, table) for table in TABLES)
        return SimDevice(
            unit,
            simdata=(coils, inputs, holding, input_registers),
            action=partial(self._answer, unit),
        )

    async def _answer(  # noqa: PLR0917 - pymodbus's signature
        self,
        unit: int,
        function: int,
        block_start: int,
        address: int,
        count: int,
        cells: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Copy what is asked for from the bank into pymodbus's cells; refuse what must not be."""
        table = _TABLE_OF.get(function)
        if table is None or values is not None:
            return ExcCodes.ILLEGAL_FUNCTION
        if unit in self.failing:
            return ExcCodes.DEVICE_FAILURE
        bank = self.units[unit]
        if not bank.runs(table):
            return ExcCodes.ILLEGAL_ADDRESS
        if table in {"hr", "ir"}:
            offset = address - block_start
            cells[offset : offset + count] = bank.read(table, address, count)
        else:
            first = address // _WORD_BITS
            offset = first - block_start
            cells[offset : offset + count] = _packed(bank, table, first=first, words=count)
        return None


def _layout(bank: Bank, table: str) -> list[SimData]:
    """Tell pymodbus which addresses of a table exist; it wants at least one in every table."""
    runs = bank.runs(table) or [(0, 1)]
    if table in {"hr", "ir"}:
        return [
            SimData(start, count=count, values=0, datatype=DataType.REGISTERS)
            for start, count in runs
        ]
    end = runs[-1][0] + runs[-1][1]
    whole = -(-end // _WORD_BITS) * _WORD_BITS
    return [SimData(0, values=[False] * whole, datatype=DataType.BITS)]


def _packed(bank: Bank, table: str, *, first: int, words: int) -> list[int]:
    """Pack bits into 16-bit words, lowest bit first; a bit that does not exist is 0."""
    bits = dict.fromkeys(range(first * _WORD_BITS, (first + words) * _WORD_BITS), 0)
    for start, count in bank.runs(table):
        for address, bit in zip(
            range(start, start + count), bank.read(table, start, count), strict=True
        ):
            if address in bits:
                bits[address] = bit
    states = list(bits.values())
    return [
        sum(bit << position for position, bit in enumerate(states[at : at + _WORD_BITS]))
        for at in range(0, len(states), _WORD_BITS)
    ]


def _nobody() -> SimDevice:
    """Answer for the units that do not exist."""

    async def refuse(*_: object) -> ExcCodes:
        return ExcCodes.GATEWAY_NO_RESPONSE

    registers = [SimData(0, count=65536, values=0, datatype=DataType.REGISTERS)]
    bits = [SimData(0, values=[False] * 65536, datatype=DataType.BITS)]
    return SimDevice(_UNKNOWN_UNIT, simdata=(bits, bits, registers, registers), action=refuse)


def _identity() -> ModbusDeviceIdentification:
    return ModbusDeviceIdentification(  # type: ignore[no-untyped-call]
        info_name={
            "VendorName": "Chulian simulator",
            "ProductCode": "SIMULATED",
            "ProductName": "Simulated workshop",
            "VendorUrl": "urn:chulian:simulator",
            "MajorMinorRevision": "1.0",
        }
    )
