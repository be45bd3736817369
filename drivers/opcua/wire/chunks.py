"""Chunks as they come off the socket, put together into messages; no input or output.

What may be kept is bounded by our limits alone, whatever a server announces. Anything that the
standard does not allow at its place ends the connection.

Source: OPC 10000-6, 6.7.2 (chunks) and 7.1.2 (headers).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from drivers.opcua.decoding.binary import DecodeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drivers.opcua.wire.securing import Securing

MAX_CHUNK_BYTES: Final = 65_536
"""Largest chunk we take; told the server in the hello."""

MAX_MESSAGE_BYTES: Final = 2 * 1024 * 1024
"""Largest answer we take; 10,000 notifications of numbers are about 0.3 MB."""

MAX_SKIPPED_BYTES: Final = 32 * 1024 * 1024
"""A longer answer is read past, kept nowhere, up to this; then the server is left."""

MAX_OPENING_BYTES: Final = 256 * 1024
"""Largest answer we take until the session is open: the server is a stranger."""

LEAST_CHUNK_BYTES: Final = 8192
"""Smallest buffer an implementation may have. Source: OPC 10000-6, 7.1.2.3."""

MAX_CHUNKS: Final = MAX_MESSAGE_BYTES // LEAST_CHUNK_BYTES
"""Most chunks of one answer."""

HEADER_BYTES: Final = 8
_TOO_LONG: Final = struct.pack("<Ii", 0x80B9_0000, -1)  # BadResponseTooLarge, without a reason
_HEADER = struct.Struct("<3scI").unpack_from
_SECURE = frozenset({b"OPN", b"MSG", b"CLO"})
_PLAIN = frozenset({b"ACK", b"ERR"})
_WRAPS: Final = 1024
"""A sequence number may start again this close to its end, and no further from its beginning."""


class WireError(DecodeError):
    """The server does not keep the rules of the transport; nothing more can be believed."""


class Message(NamedTuple):
    """One whole message from the server."""

    kind: bytes
    """ACK, ERR, OPN or MSG."""
    request_id: int
    """Which request it answers; 0 for ACK and ERR."""
    body: bytes
    aborted: bool = False
    """Whether the server gave up on the answer; the body is then a status code and a reason."""


@dataclass(slots=True)
class _Parts:
    """The chunks of a message that is not complete yet."""

    request_id: int
    bodies: list[bytes]
    size: int = 0
    chunks: int = 0


class Assembler:
    """Turns what the socket gives into messages."""

    def __init__(self, securing: Securing) -> None:
        self._securing = securing
        self._waiting = bytearray()
        self._parts: _Parts | None = None
        self._sequence: int | None = None
        self.most_bytes = MAX_OPENING_BYTES
        """How long an answer may be from now on."""

    @property
    def partial(self) -> bool:
        """Whether a chunk or a message has begun and is not complete."""
        return bool(self._waiting) or self._parts is not None

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take bytes from the socket; yield the messages that they complete.

        Raises:
            WireError: what came may not come, was changed, or is not from this server.
            DecodeError: it is torn.
        """
        source: bytes | bytearray = data
        if self._waiting:
            self._waiting += data
            source = self._waiting
        pos, length = 0, len(source)
        while length - pos >= HEADER_BYTES:
            kind, final, size = _HEADER(source, pos)
            self._check_header(kind, final, size)
            if size > length - pos:
                break
            chunk = bytes(source[pos : pos + size])
            pos += size
            message = self._take(kind, final, chunk)
            if message is not None:
                yield message
        self._waiting = bytearray(memoryview(source)[pos:]) if pos < length else bytearray()

    def _check_header(self, kind: bytes, final: bytes, size: int) -> None:
        if kind not in _SECURE and kind not in _PLAIN:
            raise WireError(f"a message of kind {kind!r}")
        if not HEADER_BYTES <= size <= MAX_CHUNK_BYTES:
            raise WireError(f"a chunk of {size} bytes")
        if final != b"F" and (kind != b"MSG" or final not in {b"C", b"A"}):
            raise WireError(f"a chunk marked {final!r} of kind {kind!r}")

    def _take(self, kind: bytes, final: bytes, chunk: bytes) -> Message | None:
        if kind in _PLAIN:
            return Message(kind, 0, chunk[HEADER_BYTES:])
        if kind == b"CLO":
            raise WireError("the server closed the channel")
        sequence, request_id, body = self._securing.opened(kind, chunk)
        self._check_sequence(sequence)
        parts = self._parts
        if parts is not None and parts.request_id != request_id:
            raise WireError(f"a chunk of answer {request_id} inside of answer {parts.request_id}")
        if final == b"A":
            self._parts = None
            return Message(kind, request_id, body, aborted=True)
        if final == b"F" and parts is None and len(body) <= self.most_bytes:
            return Message(kind, request_id, body)
        return self._gather(kind, request_id, body, final=final == b"F")

    def _gather(self, kind: bytes, request_id: int, body: bytes, *, final: bool) -> Message | None:
        parts = self._parts
        if parts is None:
            parts = self._parts = _Parts(request_id, [])
        parts.size += len(body)
        parts.chunks += 1
        parts.bodies.append(body)
        too_long = parts.size > self.most_bytes
        if too_long:
            parts.bodies.clear()
        most_bytes = MAX_SKIPPED_BYTES if self.most_bytes > MAX_OPENING_BYTES else self.most_bytes
        most_chunks = max(MAX_CHUNKS, most_bytes // LEAST_CHUNK_BYTES)
        if parts.size > most_bytes or parts.chunks > most_chunks:
            self._parts = None
            raise WireError(f"an answer of more than {most_bytes} bytes or {most_chunks} chunks")
        if not final:
            return None
        self._parts = None
        if too_long:
            return Message(kind, request_id, _TOO_LONG, aborted=True)
        return Message(kind, request_id, b"".join(parts.bodies))

    def _check_sequence(self, number: int) -> None:
        """Let chunks come in order and once: the number counts up by one and may wrap."""
        last, self._sequence = self._sequence, number
        if last is None or number == last + 1:
            return
        if last >= 2**32 - _WRAPS and number < _WRAPS:
            return
        raise WireError(f"chunk number {number} after {last}")
