"""Modbus ASCII frames: a colon, hexadecimal digits, LRC, CR LF.

Guarantees that no byte is taken as a value unless unit, function, byte count, LRC and both ends
of the frame are right. Pure. Source: Modbus over Serial Line V1.02, 2.5.2.
"""

from __future__ import annotations

from binascii import Error as DigitsError
from binascii import unhexlify
from typing import TYPE_CHECKING, Final

from drivers.api import SessionLost
from drivers.modbus.wire.framing import EXCEPTION_FLAG, Request
from drivers.modbus.wire.serialized import answer_of, check_begin, foreign, head_of

if TYPE_CHECKING:
    from drivers.modbus.config import TransactionIds
    from drivers.modbus.wire.framing import Answer

START: Final = b":"
END: Final = b"\r\n"
MAX_ADU_CHARACTERS = 513
"""Longest frame. Source: Modbus over Serial Line V1.02, 2.5.2.1."""

_LEAST_BODY_BYTES = 4
"""Unit, function, one byte of data, LRC: no answer is shorter."""

_EXCEPTION_CHARACTERS = 11


def lrc_of(data: bytes) -> int:
    """Give the check sum: what makes the sum of all bytes 0."""
    return -sum(data) & 0xFF


class Ascii:
    """The framing of old serial lines; `drivers.modbus.wire.framing.Framing`."""

    has_ids = False

    def request(
        self, function: int, data: bytes, *, unit: int, answer_bytes: int, asked: str
    ) -> Request:
        """Write a request out in digits, with its check sum."""
        body = bytes([unit, function]) + data
        tail = START + _digits(body + bytes([lrc_of(body)])) + END
        head = START + _digits(head_of(function, unit=unit, answer_bytes=answer_bytes))
        size = len(START) + 2 * (2 + answer_bytes + 1) + len(END) if answer_bytes else 0
        return Request(unit, function, tail, head, size, asked, data)

    def check(
        self, received: bytes, request: Request, *, transaction: int, ids: TransactionIds
    ) -> Answer | None:
        """Take the answer from what was received; raises SessionLost on what cannot be it."""
        del transaction
        try:
            size = self.size_of(received)
        except SessionLost as error:
            raise foreign(str(error), "不是 ASCII 报文", request) from error
        if size is None:
            return None
        try:
            body = unhexlify(received[len(START) : size - len(END)])
        except DigitsError as error:
            seen = "something else than hexadecimal digits"
            raise foreign(seen, "含有十六进制数字以外的字符", request) from error
        if len(body) < _LEAST_BODY_BYTES or lrc_of(body):
            seen = "a wrong check sum (LRC)"
            raise foreign(seen, "校验和（LRC）错误，报文在线路上受损", request)
        _check_body(body[:-1], size, request, ids)
        if len(received) > size:
            extra = len(received) - size
            raise foreign(f"{extra} bytes that nobody asked for", f"多出 {extra} 个字节", request)
        return answer_of(body[:-1], request)

    def size_of(self, received: bytes) -> int | None:
        """Tell the length from the line end; None while it has not arrived."""
        if not received.startswith(START[: len(received)]):
            raise SessionLost(f"{received[:1]!r} where a colon is due")
        end = received.find(END, 0, MAX_ADU_CHARACTERS)
        if end < 0 and len(received) >= MAX_ADU_CHARACTERS:
            raise SessionLost(f"a frame of more than {MAX_ADU_CHARACTERS} characters")
        return None if end < 0 else end + len(END)


def _check_body(body: bytes, size: int, request: Request, ids: TransactionIds) -> None:
    """Check that a body with the right check sum is the answer to the request."""
    check_begin(body, request, ids, head=unhexlify(request.head[len(START) :]))
    exception = body[1] & EXCEPTION_FLAG
    due = _EXCEPTION_CHARACTERS if exception else request.size_bytes or size
    if size != due:
        seen = f"an answer of {size} characters where {due} are due"
        raise foreign(seen, f"长度 {size} 字符，应为 {due} 字符", request)


def _digits(data: bytes) -> bytes:
    """Write bytes as upper-case digits."""
    return data.hex().upper().encode()
