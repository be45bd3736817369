"""Opening and closing one session: socket, hello, channel, session, login.

Always dials the configured URL, whatever the server calls itself. Asks the server what it offers,
chooses by protection, and talks on only with a server whose certificate a person has trusted; on
an unprotected channel only where nothing better exists or the configuration says so. Leaves no
socket behind, whichever step fails or is cancelled.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from asyncua import ua

from drivers.api import DriverError
from drivers.opcua.failures import LIBRARY_ERRORS, connect_error
from drivers.opcua.library import load
from drivers.opcua.security.discovery import discover, offers_of
from drivers.opcua.security.login import choose_login, login_kind
from drivers.opcua.security.no_way import list_was_shortened, nothing_fits
from drivers.opcua.security.policies import NONE, Offer, Protection, Wanted, better, choose
from drivers.opcua.security.unprotected import Unprotected
from drivers.opcua.wire.chunks import MAX_MESSAGE_BYTES
from drivers.opcua.wire.client import WireClient
from drivers.opcua.wire.connection import dial
from drivers.opcua.wire.session import APPLICATION_URI, Login, activate_session, create_session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from drivers.opcua.config import OpcuaLink
    from drivers.opcua.security.channel import Parties
    from drivers.opcua.security.unprotected import Policy

DEFAULT_PORT: Final = 4840
"""Of a URL that names none. Source: OPC 10000-6, 7.2."""

CLOSE_TIMEOUT_S: Final = 0.5
"""A server that does not answer a goodbye in this time is left without one."""

OPEN_STEPS: Final = 3
"""Opening may take this many answers' time in all: hello, channel, session and login overlap."""

_SECURITY: Final = "drivers.opcua.security.channel"
"""What needs the cryptography: 9 MB that a channel without protection does without."""

_UNPROTECTED: Final = Offer(NONE, Protection.NOTHING)


async def connect(link: OpcuaLink) -> tuple[WireClient, tuple[str, str]]:
    """Open a session; give the client and the server's application and product URIs.

    Raises:
        ConnectError: the server is not there, or is not one.
        AccessError: it refuses us, we refuse it, or it would read our password off the wire.
    """
    async with _opening(link) as (client, hang_up):
        offer = _UNPROTECTED if link.security == "none" else await _chosen(client, link)
        if not offer.secure:
            server = await _log_in(client, link, offer)
            hang_up.pop_all()
            return client, server
        client.close_channel()
    await load(_SECURITY)
    from drivers.opcua.security.channel import meet

    parties = await meet(link, offer)
    async with _opening(link, offer=offer, parties=parties) as (client, hang_up):
        server = await _log_in(client, link, offer, parties)
        hang_up.pop_all()
        return client, server


async def disconnect(client: WireClient, *, polite: bool) -> None:
    """Close the session, with a goodbye if `polite`, and the socket in any case."""
    try:
        if polite:
            with suppress(TimeoutError, *LIBRARY_ERRORS):
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    request = ua.CloseSessionRequest()
                    request.DeleteSubscriptions = True
                    await client.ask(request, ua.CloseSessionResponse)
                client.close_channel()
    finally:
        await _hang_up(client)


@asynccontextmanager
async def _opening(
    link: OpcuaLink, *, offer: Offer = _UNPROTECTED, parties: Parties | None = None
) -> AsyncIterator[tuple[WireClient, AsyncExitStack]]:
    """Connect, open a channel, and run the steps of opening in the block.

    The stack that is given hangs up when the block ends, in whichever way; a block that keeps
    the connection empties it. What the library or the server raise is told as ours.
    """
    deadline_s = asyncio.get_running_loop().time() + link.timeout_s * OPEN_STEPS
    try:
        async with asyncio.timeout_at(deadline_s), AsyncExitStack() as hang_up:
            client = await _dialled(link, offer, parties)
            hang_up.push_async_callback(_hang_up, client)
            await client.connection.hello(link.url)
            await client.open_channel()
            yield client, hang_up
    except DriverError:
        raise
    except (TimeoutError, *LIBRARY_ERRORS) as error:
        us = parties.own.facts if parties is not None else None
        raise connect_error(error, link.url, us=us) from error


async def _dialled(link: OpcuaLink, offer: Offer, parties: Parties | None) -> WireClient:
    policy: Policy = Unprotected()
    if parties is not None:
        from drivers.opcua.security.channel import protecting

        policy = protecting(offer, parties)
    parts = urlsplit(link.url)
    connection = await dial(parts.hostname or "", parts.port or DEFAULT_PORT, policy)
    return WireClient(connection, link.url)


async def _chosen(client: WireClient, link: OpcuaLink) -> Offer:
    """Ask the server what it offers, and choose.

    Raises:
        AccessError: nothing fits the configuration.
    """
    offers = await discover(client)
    wanted = _wanted(link)
    offer = choose(offers, wanted)
    if offer is None:
        raise nothing_fits(link.url, offers, wanted)
    return offer


def _wanted(link: OpcuaLink) -> Wanted:
    return Wanted(
        policy=link.security,
        mode=link.security_mode,
        login=login_kind(link),
        secret=link.password is not None,
        pinned=link.pin is not None,
        plain_login=link.allow_plain_password,
    )


async def _log_in(
    client: WireClient, link: OpcuaLink, offer: Offer, parties: Parties | None = None
) -> tuple[str, str]:
    """Create and activate the session; give the server's application and product URIs."""
    uri = (parties.own.application_uri if parties is not None else "") or APPLICATION_URI
    created = await create_session(client, application_uri=uri, life_s=link.session_timeout_s)
    endpoints = created.ServerEndpoints or []
    if offer.secure:
        left_out = better(offers_of(endpoints), offer, _wanted(link))
        if left_out is not None:
            raise list_was_shortened(link.url, left_out)
    await activate_session(client, await _login(client, link, parties))
    client.connection.take_answers(most_bytes=MAX_MESSAGE_BYTES)
    servers = [endpoint.Server for endpoint in endpoints]
    return next(
        ((server.ApplicationUri or "", server.ProductUri or "") for server in servers), ("", "")
    )


async def _login(client: WireClient, link: OpcuaLink, parties: Parties | None) -> Login:
    """Choose how to log in, and bring what that needs.

    Raises:
        AccessError: no way fits, or one of our files cannot be read.
    """
    policy = choose_login(client, link)
    user = parties.user if parties is not None else None
    if user is None and link.user_certificate is not None and link.user_key is not None:
        await load(_SECURITY)
        from drivers.opcua.security.own import load_pair

        user = await asyncio.to_thread(load_pair, link.user_certificate, link.user_key)
    if user is not None:
        return Login(policy, certificate=user.facts.der, key=user.key)
    password = link.password.get_secret_value() if link.password is not None else None
    return Login(policy, username=link.username or None, password=password)


async def _hang_up(client: WireClient) -> None:
    """Close the socket now; what was not sent yet is given up."""
    client.connection.end(ConnectionError("the connection was closed"))
    await client.connection.closed()
