"""Modbus TCP frames: requests made once, and every answer checked against its request.

An ADU is the MBAP header (transaction id, protocol id 0, length, unit id) and the PDU (function
code, data). Guarantees that no byte is taken as a value unless protocol id, length, unit,
function, byte count and (as configured) the transaction id are those of the one request that is
outstanding. Pure: no I/O, no state. Source: Modbus Messaging on TCP/IP V1.0b, 3.1.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from drivers.api import SessionLost
from drivers.modbus.wire.framing import (
    EXCEPTION_FLAG,
    READ_FUNCTIONS,
    ExceptionReply,
    Request,
    mismatch,
)

if TYPE_CHECKING:
    from drivers.modbus.config import TransactionIds
    from drivers.modbus.wire.framing import Answer

MAX_ADU_BYTES = 260
"""Longest frame: 7 of header, 253 of PDU. Source: Modbus Application Protocol V1.1b3, 4.1."""

ID_BYTES = 2
HEADER_BYTES = 7
PAYLOAD_AT = 9
"""Where the data of a read answer begins: header, function, byte count."""

PDU_AT = 7
"""Where the function code stands."""

_LEAST_LENGTH = 3
"""Unit, function and one byte: no answer is shorter."""

_FOREIGN: Final = (
    "check that the port speaks Modbus TCP and not RTU over TCP, and that no second master "
    "shares the connection"
)
_FOREIGN_ZH: Final = (
    "检查该端口是不是 Modbus TCP（透传的串口服务器要设 framing: rtu），以及有没有别的主站共用连接"
)
_NO_ECHO: Final = "if the gateway does not echo transaction ids, set transaction_ids: unit"
_NO_ECHO_ZH: Final = "如果网关不返回原来的事务号，请设 transaction_ids: unit"


class Mbap:
    """The framing of Modbus TCP; `drivers.modbus.wire.framing.Framing`."""

    has_ids = True

    def request(
        self, function: int, data: bytes, *, unit: int, answer_bytes: int, asked: str
    ) -> Request:
        """Wrap a request; its head is all of the answer that is known beforehand."""
        tail = struct.pack(">HHBB", 0, 2 + len(data), unit, function) + data
        if not answer_bytes:
            return Request(unit, function, tail, b"", 0, asked, data)
        head = struct.pack(">HHBB", 0, 2 + answer_bytes, unit, function)
        if function in READ_FUNCTIONS:
            head += bytes([answer_bytes - 1])
        return Request(unit, function, tail, head, PDU_AT + 1 + answer_bytes, asked, data)

    def check(
        self, received: bytes, request: Request, *, transaction: int, ids: TransactionIds
    ) -> Answer | None:
        """Take the answer from what was received; raises SessionLost on what cannot be it."""
        return check_answer(received, request, transaction=transaction, ids=ids)

    def size_of(self, received: bytes) -> int | None:
        """Give the length that the header announces; None while it is not complete."""
        if received[2:4] not in {b"", b"\0", b"\0\0"}:
            raise SessionLost(f"protocol id {received[2:4].hex()}, not 0000")
        if len(received) < 6:
            return None
        length = int.from_bytes(received[4:6], "big")
        if not _LEAST_LENGTH <= length <= MAX_ADU_BYTES - 6:
            raise SessionLost(f"a length field of {length}")
        return 6 + length


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
    _check_shape(data, size, request)
    if len(data) < size:
        return None
    if data[7] & EXCEPTION_FLAG:
        return ExceptionReply(data[8])
    if not request.size_bytes or request.function not in READ_FUNCTIONS:
        return data[8:]
    if data[8] != size - PAYLOAD_AT:
        seen = f"byte count {data[8]} over {size - PAYLOAD_AT} bytes"
        raise _foreign(seen, f"字节数 {data[8]} 与实际 {size - PAYLOAD_AT} 字节不符", request)
    return data[PAYLOAD_AT:]


def _check_start(data: bytes, request: Request, transaction: int, ids: TransactionIds) -> None:
    """Check as much of the header as has arrived, so that garbage is not waited upon."""
    if ids == "strict" and len(data) >= ID_BYTES:
        seen = int.from_bytes(data[:2], "big")
        if seen != transaction:
            raise mismatch(
                f"transaction id {seen} in answer to {transaction}",
                f"事务号 {seen}，应为 {transaction}",
                request,
                hint=_NO_ECHO,
                hint_zh=_NO_ECHO_ZH,
            )
    if data[2:4] not in {b"", b"\0", b"\0\0"}:
        seen_hex = data[2:4].hex()
        raise _foreign(
            f"protocol id {seen_hex}, not 0000", f"协议号 {seen_hex}，应为 0000", request
        )
    if len(data) >= 6:
        length = int.from_bytes(data[4:6], "big")
        if not _LEAST_LENGTH <= length <= MAX_ADU_BYTES - 6:
            raise _foreign(f"a length field of {length}", f"长度字段 {length} 不合理", request)
    if ids != "off" and len(data) >= HEADER_BYTES and data[6] != request.unit:
        raise _foreign(
            f"unit {data[6]} in answer to unit {request.unit}", f"来自站号 {data[6]}", request
        )


def _check_shape(data: bytes, size: int, request: Request) -> None:
    """Check function and length of an answer whose header is complete."""
    if data[7] & ~EXCEPTION_FLAG != request.function:
        raise _foreign(
            f"function {data[7]} in answer to {request.function}",
            f"功能码 {data[7]}，应为 {request.function}",
            request,
        )
    due = PAYLOAD_AT if data[7] & EXCEPTION_FLAG else request.size_bytes or size
    if size != due:
        seen = f"an answer of {size} bytes where {due} are due"
        raise _foreign(seen, f"长度 {size} 字节，应为 {due} 字节", request)
    if len(data) > size:
        extra = len(data) - size
        raise _foreign(f"{extra} bytes that nobody asked for", f"多出 {extra} 个字节", request)


def _foreign(seen: str, zh: str, request: Request) -> SessionLost:
    """Word a violation of the protocol."""
    return mismatch(seen, zh, request, hint=_FOREIGN, hint_zh=_FOREIGN_ZH)
