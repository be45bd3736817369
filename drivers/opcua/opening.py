"""The life of a session: the library loaded, the server reached, everything closed again."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from drivers.api import ConnectError, DriverError, SessionLost
from drivers.opcua.beside import beside
from drivers.opcua.library import load
from drivers.opcua.session import OpcuaSession

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from drivers.opcua.config import OpcuaLink

_PARTS: Final = (
    "drivers.opcua.connect",
    "drivers.opcua.limits",
    "drivers.opcua.subscribing.monitored",
    "drivers.opcua.identity",
    "drivers.opcua.alerts.requests",
)
"""What uses the protocol library: loaded whole before files run out."""


@asynccontextmanager
async def open_session(link: OpcuaLink) -> AsyncIterator[OpcuaSession]:
    """Open a session; leaving the block closes it.

    Raises:
        ConnectError: the server is not there.
        AccessError: it is, and refuses us.
    """
    await load(*_PARTS)
    from drivers.opcua.connect import connect, disconnect
    from drivers.opcua.services import Services
    from drivers.opcua.subscribing.notify import PublishLoop

    client, (application_uri, product_uri) = await connect(link)
    services = Services(client, timeout_s=link.timeout_s)
    session = OpcuaSession(services, application_uri=application_uri, product_uri=product_uri)
    publishes = PublishLoop(services.publish, session.lose, rest=services.rest)
    session.publish_with(publishes)
    try:
        try:
            await session.learn(profile=link.profile)
        except DriverError as error:
            raise ConnectError(f"{link.url}: {error}", hint=error.hint) from error
        async with _kept(session, name=f"opcua-keep:{link}"):
            yield session
    finally:
        session.lose(SessionLost("the session was closed"))
        publishes.close()
        # a lost session may live on at the server, which has few of them
        await disconnect(client, polite=client.connection.error is None)


@asynccontextmanager
async def _kept(session: OpcuaSession, *, name: str) -> AsyncIterator[None]:
    """Keep a session alive while the block runs; a bug in that ends it instead of hiding."""
    keeper = beside(session.keep(), name=name, on_bug=session.lose)
    try:
        yield
    finally:
        keeper.cancel()
        await asyncio.wait({keeper})
        if not keeper.cancelled():
            keeper.result()
