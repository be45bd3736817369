"""The life of a session: the library loaded, the server reached, everything closed again."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Final

from drivers.api import ConnectError, DriverError, SessionLost
from drivers.opcua.beside import beside
from drivers.opcua.session import OpcuaSession

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from drivers.opcua.config import OpcuaLink

_LIBRARY: Final = (
    "drivers.opcua.connect",
    "drivers.opcua.limits",
    "drivers.opcua.subscribing.monitored",
    "drivers.opcua.identity",
)


@asynccontextmanager
async def open_session(link: OpcuaLink) -> AsyncIterator[OpcuaSession]:
    """Open a session; leaving the block closes it.

    Raises:
        ConnectError: the server is not there.
        AccessError: it is, and refuses us.
    """
    await _load()
    from drivers.opcua.connect import connect, disconnect
    from drivers.opcua.services import Services
    from drivers.opcua.subscribing.notify import PublishLoop

    client, (application_uri, product_uri) = await connect(link)
    services = Services(client, timeout_s=link.timeout_s)
    session = OpcuaSession(services, application_uri=application_uri, product_uri=product_uri)
    publishes = PublishLoop(services.publish, session.lose)
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


async def _load() -> None:
    """Import the library in a thread: it takes most of a second, and the loop must not wait.

    Raises:
        ConnectError: the process may open no more files.
    """
    for module in _LIBRARY:
        if module not in sys.modules:
            try:
                await asyncio.to_thread(import_module, module)
            except OSError as error:
                raise ConnectError(
                    f"the driver cannot be loaded: {error}",
                    zh=f"无法加载驱动：{error}",
                    hint="The process has too many open files: see docs/operations.",
                    hint_zh="进程打开的文件过多，见 docs/operations。",
                ) from error
