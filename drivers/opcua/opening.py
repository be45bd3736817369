"""The life of a session: the library loaded, the server reached, everything closed again."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Final

from drivers.api import ConnectError, DriverError, SessionLost
from drivers.opcua.session import OpcuaSession

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from asyncua.client.client import Client

    from drivers.opcua.config import OpcuaLink

_LIBRARY: Final = ("drivers.opcua.connect", "drivers.opcua.services")


@asynccontextmanager
async def open_session(link: OpcuaLink, *, fast: bool = True) -> AsyncIterator[OpcuaSession]:
    """Open a session; leaving the block closes it. Without `fast` the library decodes.

    Raises:
        ConnectError: the server is not there.
        AccessError: it is, and refuses us.
    """
    await _load()
    from drivers.opcua.connect import connect, disconnect

    client, server = await connect(link)
    session: OpcuaSession | None = None
    try:
        session = _session(client, link, server=server, fast=fast)
        try:
            await session.learn()
        except DriverError as error:
            raise ConnectError(f"{link.url}: {error}", hint=error.hint) from error
        async with _kept(session, name=f"opcua-keep:{link}"):
            yield session
    finally:
        alive = session is not None and session.alive
        if session is not None:
            session.lose(SessionLost("the session was closed"))
        await disconnect(client, polite=alive)


def _session(
    client: Client, link: OpcuaLink, *, server: tuple[str, str], fast: bool
) -> OpcuaSession:
    """Build a session on a connected client, with our publish loop where the library allows."""
    from drivers.opcua import pinned
    from drivers.opcua.notify import PublishLoop
    from drivers.opcua.services import Services

    fast = fast and not pinned.missing(client)
    services = Services(client, timeout_s=link.timeout_s, fast=fast)
    session = OpcuaSession(services, application_uri=server[0], product_uri=server[1])
    if fast:
        publishes = PublishLoop(services.publish, session.lose)
        pinned.replace_publish_loop(client.uaclient.session, publishes.run)
        session.publish_with(publishes)
    return session


@asynccontextmanager
async def _kept(session: OpcuaSession, *, name: str) -> AsyncIterator[None]:
    """Keep a session alive while the block runs."""
    keeper = asyncio.create_task(session.keep(), name=name)
    try:
        yield
    finally:
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper


async def _load() -> None:
    """Import the library in a thread: it takes most of a second, and the loop must not wait."""
    for module in _LIBRARY:
        if module not in sys.modules:
            await asyncio.to_thread(import_module, module)
