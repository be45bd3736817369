"""One TCP connection to a server: hello, chunks out and in, answers to their requests.

Works on asyncio and uvloop alike. Requests of one turn of the loop go out in one write. Whatever
the server does against the rules ends the connection, and every request that waits learns why.
Never reconnects, never decodes what an answer says.
"""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING, Final

from asyncua.ua.uaerrors import UaStatusCodeError

from drivers.opcua.decoding.binary import DecodeError, chunk, decoding
from drivers.opcua.wire.chunks import (
    MAX_CHUNK_BYTES,
    MAX_CHUNKS,
    MAX_MESSAGE_BYTES,
    Assembler,
    Message,
    WireError,
)
from drivers.opcua.wire.securing import Securing

if TYPE_CHECKING:
    from drivers.opcua.security.unprotected import Policy

MESSAGE_TIMEOUT_S: Final = 30.0
"""A message that has begun is complete after this; 2 MB in 30 s is a slow mobile link."""

REST_S: Final = 0.01
"""So long nothing is read where more is known to follow at once: it is then taken in one go."""

MAX_PENDING: Final = 256
"""Requests without an answer, those included that nobody waits for any more."""

MAX_UNSENT_BYTES: Final = 4 * 1024 * 1024
"""What the server does not take off us; beyond, it has hung."""

_HELLO: Final = struct.Struct("<3scIIIIIIi")
_ACKNOWLEDGE: Final = struct.Struct("<IIIII")
_STATUS: Final = struct.Struct("<I").unpack_from
_MOST_REASON: Final = 200


class Connection(asyncio.Protocol):
    """The connection; `dial` makes one."""

    def __init__(self, policy: Policy) -> None:
        self.securing = Securing(policy)
        """How chunks are protected."""
        self.error: Exception | None = None
        """Why the connection ended; None while it has not."""
        self._assembler = Assembler(self.securing)
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._greeting: asyncio.Future[bytes] | None = None
        self._pending: dict[int, asyncio.Future[bytes]] = {}
        self._opening_id = 0
        self._request_id = 0
        self._unsent: list[bytes] = []
        self._deadline: asyncio.TimerHandle | None = None
        self._resting = False
        self._closed: asyncio.Future[None] = self._loop.create_future()

    # what the host of the connection does

    async def hello(self, url: str) -> None:
        """Greet the server, tell it our limits, learn how large a chunk it takes.

        Raises:
            UaStatusCodeError: the server refuses us.
            ConnectionError, WireError: there is none, or it is no server.
        """
        name = url.encode()
        size = _HELLO.size + len(name)
        self._greeting = self._loop.create_future()
        self._write(
            _HELLO.pack(
                b"HEL", b"F", size, 0, MAX_CHUNK_BYTES, MAX_CHUNK_BYTES, MAX_MESSAGE_BYTES,
                MAX_CHUNKS, len(name),
            )
            + name
        )  # fmt: skip
        answer = await self._greeting
        with decoding("the answer to the hello"):
            _, receives, *_ = _ACKNOWLEDGE.unpack_from(answer)
        self.securing.agree(receives)

    def request(self, body: bytes) -> asyncio.Future[bytes]:
        """Send a request; the future gives the body of its answer, or why there is none.

        Raises:
            ConnectionError: the connection is closed, or the server takes nothing more.
        """
        number, answer = self._await_answer()
        self._write(self.securing.sealed(body, request_id=number))
        return answer

    async def open_channel(self, body: bytes) -> bytes:
        """Send the request that opens or renews the channel; give the body of the answer.

        Raises:
            ConnectionError: the connection is closed.
        """
        number, answer = self._await_answer()
        self._opening_id = number
        self._write(self.securing.sealed_opening(body, request_id=number))
        return await answer

    def close_channel(self, body: bytes) -> None:
        """Tell the server that the channel ends; there is no answer to that."""
        if self.error is None:
            self._request_id += 1
            self._write(self.securing.sealed(body, request_id=self._request_id, kind=b"CLO"))
            self._flush()

    def rest(self) -> None:
        """Read nothing for a moment: what comes meanwhile costs one wake-up, not one each."""
        transport = self._transport
        if transport is None or self._resting or transport.is_closing():
            return
        self._resting = True
        transport.pause_reading()
        self._loop.call_later(REST_S, self._read_on, transport)

    def take_answers(self, *, most_bytes: int) -> None:
        """Set how long an answer may be from now on."""
        self._assembler.most_bytes = most_bytes

    def end(self, error: Exception) -> None:
        """Close the socket now and let every request that waits fail with this."""
        if self.error is not None:
            return
        self.error = error
        self._unsent.clear()
        if self._deadline is not None:
            self._deadline.cancel()
        if self._transport is not None:
            self._transport.abort()
        waiting = [*self._pending.values(), *([self._greeting] if self._greeting else [])]
        self._pending.clear()
        for answer in waiting:
            if not answer.done():
                answer.set_exception(error)
                answer.exception()  # whoever waited may be gone; nobody has to ask

    async def closed(self) -> None:
        """Wait until the socket is closed."""
        if self._transport is not None:
            await self._closed

    # what the event loop does

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport  # type: ignore[assignment]  # a stream's transport can write

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell everyone that waits."""
        self.end(ConnectionError(f"the connection ended: {exc or 'the server closed it'}"))
        if not self._closed.done():
            self._closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Take what came; anything against the rules ends the connection."""
        if self.error is not None:
            return
        try:
            for message in self._assembler.feed(data):
                self._take(message)
        except (DecodeError, UaStatusCodeError) as error:
            self.end(error)
            return
        self._watch()

    # inside

    def _take(self, message: Message) -> None:
        if message.kind == b"ERR":
            raise _error_of(message.body, "the server ended the connection")
        if message.kind == b"ACK":
            if self._greeting is None or self._greeting.done():
                raise WireError("an acknowledgement nobody waits for")
            self._greeting.set_result(message.body)
            return
        answer = self._pending.pop(message.request_id, None)
        if answer is None:
            raise WireError(f"an answer to request {message.request_id}, which was not asked")
        if (message.kind == b"OPN") != (message.request_id == self._opening_id):
            self._pending[message.request_id] = answer
            raise WireError(f"a message {message.kind!r} answers request {message.request_id}")
        if answer.done():
            return  # nobody waits for it any more
        if message.aborted:
            answer.set_exception(_error_of(message.body, "the server gave up on its answer"))
        else:
            answer.set_result(message.body)

    def _await_answer(self) -> tuple[int, asyncio.Future[bytes]]:
        if self.error is not None:
            raise ConnectionError(f"the connection is closed: {self.error}")
        if len(self._pending) >= MAX_PENDING:
            raise ConnectionError(f"the server left {MAX_PENDING} requests without an answer")
        self._request_id = self._request_id % (2**32 - 1) + 1
        answer: asyncio.Future[bytes] = self._loop.create_future()
        self._pending[self._request_id] = answer
        return self._request_id, answer

    def _write(self, data: bytes) -> None:
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(data)

    def _flush(self) -> None:
        if self._transport is None or not self._unsent or self.error is not None:
            return
        self._transport.write(b"".join(self._unsent))
        self._unsent.clear()
        if self._transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self.end(ConnectionError("the server takes nothing of what is sent to it"))

    def _read_on(self, transport: asyncio.Transport) -> None:
        self._resting = False
        if not transport.is_closing():
            transport.resume_reading()

    def _watch(self) -> None:
        """Let no message stay begun for ever, however slowly it drips."""
        if not self._assembler.partial:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None
        elif self._deadline is None:
            self._deadline = self._loop.call_later(MESSAGE_TIMEOUT_S, self._late)

    def _late(self) -> None:
        self.end(WireError(f"a message is not complete after {MESSAGE_TIMEOUT_S:g} s"))


async def dial(host: str, port: int, policy: Policy) -> Connection:
    """Connect to a server.

    Raises:
        OSError: it cannot be reached.
    """
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: Connection(policy), host, port)
    return connection


def _error_of(body: bytes, what: str) -> Exception:
    """Give the error that a status code and a reason stand for."""
    with decoding(what):
        code: int = _STATUS(body)[0]
        raw, _ = chunk(body, 4)
    if code >> 30:
        return status_error(code)
    return WireError(f"{what}: {(raw or b'')[:_MOST_REASON].decode(errors='replace')!r}")


def status_error(code: int) -> UaStatusCodeError:
    """Give the library's exception for a status code."""
    made: UaStatusCodeError = UaStatusCodeError(code)  # type: ignore[no-untyped-call]
    return made
