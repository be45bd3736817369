"""The sockets a running agent takes orders on: one JSON line in, one JSON line out, then closed.

Guarantees: only the agent's own user and root get an answer, told by the kernel and not by what
they send; lines, waiting and connections are bounded; an order to write that was read is carried
out and put on record even if the asker hangs up. Listens on no network. The protocol is between
parts of one version of this program and documented nowhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import pwd
import socket
import struct
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from agent.control import texts
from agent.control.outcome import Fate, Order, Outcome
from agent.control.place import addressed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from agent.control.desk import Desk

    Handler = Callable[[bytes, str], Awaitable[dict[str, Any]]]
    """Takes a line, empty where none came, and who sent it; gives the answer."""

MAX_LINE_BYTES: Final = 4096
MAX_CONNECTIONS: Final = 4
ASK_S: Final = 5.0
"""Longest wait for the line, and for the asker to take the answer."""

_CREDENTIALS: Final = struct.Struct("3i")
"""Process, user and group of the other end. Source: unix(7), SO_PEERCRED."""

_log = logging.getLogger("chulian.control")


@contextlib.asynccontextmanager
async def listening(desk: Desk, path: Path) -> AsyncIterator[None]:
    """Take orders to write at a path while inside the block; the caller owns the store beside it.

    Raises:
        OSError: nothing can be created there.
    """
    async with answering(partial(_ordered, desk), path):
        yield


@contextlib.asynccontextmanager
async def answering(handle: Handler, path: Path) -> AsyncIterator[None]:
    """Answer lines at a path while inside the block; the caller owns the store beside it.

    Raises:
        OSError: nothing can be created there.
    """
    counter = _Counter(handle)
    sock = _bound(path)
    server = await asyncio.start_unix_server(counter.serve, sock=sock, limit=MAX_LINE_BYTES)
    try:
        yield
    finally:
        server.close()
        _remove(path)
        await counter.finish()


def local_user(uid: int) -> str:
    """Give the name of a user of this box."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid:{uid}"


def _bound(path: Path) -> socket.socket:
    """Bind the socket; nobody can connect before its rights are set, for it does not listen yet."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        _remove(path)  # of an agent that was killed: the store's lock is ours
        with addressed(path) as address:
            sock.bind(address)
        path.chmod(0o600)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def _remove(path: Path) -> None:
    """Remove the socket, if it is there."""
    with contextlib.suppress(OSError):
        path.unlink()


class _Counter:
    """Serves those who connect, a few at a time."""

    def __init__(self, handle: Handler) -> None:
        self._handle = handle
        self._serving: set[asyncio.Task[Any]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        task = asyncio.current_task()
        if task is None or len(self._serving) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        self._serving.add(task)
        try:
            answer = await self._answer(reader, writer)
            if answer is not None:
                writer.write(json.dumps(answer).encode() + b"\n")
                async with asyncio.timeout(ASK_S):
                    await writer.drain()
        except (OSError, TimeoutError):
            _log.debug("an asker left before the answer")
        finally:
            self._serving.discard(task)
            writer.close()

    async def finish(self) -> None:
        """End what is under way: a write that was sent is on record as not confirmed."""
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> dict[str, Any] | None:
        uid = _peer_uid(writer.get_extra_info("socket"))
        if uid not in {0, os.geteuid()}:
            _log.warning("control socket: refused to user %s", local_user(uid))
            return None
        try:
            async with asyncio.timeout(ASK_S):
                line = await reader.readuntil(b"\n")
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            line = b""
        return await self._handle(line, local_user(uid))


async def _ordered(desk: Desk, line: bytes, who: str) -> dict[str, Any]:
    """Carry an order to write out."""
    try:
        kind, order = _order(line, who=who)
    except ValueError:
        refused = Outcome(Fate.REFUSED, "", "", texts.refusal("malformed"), "malformed")
        return refused.as_dict()
    outcome = await (desk.write(order) if kind == "write" else desk.preview(order))
    return outcome.as_dict()


def _peer_uid(sock: Any) -> int:
    """Ask the kernel who is at the other end."""
    data = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(data)
    return int(uid)


def _order(line: bytes, *, who: str) -> tuple[str, Order]:
    """Read a line; raises ValueError for anything but an order."""
    try:
        found = json.loads(line)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(found, dict):
        raise ValueError("no order")  # noqa: TRY004 - one error for whatever is no order
    words = [found.get(key) for key in ("op", "device", "tag", "value")]
    if not all(isinstance(word, str) for word in words):
        raise ValueError("op, device, tag and value are text")
    op, device, tag, text = map(str, words)
    if op not in {"write", "preview"}:
        raise ValueError("an unknown kind of order")
    return op, Order(device, tag, text, who)
