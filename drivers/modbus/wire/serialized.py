"""What RTU and ASCII have in common: the address, function and data of a serial line's answer.

Both carry the same bytes (unit, function, data) behind their own check sum, and no transaction id.
Pure. Source: Modbus over Serial Line V1.02, 2.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from drivers.modbus.wire.framing import (
    EXCEPTION_FLAG,
    READ_FUNCTIONS,
    ExceptionReply,
    mismatch,
)

if TYPE_CHECKING:
    from drivers.api import SessionLost
    from drivers.modbus.config import TransactionIds
    from drivers.modbus.wire.framing import Answer, Request

HINT: Final = (
    "check speed, parity, termination and shield of the serial line, that each unit id exists "
    "once, and that no second master talks on it"
)
HINT_ZH: Final = "检查波特率、校验位、终端电阻和屏蔽接地，站号是否重复，线路上是否还有别的主站"


def head_of(function: int, *, unit: int, answer_bytes: int) -> bytes:
    """Give how the only good answer begins: unit, function, and the byte count of a read."""
    if function in READ_FUNCTIONS and answer_bytes:
        return bytes([unit, function, answer_bytes - 1])
    return bytes([unit, function])


def check_begin(body: bytes, request: Request, ids: TransactionIds, *, head: bytes) -> None:
    """Check unit, function and byte count as far as they have arrived, against `head_of` them.

    Raises:
        SessionLost: they are not those of the request's answer.
    """
    if body and ids != "off" and body[0] != request.unit:
        raise foreign(
            f"unit {body[0]} in answer to unit {request.unit}", f"来自站号 {body[0]}", request
        )
    if len(body) < 2:
        return
    if body[1] & ~EXCEPTION_FLAG != request.function:
        raise foreign(
            f"function {body[1]} in answer to {request.function}",
            f"功能码 {body[1]}，应为 {request.function}",
            request,
        )
    due = head[2:3]
    if len(body) > 2 and due and not body[1] & EXCEPTION_FLAG and body[2] != due[0]:
        raise foreign(
            f"{body[2]} bytes where {due[0]} are due",
            f"数据 {body[2]} 字节，应为 {due[0]} 字节",
            request,
        )


def answer_of(body: bytes, request: Request) -> Answer:
    """Take the answer from a checked, whole body of unit, function and data."""
    if body[1] & EXCEPTION_FLAG:
        return ExceptionReply(body[2])
    return body[3:] if request.function in READ_FUNCTIONS else body[2:]


def foreign(seen: str, zh: str, request: Request) -> SessionLost:
    """Word a violation of the protocol on a serial line."""
    return mismatch(seen, zh, request, hint=HINT, hint_zh=HINT_ZH)
