"""The requests of the driver, made through whatever framing a device speaks.

Pure. Source: Modbus Application Protocol V1.1b3, 6.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from drivers.modbus.points.address import Table
from drivers.modbus.wire.ascii import Ascii
from drivers.modbus.wire.mbap import Mbap
from drivers.modbus.wire.rtu import Rtu

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drivers.modbus.config import FramingName
    from drivers.modbus.wire.framing import Framing, Request

FUNCTIONS = {
    Table.COILS: 1,
    Table.DISCRETE_INPUTS: 2,
    Table.HOLDING_REGISTERS: 3,
    Table.INPUT_REGISTERS: 4,
}
"""The function code that reads each table."""

TABLES = {function: table for table, function in FUNCTIONS.items()}
"""The table that each function code reads."""

BUSY_CODES = frozenset({5, 6})
"""Acknowledge and server busy: the device wants to be asked again later."""

UNREACHABLE_CODES = frozenset({0x0A, 0x0B})
"""A gateway's: no path to the unit, or the unit does not answer."""

WRITE_ECHO_BYTES = 4
"""A write is answered with its address and its value or count."""

_FRAMINGS: Final[Mapping[FramingName, Framing]] = {
    "tcp": Mbap(),
    "rtu": Rtu(),
    "ascii": Ascii(),
}


def framing_of(name: FramingName) -> Framing:
    """Give the framing of a name."""
    return _FRAMINGS[name]


def read_request(framing: Framing, table: Table, *, unit: int, start: int, count: int) -> Request:
    """Make the request for `count` addresses of a table from `start`."""
    return framing.request(
        FUNCTIONS[table],
        struct.pack(">HH", start, count),
        unit=unit,
        answer_bytes=1 + table.payload_bytes(count),
        asked=f"{table}:{start} +{count}",
    )


def open_request(framing: Framing, function: int, data: bytes, *, unit: int, asked: str) -> Request:
    """Make a request whose answer has a length of the device's choice; it brings the PDU's data."""
    return framing.request(function, data, unit=unit, answer_bytes=0, asked=asked)


def write_request(
    framing: Framing, function: int, data: bytes, *, unit: int, asked: str
) -> Request:
    """Make a write (functions 5, 6, 15, 16); the answer is the 4 bytes it is confirmed with."""
    return framing.request(function, data, unit=unit, answer_bytes=WRITE_ECHO_BYTES, asked=asked)
