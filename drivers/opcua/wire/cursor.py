"""A place in a message, with what may still be made of it: bytes, memory, depth.

A length is believed only as far as bytes are there, and whatever is made is paid for from a
fixed room before it is made. So no message, however built, costs more than its room.
"""

from __future__ import annotations

import struct
from typing import Final

from drivers.opcua.decoding.binary import DecodeError

MAX_DEPTH: Final = 32
"""How deep structures, variants and diagnostics may nest."""

ROOM_BYTES: Final = 4 * 1024 * 1024
"""Memory that the objects of one message may take, by estimate."""

_I32 = struct.Struct("<i").unpack_from


class TooMuch(DecodeError):  # noqa: N818 - names what the caller acts upon
    """The answer holds more than we take at once; nothing says that it is wrong."""


class Cursor:
    """Reads a message from its beginning; every step is checked."""

    __slots__ = ("_depth", "_room", "data", "end", "pos")

    def __init__(
        self, data: bytes, pos: int = 0, *, end: int | None = None, room_bytes: int = ROOM_BYTES
    ) -> None:
        self.data = data
        self.pos = pos
        self.end = len(data) if end is None else end
        self._room = room_bytes
        self._depth = 0

    def take(self, size: int) -> int:
        """Step over so many bytes; give where they begin.

        Raises:
            DecodeError: there are not so many.
        """
        start = self.pos
        if size > self.end - start:
            raise DecodeError(f"{size} bytes wanted at {start}, {self.end - start} remain")
        self.pos = start + size
        return start

    def byte(self) -> int:
        """Read one byte."""
        return self.data[self.take(1)]

    def int32(self) -> int:
        """Read a signed 32-bit number."""
        number: int = _I32(self.data, self.take(4))[0]
        return number

    def chunk(self) -> bytes | None:
        """Read a length and as many bytes; None where the sender says there is nothing."""
        length = self.int32()
        if length < 0:
            if length != -1:
                raise DecodeError(f"a length of {length} bytes at {self.pos - 4}")
            return None
        start = self.take(length)
        self.pay(length + 33)
        return self.data[start : self.pos]

    def count(self, *, least_bytes: int, cost_bytes: int) -> int | None:
        """Read an array's length and pay for its elements; None where there is no array.

        It cannot promise more elements than there are bytes for.
        """
        count = self.int32()
        if count < 0:
            if count != -1:
                raise DecodeError(f"an array of {count} elements at {self.pos - 4}")
            return None
        if count * least_bytes > self.end - self.pos:
            raise DecodeError(
                f"an array promises {count} elements, {self.end - self.pos} bytes remain"
            )
        self.pay(56 + count * cost_bytes)
        return count

    def pay(self, cost_bytes: int) -> None:
        """Take memory from the room.

        Raises:
            TooMuch: there is not so much left.
        """
        self._room -= cost_bytes
        if self._room < 0:
            raise TooMuch("the answer holds more than is taken at once")

    def deeper(self) -> None:
        """Enter something that may hold its like; `shallower` leaves it.

        Raises:
            DecodeError: it nests deeper than allowed.
        """
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise DecodeError(f"nested deeper than {MAX_DEPTH}")

    def shallower(self) -> None:
        """Leave what `deeper` entered."""
        self._depth -= 1

    def within(self, length: int) -> int:
        """Let nothing be read beyond so many bytes from here; give the end that held before."""
        before = self.end
        if length > before - self.pos:
            raise DecodeError(f"{length} bytes wanted at {self.pos}, {before - self.pos} remain")
        self.end = self.pos + length
        return before

    def leave(self, before: int) -> None:
        """Step to the end that `within` set and let the one before it hold again."""
        self.pos = self.end
        self.end = before
