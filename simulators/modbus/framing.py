"""How requests are found in a stream and answers are wrapped: MBAP, RTU and ASCII.

An implementation of its own, from the server's side. Takes whole, torn and merged requests; what
belongs to none is dropped and counted by the caller. Pure. Sources: Modbus Messaging on TCP/IP
V1.0b, 3.1; Modbus over Serial Line V1.02, 2.5 and 6.2.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeAlias

FramingName: TypeAlias = Literal["tcp", "rtu", "ascii"]
"""How frames are wrapped."""

_MAX_ADU: Final = 260
_CRC_BYTES: Final = 2
_SHORTEST_RTU: Final = 4
_FIXED_LENGTHS: Final = {
    1: 8,
    2: 8,
    3: 8,
    4: 8,
    5: 8,
    6: 8,
    7: 4,
    8: 8,
    11: 4,
    17: 4,
    22: 10,
    43: 7,
}
"""Function -> bytes of an RTU request, address and CRC included."""
_COUNTED: Final = {15: 6, 16: 6, 23: 10}
"""Function -> where an RTU request tells how many bytes follow."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came."""

    unit: int
    pdu: bytes
    transaction: int = 0
    size_bytes: int = 0
    """Of the whole frame: what it cost on the line."""


class Framing(Protocol):
    """Both directions of one framing."""

    name: FramingName

    def take(self, received: bytearray) -> tuple[Request | None, int]:
        """Remove the first whole request, with what stands before it.

        Gives it (None while incomplete) and the number of bytes that belonged to no request.
        """

    def wrap(self, unit: int, pdu: bytes, *, transaction: int) -> bytes:
        """Make the frame of an answer."""


class Mbap:
    """Modbus TCP: a header with transaction id and length, no checksum."""

    name: FramingName = "tcp"

    def take(self, received: bytearray) -> tuple[Request | None, int]:
        """Remove the first request; a header that cannot be one loses everything received."""
        if len(received) < 8:
            return None, 0
        transaction, protocol, length, unit = struct.unpack_from(">HHHB", received)
        if protocol or not 2 <= length <= _MAX_ADU - 6:
            junk = len(received)
            received.clear()
            return None, junk
        size = 6 + length
        if len(received) < size:
            return None, 0
        request = Request(unit, bytes(received[7:size]), transaction, size)
        del received[:size]
        return request, 0

    def wrap(self, unit: int, pdu: bytes, *, transaction: int) -> bytes:
        """Put the header before a PDU."""
        return struct.pack(">HHHB", transaction, 0, 1 + len(pdu), unit) + pdu


class Rtu:
    """The binary framing of serial lines, with CRC; also sent through TCP by serial servers."""

    name: FramingName = "rtu"

    def take(self, received: bytearray) -> tuple[Request | None, int]:
        """Remove the first frame whose CRC is right, wherever it begins."""
        for start in range(max(len(received) - _SHORTEST_RTU + 1, 0)):
            size = _rtu_size(received, start)
            if size and start + size <= len(received):
                frame = bytes(received[start : start + size])
                if crc16(frame[:-_CRC_BYTES]) == frame[-_CRC_BYTES:]:
                    del received[: start + size]
                    return Request(frame[0], frame[1:-_CRC_BYTES], 0, size), start
        junk = max(len(received) - _MAX_ADU, 0)
        del received[:junk]
        return None, junk

    def wrap(self, unit: int, pdu: bytes, *, transaction: int) -> bytes:  # noqa: ARG002 - has none
        """Put a PDU between address and CRC."""
        body = bytes([unit]) + pdu
        return body + crc16(body)


class Ascii:
    """The hexadecimal framing of serial lines, with LRC."""

    name: FramingName = "ascii"

    def take(self, received: bytearray) -> tuple[Request | None, int]:
        """Remove the first line that is a frame."""
        junk = 0
        while (end := received.find(b"\r\n")) >= 0:
            begin = received.rfind(b":", 0, end)
            frame = _unhex(received[begin + 1 : end]) if begin >= 0 else None
            size = end + 2 - max(begin, 0)
            del received[: end + 2]
            if frame is not None and len(frame) >= 3 and lrc(frame[:-1]) == frame[-1]:
                return Request(frame[0], frame[1:-1], 0, size), junk + max(begin, 0)
            junk += end + 2
        return None, junk

    def wrap(self, unit: int, pdu: bytes, *, transaction: int) -> bytes:  # noqa: ARG002 - has none
        """Write a PDU in hexadecimal between colon and line end."""
        body = bytes([unit]) + pdu
        return b":" + (body + bytes([lrc(body)])).hex().upper().encode() + b"\r\n"


def framing_of(name: FramingName) -> Framing:
    """Give the framing of a name."""
    framings: dict[FramingName, Framing] = {"tcp": Mbap(), "rtu": Rtu(), "ascii": Ascii()}
    return framings[name]


def crc16(content: bytes | bytearray) -> bytes:
    """Give the CRC of an RTU frame as it is sent, low byte first."""
    crc = 0xFFFF
    for byte in content:
        crc = crc >> 8 ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return struct.pack("<H", crc)


def lrc(content: bytes | bytearray) -> int:
    """Give the LRC of an ASCII frame: the two's complement of the sum of its bytes."""
    return -sum(content) & 0xFF


def _crc_row(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value


_CRC_TABLE: Final = tuple(_crc_row(value) for value in range(256))


def _rtu_size(received: bytearray, start: int) -> int:
    """Tell how long the request that begins here would be; 0 when none does or it is not known."""
    function = received[start + 1]
    if function in _FIXED_LENGTHS:
        return _FIXED_LENGTHS[function]
    counted = _COUNTED.get(function)
    if counted is None or start + counted >= len(received):
        return 0
    return counted + 1 + received[start + counted] + _CRC_BYTES


def _unhex(text: bytearray) -> bytes | None:
    try:
        return bytes.fromhex(text.decode("ascii"))
    except (ValueError, UnicodeDecodeError):
        return None
