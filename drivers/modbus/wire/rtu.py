"""Modbus RTU frames: unit, function, data, CRC; an answer's end is told by its own length.

Guarantees that no byte is taken as a value unless unit, function, byte count and CRC are right and
the frame ends where it says. A pause inside a frame is not taken for its end: serial servers and
USB adapters tear frames. Pure. Source: Modbus over Serial Line V1.02, 2.5.1.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from drivers.api import SessionLost
from drivers.modbus.wire.framing import EXCEPTION_FLAG, Request
from drivers.modbus.wire.serialized import answer_of, check_begin, foreign, head_of

if TYPE_CHECKING:
    from drivers.modbus.config import TransactionIds
    from drivers.modbus.wire.framing import Answer

CRC_BYTES = 2
MAX_ADU_BYTES = 256
"""Longest frame. Source: Modbus over Serial Line V1.02, 2.2."""

_EXCEPTION_BYTES = 5
_COUNTED = frozenset({1, 2, 3, 4, 0x0C, 0x11, 0x17})
"""Functions whose answer is a byte count and so many bytes."""

_FIXED = {5: 8, 6: 8, 7: 5, 8: 8, 0x0B: 8, 0x0F: 8, 0x10: 8, 0x16: 10}
"""Length of the answer of functions that always answer with so many bytes."""

_MEI_FUNCTION = 0x2B
_OBJECT_COUNT_AT = 7
"""Where the answer of function 0x2B/0x0E says how many objects follow."""


def _crc_table() -> tuple[int, ...]:
    """Make the table of CRC-16 with the reflected polynomial 0xA001."""
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
        table.append(crc)
    return tuple(table)


_CRC: Final = _crc_table()


def crc_of(data: bytes) -> bytes:
    """Give the check sum as it stands on the wire, low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 0xFF]
    return struct.pack("<H", crc)


class Rtu:
    """The framing of serial lines; `drivers.modbus.wire.framing.Framing`."""

    has_ids = False

    def request(
        self, function: int, data: bytes, *, unit: int, answer_bytes: int, asked: str
    ) -> Request:
        """Wrap a request and append its check sum."""
        body = bytes([unit, function]) + data
        head = head_of(function, unit=unit, answer_bytes=answer_bytes)
        size = 2 + answer_bytes + CRC_BYTES if answer_bytes else 0
        return Request(unit, function, body + crc_of(body), head, size, asked, data)

    def check(
        self, received: bytes, request: Request, *, transaction: int, ids: TransactionIds
    ) -> Answer | None:
        """Take the answer from what was received; raises SessionLost on what cannot be it."""
        del transaction
        check_begin(received, request, ids, head=request.head)
        size = self.size_of(received)
        if size is None or len(received) < size:
            return None
        if not received[1] & EXCEPTION_FLAG and request.size_bytes not in {0, size}:
            seen = f"an answer of {size} bytes where {request.size_bytes} are due"
            raise foreign(seen, f"长度 {size} 字节，应为 {request.size_bytes} 字节", request)
        if crc_of(received[: size - CRC_BYTES]) != received[size - CRC_BYTES : size]:
            raise foreign("a wrong check sum (CRC)", "校验和（CRC）错误，报文在线路上受损", request)
        if len(received) > size:
            extra = len(received) - size
            raise foreign(f"{extra} bytes that nobody asked for", f"多出 {extra} 个字节", request)
        return answer_of(received[: size - CRC_BYTES], request)

    def size_of(self, received: bytes) -> int | None:
        """Tell the length from function and byte count; None while they have not arrived."""
        if len(received) < 2:
            return None
        function = received[1]
        if function & EXCEPTION_FLAG:
            return _EXCEPTION_BYTES
        if function in _FIXED:
            return _FIXED[function]
        if function in _COUNTED:
            if len(received) < 3:
                return None
            size: int | None = 3 + received[2] + CRC_BYTES
        elif function == _MEI_FUNCTION:
            size = _identification_size(received)
        else:
            raise SessionLost(f"function {function}, whose answers are not known")
        if (size or len(received)) > MAX_ADU_BYTES:
            raise SessionLost(f"a frame of more than {MAX_ADU_BYTES} bytes")
        return size


def _identification_size(received: bytes) -> int | None:
    """Walk the objects of a device identification; None while one has not arrived."""
    at = _OBJECT_COUNT_AT + 1
    if len(received) < at:
        return None
    for _ in range(received[_OBJECT_COUNT_AT]):
        if len(received) < at + 2:
            return None
        at += 2 + received[at + 1]
    return at + CRC_BYTES
