"""Opening and closing one session: socket, hello, channel, session, login.

Always dials the configured URL, whatever the server calls itself. Asks the server what it offers,
chooses by protection, and talks on only with a server whose certificate a person has trusted; on
an unprotected channel only where nothing better exists or the configuration says so. Leaves no
socket behind, whichever step fails or is cancelled.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from asyncua.client.client import Client

from drivers.api import DriverError
from drivers.opcua import pinned
from drivers.opcua.failures import LIBRARY_ERRORS, connect_error
from drivers.opcua.security.channel import meet, protect
from drivers.opcua.security.discovery import MAX_ANSWER_BYTES, discover, offers_of
from drivers.opcua.security.login import choose_login, login_kind
from drivers.opcua.security.pinned import faults_told, tokens_without_dates
from drivers.opcua.security.policies import NONE, Offer, Protection, Wanted, better, choose
from drivers.opcua.security.texts import list_was_shortened, nothing_fits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from asyncua import ua

    from drivers.opcua.config import OpcuaLink
    from drivers.opcua.security.certificate import Facts

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
"""Largest answer we take; 10,000 notifications are about 0.5 MB."""

MAX_OPENING_BYTES: Final = MAX_ANSWER_BYTES
"""Largest answer we take until the session is open: the server is a stranger."""

LEAST_CHUNK_BYTES: Final = 8192
"""Smallest buffer an implementation may have. Source: OPC 10000-6, 7.1.2.3."""

CLOSE_TIMEOUT_S: Final = 0.5
"""A server that does not answer a goodbye in this time is left without one."""

OPEN_STEPS: Final = 3
"""Opening may take this many answers' time in all: hello, channel, session and login overlap."""

_UNPROTECTED: Final = Offer(NONE, Protection.NOTHING)


async def connect(link: OpcuaLink) -> tuple[Client, tuple[str, str]]:
    """Open a session; give the client and the server's application and product URIs.

    Raises:
        ConnectError: the server is not there, or is not one.
        AccessError: it refuses us, we refuse it, or it would read our password off the wire.
    """
    client, offer = _client(link), _UNPROTECTED
    deadline_s = _deadline_s(link)
    async with _opening(client, link, deadline_s=deadline_s):
        await _open_channel(client, link)
        if link.security == "none":
            return client, await _log_in(client, link, offer)
        offer = await _chosen(client, link)
        if not offer.secure:
            return client, await _log_in(client, link, offer)
        await client.uaclient.close_secure_channel()
    await _hang_up(client)
    parties = await meet(link, offer)
    client = _client(link)
    protect(client, offer, parties)
    us, deadline_s = parties.own.facts, _deadline_s(link)
    async with _opening(client, link, deadline_s=deadline_s, us=us):
        await _open_channel(client, link)
        return client, await _log_in(client, link, offer)


async def disconnect(client: Client, *, polite: bool) -> None:
    """Close the session, with a goodbye if `polite`, and the socket in any case."""
    task = pinned.publish_task(client)
    try:
        if polite:
            with suppress(TimeoutError, *LIBRARY_ERRORS):
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await client.uaclient.close_session(delete_subscriptions=True)
                    await client.uaclient.close_secure_channel()
    finally:
        await _hang_up(client)
    if task is not None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _client(link: OpcuaLink) -> Client:
    client = Client(link.url, timeout=link.timeout_s, auto_reconnect=False)
    client.name = client.description = "Chulian edge agent"
    client.application_uri = "urn:chulian:edge-agent"
    client.product_uri = "urn:chulian:edge-agent"
    client.session_timeout = round(link.session_timeout_s * 1000)
    client.max_messagesize = MAX_MESSAGE_BYTES
    client.max_chunkcount = MAX_MESSAGE_BYTES // LEAST_CHUNK_BYTES
    # the library's readiness hook belongs to its own reconnecting, which is off
    client.uaclient.pre_request_hook = None
    return client


def _deadline_s(link: OpcuaLink) -> float:
    return asyncio.get_running_loop().time() + link.timeout_s * OPEN_STEPS


@asynccontextmanager
async def _opening(
    client: Client, link: OpcuaLink, *, deadline_s: float, us: Facts | None = None
) -> AsyncIterator[None]:
    """Run steps of opening; whatever ends them early closes the socket and is told as ours.

    `us` is the certificate we have shown, if any.
    """
    try:
        async with asyncio.timeout_at(deadline_s):
            yield
    except DriverError:
        await _hang_up(client)
        raise
    except (TimeoutError, *LIBRARY_ERRORS) as error:
        await _hang_up(client)
        raise connect_error(error, link.url, us=us) from error
    except asyncio.CancelledError:
        await _hang_up(client)
        raise


async def _open_channel(client: Client, link: OpcuaLink) -> None:
    await _dial(client)
    acknowledge = await client.uaclient.send_hello(
        link.url, client.max_messagesize, client.max_chunkcount
    )
    _agree_limits(client, acknowledge)
    tokens_without_dates(client)
    faults_told(client)
    await client.open_secure_channel()


async def _chosen(client: Client, link: OpcuaLink) -> Offer:
    """Ask the server what it offers, and choose.

    Raises:
        AccessError: nothing fits the configuration.
    """
    offers = await discover(client, link.url, timeout_s=link.timeout_s)
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


async def _log_in(client: Client, link: OpcuaLink, offer: Offer) -> tuple[str, str]:
    """Create and activate the session; give the server's application and product URIs."""
    created = await client.create_session()
    if offer.secure:
        left_out = better(offers_of(created.ServerEndpoints), offer, _wanted(link))
        if left_out is not None:
            raise list_was_shortened(link.url, left_out)
    choose_login(client, link)
    password = link.password.get_secret_value() if link.password is not None else None
    await client.activate_session(
        username=link.username or None, password=password, certificate=client.user_certificate
    )
    _take_answers(client, most_bytes=MAX_MESSAGE_BYTES)
    servers = [endpoint.Server for endpoint in created.ServerEndpoints or ()]
    return next(
        ((server.ApplicationUri or "", server.ProductUri or "") for server in servers), ("", "")
    )


async def _dial(client: Client) -> None:
    """Connect the socket; a cancellation is obeyed even in the instant of success.

    The library's `asyncio.wait_for` swallows it then, before Python 3.12.
    """
    task = asyncio.current_task()
    cancels = task.cancelling() if task is not None else 0
    await client.connect_socket()
    if task is not None and task.cancelling() > cancels:
        raise asyncio.CancelledError


def _agree_limits(client: Client, acknowledge: ua.Acknowledge) -> None:
    """Set what we may send by the server's word, and what we take by our own.

    The library takes the server's limits for both directions, which lifts ours when a server
    answers 0 and refuses long answers of a server that takes only short requests.
    """
    limits = pinned.limits(client)
    if limits is None:
        raise ConnectionError("the connection closed after the hello")
    limits.max_send_buffer = max(LEAST_CHUNK_BYTES, acknowledge.ReceiveBufferSize)
    _take_answers(client, most_bytes=MAX_OPENING_BYTES)


def _take_answers(client: Client, *, most_bytes: int) -> None:
    """Set how long an answer may be from now on."""
    limits = pinned.limits(client)
    if limits is None:
        raise ConnectionError("the connection closed while it was opened")
    limits.max_recv_buffer = most_bytes
    limits.max_message_size = most_bytes
    limits.max_chunk_count = most_bytes // LEAST_CHUNK_BYTES


async def _hang_up(client: Client) -> None:
    """Close the socket now; what was not sent yet is given up."""
    protocol = client.uaclient.protocol
    transport = None if protocol is None else protocol.transport
    client.uaclient.disconnect_socket()
    if transport is not None:
        transport.abort()
        await asyncio.sleep(0)  # the loop calls connection_lost, which closes the socket
