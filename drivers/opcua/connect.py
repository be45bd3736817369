"""Opening and closing one session: socket, hello, channel, session, login.

Always dials the configured URL, whatever the server calls itself. Never sends a password readable
unless the configuration says so. Leaves no socket behind, whichever step fails or is cancelled.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from asyncua import ua
from asyncua.client.client import Client
from asyncua.crypto import security_policies

from drivers.api import AccessError, DriverError
from drivers.opcua import pinned
from drivers.opcua.failures import LIBRARY_ERRORS, connect_error

if TYPE_CHECKING:
    from drivers.opcua.config import OpcuaLink

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
"""Largest answer we take; 10,000 notifications are about 0.5 MB."""

LEAST_CHUNK_BYTES: Final = 8192
"""Smallest buffer an implementation may have. Source: OPC 10000-6, 7.1.2.3."""

CLOSE_TIMEOUT_S: Final = 0.5
"""A server that does not answer a goodbye in this time is left without one."""

OPEN_STEPS: Final = 3
"""Opening may take this many answers' time in all: hello, channel, session and login overlap."""

_ENCRYPTING: Final = tuple(
    policy.URI
    for policy in (
        security_policies.SecurityPolicyAes256Sha256RsaPss,
        security_policies.SecurityPolicyAes128Sha256RsaOaep,
        security_policies.SecurityPolicyBasic256Sha256,
        security_policies.SecurityPolicyBasic256,
        security_policies.SecurityPolicyBasic128Rsa15,
    )
)
"""Policies that hide a password, best first."""


async def connect(link: OpcuaLink) -> tuple[Client, tuple[str, str]]:
    """Open a session; give the client and the server's application and product URIs.

    Raises:
        ConnectError: the server is not there, or is not one.
        AccessError: it refuses us, or would read our password off the wire.
    """
    client = _client(link)
    try:
        async with asyncio.timeout(link.timeout_s * OPEN_STEPS):
            server = await _establish(client, link)
    except DriverError:
        await _hang_up(client)
        raise
    except (TimeoutError, *LIBRARY_ERRORS) as error:
        await _hang_up(client)
        raise connect_error(error, link.url) from error
    except asyncio.CancelledError:
        await _hang_up(client)
        raise
    return client, server


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


async def _establish(client: Client, link: OpcuaLink) -> tuple[str, str]:
    await _dial(client)
    acknowledge = await client.uaclient.send_hello(
        link.url, client.max_messagesize, client.max_chunkcount
    )
    _agree_limits(client, acknowledge)
    await client.open_secure_channel()
    created = await client.create_session()
    _choose_login(client, link)
    password = link.password.get_secret_value() if link.password is not None else None
    await client.activate_session(username=link.username or None, password=password)
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
    limits.max_recv_buffer = MAX_MESSAGE_BYTES
    limits.max_message_size = MAX_MESSAGE_BYTES
    limits.max_chunk_count = MAX_MESSAGE_BYTES // LEAST_CHUNK_BYTES


def _choose_login(client: Client, link: OpcuaLink) -> None:
    """Pick the way to log in that hides the password best.

    Raises:
        AccessError: there is no fitting one, or none that hides the password.
    """
    offered = pinned.token_policies(client)
    wanted = ua.UserTokenType.UserName if link.username else ua.UserTokenType.Anonymous
    fitting = [policy for policy in offered if policy.TokenType == wanted]
    if not fitting:
        raise _no_such_login(link)
    if link.password is None:
        return
    has_certificate = client.security_policy.peer_certificate is not None
    for uri in _ENCRYPTING if has_certificate else ():
        for policy in fitting:
            if policy.SecurityPolicyUri == uri:
                pinned.prefer_token_policy(client, policy)
                return
    if not link.allow_plain_password:
        raise AccessError(
            f"{link.url} offers no way to hide the password, and the connection is not encrypted",
            hint="Give the server a certificate, or set allow_plain_password: true if the network "
            "between this box and the machine is yours alone.",
        )


def _no_such_login(link: OpcuaLink) -> AccessError:
    if link.username:
        return AccessError(
            f"{link.url} takes no user names on connections without security",
            hint="Remove username and password, or allow user names on the server.",
        )
    return AccessError(
        f"{link.url} takes no anonymous clients", hint="Set username and password of the device."
    )


async def _hang_up(client: Client) -> None:
    """Close the socket now; what was not sent yet is given up."""
    protocol = client.uaclient.protocol
    transport = None if protocol is None else protocol.transport
    client.uaclient.disconnect_socket()
    if transport is not None:
        transport.abort()
        await asyncio.sleep(0)  # the loop calls connection_lost, which closes the socket
