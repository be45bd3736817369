"""Modbus TCP frames: requests made once, and every answer checked against its request.

An ADU is the MBAP header (transaction id, protocol id 0, length, unit id) and the PDU (function
code, data). Guarantees that no byte is taken as a value unless protocol id, length, unit,
function, byte count and (as configured) the transaction id are those of the one request that is
outstanding. Pure: no I/O, no state. Source: Modbus Messaging on TCP/IP V1.0b, 3.1.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from drivers.api import SessionLost
from drivers.modbus.address import Table

if TYPE_CHECKING:
    from drivers.modbus.config import TransactionIds

MAX_ADU_BYTES = 260
"""Longest frame: 7 of header, 253 of PDU. Source: Modbus Application Protocol V1.1b3, 4.1."""

ID_BYTES = 2
HEADER_BYTES = 7
PAYLOAD_AT = 9
"""Where the data of a read answer begins: header, function, byte count."""

EXCEPTION_FLAG = 0x80

FUNCTIONS = {
    Table.COILS: 1,
    Table.DISCRETE_INPUTS: 2,
    Table.HOLDING_REGISTERS: 3,
    Table.INPUT_REGISTERS: 4,
}
"""The function code that reads each table."""

BUSY_CODES = frozenset({5, 6})
"""Acknowledge and server busy: the device wants to be asked again later."""

UNREACHABLE_CODES = frozenset({0x0A, 0x0B})
"""A gateway's: no path to the unit, or the unit does not answer."""

_REASONS = {
    1: "BadNotSupported",
    2: "BadConfigurationError",
    3: "BadOutOfRange",
    4: "BadDeviceFailure",
    0x0A: "BadNoCommunication",
    0x0B: "BadNoCommunication",
}
_LEAST_LENGTH = 3
"""Unit, function and one byte: no answer is shorter."""

_FOREIGN: Final = (
    "check that the port speaks Modbus TCP and not RTU over TCP, and that no second master "
    "shares the connection"
)
_NO_ECHO: Final = "if the gateway does not echo transaction ids, set transaction_ids: unit"


@dataclass(frozen=True, slots=True)
class ExceptionReply:
    """A device's refusal of one request."""

    code: int

    @property
    def reason(self) -> str:
        """The status a value gets that this request should have brought."""
        return _REASONS.get(self.code, "BadUnknownResponse")


Answer: TypeAlias = bytes | ExceptionReply
"""What one request brought: its payload, or the device's refusal."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready for the wire but for its transaction id."""

    unit: int
    function: int
    tail: bytes
    """The whole ADU after the transaction id."""
    head: bytes
    """Bytes 2 to 8 of the only good answer; empty where the device chooses the length."""
    size_bytes: int
    """Length of the only good answer; 0 where the device chooses."""
    asked: str
    """What is asked for, in words for a person."""


def read_request(table: Table, *, unit: int, start: int, count: int) -> Request:
    """Make the request for `count` addresses of a table from `start`."""
    function = FUNCTIONS[table]
    payload_bytes = table.payload_bytes(count)
    return Request(
        unit=unit,
        function=function,
        tail=struct.pack(">HHBBHH", 0, 6, unit, function, start, count),
        head=struct.pack(">HHBBB", 0, 3 + payload_bytes, unit, function, payload_bytes),
        size_bytes=PAYLOAD_AT + payload_bytes,
        asked=f"{count} from {table}:{start}",
    )


def open_request(function: int, data: bytes, *, unit: int, asked: str) -> Request:
    """Make a request whose answer has a length of the device's choice; it brings the PDU's data."""
    tail = struct.pack(">HHBB", 0, 2 + len(data), unit, function) + data
    return Request(unit, function, tail, b"", 0, asked)


def check_answer(
    data: bytes, request: Request, *, transaction: int, ids: TransactionIds
) -> Answer | None:
    """Take the answer from what was received so far; None while it is not complete.

    `data` begins where the request was sent and holds everything received since.

    Raises:
        SessionLost: the bytes can not be the answer; the connection cannot be trusted any more.
    """
    _check_start(data, request, transaction, ids)
    if len(data) <= HEADER_BYTES:
        return None
    size = 6 + int.from_bytes(data[4:6], "big")
    if data[7] & ~EXCEPTION_FLAG != request.function:
        raise _mismatch(f"function {data[7]} in answer to {request.function}", request)
    expected = PAYLOAD_AT if data[7] & EXCEPTION_FLAG else request.size_bytes or size
    if size != expected:
        raise _mismatch(f"an answer of {size} bytes where {expected} are due", request)
    if len(data) > size:
        raise _mismatch(f"{len(data) - size} bytes that nobody asked for", request)
    if len(data) < size:
        return None
    if data[7] & EXCEPTION_FLAG:
        return ExceptionReply(data[8])
    if not request.size_bytes:
        return data[8:]
    if data[8] != size - PAYLOAD_AT:
        raise _mismatch(f"byte count {data[8]} over {size - PAYLOAD_AT} bytes", request)
    return data[PAYLOAD_AT:]


def _check_start(data: bytes, request: Request, transaction: int, ids: TransactionIds) -> None:
    """Check as much of the header as has arrived, so that garbage is not waited upon."""
    if ids == "strict" and len(data) >= ID_BYTES:
        seen = int.from_bytes(data[:2], "big")
        if seen != transaction:
            raise _mismatch(f"transaction id {seen} in answer to {transaction}", request, _NO_ECHO)
    if data[2:4] not in {b"", b"\0", b"\0\0"}:
        raise _mismatch(f"protocol id {data[2:4].hex()}, not 0000", request)
    if len(data) >= 6:
        length = int.from_bytes(data[4:6], "big")
        if not _LEAST_LENGTH <= length <= MAX_ADU_BYTES - 6:
            raise _mismatch(f"a length field of {length}", request)
    if ids != "off" and len(data) >= HEADER_BYTES and data[6] != request.unit:
        raise _mismatch(f"unit {data[6]} in answer to unit {request.unit}", request)


def _mismatch(seen: str, request: Request, hint: str = _FOREIGN) -> SessionLost:
    """Word a violation of the protocol."""
    return SessionLost(f"unit {request.unit}: asked for {request.asked}, got {seen}", hint=hint)
