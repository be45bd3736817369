"""One unit: its registers behind the functions of the protocol, and what it cannot do.

Guarantees that an answer holds the cells of one generation. Never touches a socket, never
misbehaves: that is `personalities`. Source: Modbus Application Protocol V1.1b3.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from simulators.modbus.patterns import BIT_TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulators.modbus.images import Image

Refusal: TypeAlias = Literal["2", "3", "silence"]
"""How a unit refuses: by an exception, or by saying nothing."""

TABLE_OF: Final = {1: "co", 2: "di", 3: "hr", 4: "ir"}
"""Function code of a read -> table."""
MAX_REGISTERS: Final = 125
MAX_BITS: Final = 2000
ILLEGAL_FUNCTION: Final = 1
ILLEGAL_ADDRESS: Final = 2
ILLEGAL_VALUE: Final = 3

_COIL_ON: Final = 0xFF00
_IDENTIFY: Final = 0x2B
_MEI_IDENTITY: Final = 0x0E


@dataclass(slots=True)
class Unit:
    """A device on the line, told by its unit id."""

    image: Image
    interval_s: float = 0.0
    """How long a generation lasts; 0: the first one for ever."""
    max_registers: int = MAX_REGISTERS
    max_bits: int = MAX_BITS
    too_long: Refusal = "3"
    """How a read of more than that is answered."""
    absent: Refusal | Literal["zero"] = "2"
    """How a read of an address that does not exist is answered; zero: as if it held 0."""
    writable: bool = False
    turnaround_s: float = 0.0
    """How long it thinks before it answers."""
    identity: Mapping[int, str] = field(default_factory=dict)
    """Objects of function 0x2B/0x0E; empty: the function is not offered."""
    written: dict[tuple[str, int], int] = field(default_factory=dict)
    """Cells that were written to, over the image."""
    generation: int = 0
    """The generation held; moved on by `tick`."""
    _answers: dict[bytes, bytes] = field(default_factory=dict)

    def tick(self, age_s: float) -> None:
        """Bring the generation up to date with the server's age in seconds."""
        if self.interval_s and (generation := int(age_s / self.interval_s)) != self.generation:
            self.generation = generation
            self._answers.clear()

    def answer(self, pdu: bytes) -> bytes | None:
        """Answer a request; None where the unit keeps silent."""
        answer = self._answers.get(pdu)
        if answer is not None:
            return answer
        function = pdu[0]
        if function in TABLE_OF:
            found = self._read(function, pdu)
            if isinstance(found, bytes) and len(self._answers) < 4096:
                self._answers[bytes(pdu)] = found
            return found
        if self.writable and function in {5, 6}:
            return self._write_one(pdu)
        if self.writable and function in {15, 16}:
            return self._write_many(pdu)
        if function == _IDENTIFY and self.identity:
            return self._identify(pdu)
        return exception(function, ILLEGAL_FUNCTION)

    def _read(self, function: int, pdu: bytes) -> bytes | None:
        if len(pdu) != 5:
            return exception(function, ILLEGAL_VALUE)
        start, count = struct.unpack_from(">HH", pdu, 1)
        table = TABLE_OF[function]
        bits = table in BIT_TABLES
        if not 1 <= count <= (MAX_BITS if bits else MAX_REGISTERS):
            return exception(function, ILLEGAL_VALUE)
        if count > (self.max_bits if bits else self.max_registers):
            return _refused(function, self.too_long)
        try:
            cells = self._cells(table, start, count)
        except KeyError:
            if self.absent != "zero":
                return _refused(function, self.absent)
            cells = [self._cell_or_zero(table, start + at) for at in range(count)]
        return _read_answer(function, cells)

    def _cells(self, table: str, start: int, count: int) -> list[int]:
        cells = self.image.cells(table, start, count, self.generation)
        if self.written:
            cells = [self.written.get((table, start + at), cell) for at, cell in enumerate(cells)]
        return cells

    def _cell_or_zero(self, table: str, address: int) -> int:
        try:
            return self._cells(table, address, 1)[0]
        except KeyError:
            return 0

    def _write_one(self, pdu: bytes) -> bytes:
        """Functions 5 and 6."""
        function, address, value = struct.unpack(">BHH", pdu)
        if function == 5:
            return self._write(pdu, "co", address, [int(value == _COIL_ON)])
        return self._write(pdu, "hr", address, [value])

    def _write_many(self, pdu: bytes) -> bytes:
        """Functions 15 and 16."""
        function, start, count, size = struct.unpack_from(">BHHB", pdu)
        content = pdu[6:]
        if len(content) != size or size != ((count + 7) // 8 if function == 15 else 2 * count):
            return exception(function, ILLEGAL_VALUE)
        if function == 15:
            states = [content[at // 8] >> at % 8 & 1 for at in range(count)]
            return self._write(pdu, "co", start, states)
        return self._write(pdu, "hr", start, list(struct.unpack(f">{count}H", content)))

    def _write(self, pdu: bytes, table: str, start: int, cells: list[int]) -> bytes:
        try:
            self.image.cells(table, start, len(cells), self.generation)
        except KeyError:
            return exception(pdu[0], ILLEGAL_ADDRESS)
        self.written |= {(table, start + at): cell for at, cell in enumerate(cells)}
        self._answers.clear()
        return pdu[:5]

    def _identify(self, pdu: bytes) -> bytes:
        """Function 0x2B/0x0E, stream access; everything fits one answer."""
        if len(pdu) < 4 or pdu[1] != _MEI_IDENTITY:
            return exception(_IDENTIFY, ILLEGAL_FUNCTION)
        objects = {number: text.encode() for number, text in sorted(self.identity.items())}
        body = b"".join(bytes([number, len(text)]) + text for number, text in objects.items())
        return bytes([_IDENTIFY, _MEI_IDENTITY, pdu[2], 0x02, 0, 0, len(objects)]) + body


def exception(function: int, code: int) -> bytes:
    """Make an exception answer."""
    return bytes([function | 0x80, code])


def _refused(function: int, how: Refusal) -> bytes | None:
    return None if how == "silence" else exception(function, int(how))


def _read_answer(function: int, cells: list[int]) -> bytes:
    """Pack cells behind function code and byte count; bits lowest first."""
    if TABLE_OF[function] in BIT_TABLES:
        size = (len(cells) + 7) // 8
        packed = sum(bit << at for at, bit in enumerate(cells)).to_bytes(size, "little")
    else:
        packed = struct.pack(f">{len(cells)}H", *cells)
    return bytes([function, len(packed)]) + packed
