"""One HTTP/1.1 connection: reads requests with h11, answers each, keeps every wait bounded.

Guarantees that a peer, however slow or hostile, holds at most one header block, one form and one
response in memory, and that each of its waits ends. It reads a request's body only where
`takes_body` says that a form is awaited, and no more of it than the limit. It never blocks the loop
and never decides what is answered: `answer` does.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import h11

from agent.web.messages import Request, Response, parse_target, plain, security_headers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_CHUNK_BYTES: Final = 16_384


@dataclass(frozen=True, slots=True)
class Limits:
    """What one peer, and all of them together, may take."""

    connections: int = 32
    """Most connections open at once."""
    header_bytes: int = 16_384
    """Most bytes of a request line with its headers."""
    body_bytes: int = 65_536
    """Longest form."""
    request_s: float = 10.0
    """Within this the next request must be complete, counted from the last answer."""
    body_s: float = 10.0
    """Within this a form must have come, counted from its headers."""
    write_s: float = 10.0
    """Within this a response must be taken off our hands."""
    linger_s: float = 1.0
    """How long a refused peer may go on sending before the connection is cut."""


class Connection:
    """A peer and the state of its conversation."""

    def __init__(
        self,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        *,
        answer: Callable[[Request], Awaitable[Response]],
        takes_body: Callable[[Request], bool],
        limits: Limits,
    ) -> None:
        self._reader, self._writer = streams
        self._peer = str((self._writer.get_extra_info("peername") or ("",))[0])
        self._answer = answer
        self._takes_body = takes_body
        self._limits = limits
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.header_bytes)
        self.waiting_since: float | None = time.monotonic()
        """Monotonic seconds since which no request is being served; None while one is."""
        self.served = 0
        """Requests answered."""

    async def run(self) -> None:
        """Serve until the peer leaves, breaks the protocol or is too slow."""
        # at 0 a drain returns only when the kernel has taken everything
        self._writer.transport.set_write_buffer_limits(high=0)
        try:
            await self._converse()
        except (TimeoutError, OSError):
            self._writer.transport.abort()
        finally:
            self._writer.close()

    def abort(self) -> None:
        """Cut the connection at once, without a word."""
        self._writer.transport.abort()

    async def _converse(self) -> None:
        while True:
            try:
                event = await self._next_request()
            except h11.RemoteProtocolError as error:
                await self._complain(error)
                return
            if event is None:
                return
            try:
                body = await self._body(request := _request(event, peer=self._peer))
            except h11.RemoteProtocolError as error:
                await self._complain(error)
                return
            self.waiting_since = None
            await self._serve(request, body)
            self.served += 1
            if self._http.our_state is not h11.DONE or self._http.next_event() is h11.NEED_DATA:
                return
            self._http.start_next_cycle()
            self.waiting_since = time.monotonic()

    async def _next_request(self) -> h11.Request | None:
        """Wait for the next complete header block; None when the peer has left."""
        async with asyncio.timeout(self._limits.request_s):
            while (event := self._http.next_event()) is h11.NEED_DATA:
                self._http.receive_data(await self._reader.read(_CHUNK_BYTES))
        return event if isinstance(event, h11.Request) else None

    async def _body(self, request: Request) -> bytes | Response:
        """Read the form that is awaited; gives the refusal where it is none that can be read."""
        if not _has_body(request) or not self._takes_body(request):
            return b""
        if "content-length" not in request.headers:  # chunks, whose sum nobody knows before
            return plain(HTTPStatus.LENGTH_REQUIRED, "no length / 请求缺少长度")
        if int(request.headers["content-length"]) > self._limits.body_bytes:
            limit = self._limits.body_bytes // 1024
            text = f"too long: {limit} KB at most / 提交内容过长：最多 {limit} KB"
            return plain(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text)
        if self._http.they_are_waiting_for_100_continue:
            go_on = self._http.send(h11.InformationalResponse(status_code=100, headers=[]))
            self._writer.write(go_on or b"")
        parts: list[bytes] = []
        async with asyncio.timeout(self._limits.body_s):
            while not isinstance(event := self._http.next_event(), h11.EndOfMessage):
                if event is h11.NEED_DATA:
                    self._http.receive_data(await self._reader.read(_CHUNK_BYTES))
                elif isinstance(event, h11.Data):
                    parts.append(bytes(event.data))
        return b"".join(parts)

    async def _serve(self, request: Request, body: bytes | Response) -> None:
        """Answer a request; one whose body was not read is the last of its connection."""
        head = request.method == "HEAD"
        if isinstance(body, Response):
            response, unread = body, True
        else:
            unread = _has_body(request) and self._http.their_state is h11.SEND_BODY
            response = await self._answer(replace(request, body=body))
        await self._send(response, head=head, close=unread)
        if unread:
            await self._linger()

    async def _complain(self, error: h11.RemoteProtocolError) -> None:
        """Answer what is not HTTP, or too long, if an answer can still be told apart."""
        if self._http.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            return
        status = error.error_status_hint
        await self._send(plain(status, f"{status}: {error}"), head=False, close=True)
        await self._linger()

    async def _send(self, response: Response, *, head: bool, close: bool) -> None:
        headers = [
            ("Content-Type", response.content_type),
            ("Content-Length", str(len(response.body))),
            ("Cache-Control", response.cache),
            *security_headers(forms=response.forms),
            *response.headers,
        ]
        if close:
            headers.append(("Connection", "close"))
        phrase = HTTPStatus(response.status).phrase
        head_event = h11.Response(status_code=response.status, headers=headers, reason=phrase)
        parts = [self._http.send(head_event)]
        if not head and response.body:
            parts.append(self._http.send(h11.Data(data=response.body)))
        parts.append(self._http.send(h11.EndOfMessage()))
        self._writer.write(b"".join(part for part in parts if part))
        async with asyncio.timeout(self._limits.write_s):
            await self._writer.drain()

    async def _linger(self) -> None:
        """Read away what the peer still sends: closing over unread bytes would reset our answer."""
        if self._writer.can_write_eof():
            self._writer.write_eof()
        async with asyncio.timeout(self._limits.linger_s):
            while await self._reader.read(_CHUNK_BYTES):
                pass


def _request(event: h11.Request, *, peer: str) -> Request:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in event.headers}
    path, query = parse_target(event.target.decode("latin-1"))
    return Request(event.method.decode("latin-1"), path, query, headers, peer=peer)


def _has_body(request: Request) -> bool:
    headers = request.headers
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
