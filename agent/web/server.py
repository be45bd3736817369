"""The small HTTP server of the agent, in the agent's own event loop.

Guarantees bounded connections, memory and waits, whatever the peers do: when all places are taken
the connection that has waited longest without a request gives way, so that idle or dripping peers
cannot keep a scrape or a person out. It reads snapshots and changes nothing but the ledger, which
`editing` does for those who logged in. It is no web framework: h11 speaks the protocol, `routes`
decides what is answered.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from agent.telemetry.status import Message
from agent.web.connection import Connection, Limits
from agent.web.messages import Request, Response, host_allowed, plain
from agent.web.rendering import Renderer
from agent.web.routes import Source

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from agent.config.model import AgentConfig, Http
    from agent.telemetry.status import Status
    from agent.web.editing.gate import Gate

_log = logging.getLogger("chulian.web")

_BACKLOG: Final = 64
_BUSY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)
"""For a peer that gets no connection, so nothing that reads its request either."""
_MISDIRECTED: Final = plain(
    421,
    "this name is not served here; use the IP address of the gateway, or localhost / "
    "此域名不提供服务，请改用网关的 IP 地址或 localhost 访问",
)


class BindError(OSError):
    """The address of the page cannot be used; `message` says so in both languages."""

    def __init__(self, message: Message) -> None:
        super().__init__(f"{message.en} / {message.zh}")
        self.message = message


class Server:
    """The running server: where it listens, and what it refused."""

    def __init__(
        self,
        renderer: Renderer,
        *,
        limits: Limits,
        hosts: Sequence[str],
        editing: Gate | None = None,
    ) -> None:
        self._renderer = renderer
        self._editing = editing
        self._limits = limits
        self._hosts = tuple(hosts)
        self._open: dict[asyncio.Task[None], Connection] = {}
        self.url = ""
        """Where it listens, such as http://127.0.0.1:8642, without a path."""
        self.refused = 0
        """Peers answered 503 because every place was busy serving."""
        self.displaced = 0
        """Waiting connections that gave way to a new one."""
        self.most = limits.connections
        """Most connections now; never above the limit."""
        self._answered = 0

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return len(self._open)

    @property
    def serving(self) -> int:
        """How many requests are being answered now."""
        return sum(one.waiting_since is None for one in self._open.values())

    @property
    def served(self) -> int:
        """How many requests have been answered."""
        return self._answered + sum(one.served for one in self._open.values())

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take in a new peer, if need be in place of one that only waits."""
        connection = Connection((reader, writer), answer=self._checked,
                                takes_body=self._takes_body, limits=self._limits)  # fmt: skip
        if len(self._open) >= self.most and not self._displace():
            self.refused += 1
            writer.write(_BUSY)
            writer.close()
            return
        task = asyncio.get_running_loop().create_task(connection.run(), name="web:connection")
        self._open[task] = connection
        task.add_done_callback(self._closed)

    def narrow(self, most: int) -> None:
        """Keep so many connections at most; those that only wait give way at once."""
        self.most = min(most, self._limits.connections)
        while len(self._open) > self.most and self._displace():
            pass

    async def close(self) -> None:
        """Cut every connection and wait until each task has ended."""
        tasks = list(self._open)
        for task in tasks:
            self._open[task].abort()
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._renderer.close()

    async def _checked(self, request: Request) -> Response:
        if not host_allowed(request.headers.get("host"), self._hosts):
            return _MISDIRECTED
        if self._editing is not None and self._editing.serves(request):
            return await self._editing.answer(request)
        return await self._renderer.answer(request)

    def _takes_body(self, request: Request) -> bool:
        return self._editing is not None and self._editing.takes(request)

    def _displace(self) -> bool:
        """Cut the connection that has waited longest; False when all are being served."""
        waiting = [
            (connection.waiting_since, task)
            for task, connection in self._open.items()
            if connection.waiting_since is not None
        ]
        if not waiting:
            return False
        _, task = min(waiting, key=lambda pair: pair[0])
        connection = self._open.pop(task)
        self._answered += connection.served
        connection.abort()
        task.cancel()
        self.displaced += 1
        return True

    def _closed(self, task: asyncio.Task[None]) -> None:
        connection = self._open.pop(task, None)
        if connection is not None:
            self._answered += connection.served
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a page could not be made", exc_info=error)


@asynccontextmanager
async def serve(
    settings: Http,
    status: Callable[[], Status],
    *,
    stalled: Callable[[], Sequence[str]] = tuple,
    allowed_hosts: Sequence[str] = (),
    limits: Limits | None = None,
    config: Callable[[], AgentConfig] | None = None,
    editing: Gate | None = None,
) -> AsyncIterator[Server]:
    """Listen while the block runs.

    Args:
        settings: Address and port; port 0 takes a free one, see `Server.url`.
        status: Gives a snapshot of the agent; called for each request that shows one.
        stalled: Names the stages that make no progress; `/healthz` fails while it names any.
        allowed_hosts: Names beside localhost and addresses under which browsers may ask.
        limits: What peers may take; for tests.
        config: Gives what is in force, with the ledger that is shown; without it none is.
        editing: The way to the forms of the ledger; without it nothing can be changed.

    Raises:
        BindError: the address is in use or not this machine's.
    """
    source = Source(status, stalled, config, edits=editing is not None)
    server = Server(
        Renderer(source),
        limits=limits or Limits(),
        hosts=(settings.host, *allowed_hosts),
        editing=editing,
    )
    listener = await _listen(settings, server)
    async with listener:
        server.url = _url(listener)
        _log.info("status page at %s", server.url)
        try:
            async with _codes(editing, server.url):
                yield server
        finally:
            listener.close()
            await server.close()


@asynccontextmanager
async def _codes(editing: Gate | None, url: str) -> AsyncIterator[None]:
    """Hand out codes to log in with, where the ledger can be edited."""
    if editing is None:
        yield
        return
    from agent.web.editing.codes import giving_codes

    async with giving_codes(editing.door, editing.editable.config().store.path, url=url):
        yield


async def _listen(settings: Http, server: Server) -> asyncio.Server:
    try:
        return await asyncio.start_server(
            server.accept, settings.host, settings.port, backlog=_BACKLOG
        )
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        raise BindError(
            Message(
                en=f"http: cannot listen on {where} ({error.strerror or error}); "
                "choose another http.port or http.host, or stop the program that holds it",
                zh=f"http：无法监听 {where}（{error.strerror or error}）；"
                "请更换 http.port 或 http.host，或停止占用该端口的程序",
            )
        ) from error


def _url(listener: asyncio.Server) -> str:
    host, port = listener.sockets[0].getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
