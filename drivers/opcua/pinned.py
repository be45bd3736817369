"""Every use of what asyncua 2.1 does not promise, in one place.

`missing` names what this version of the library lacks; if it names anything, sessions take the
stock path, slower and through public calls only.
"""
# ruff: noqa: SLF001 - the module exists to hold these

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

    from asyncua import ua
    from asyncua.client.client import Client
    from asyncua.client.ua_session import UaSession
    from asyncua.common.connection import TransportLimits
    from asyncua.common.utils import Buffer


def missing(client: Client) -> tuple[str, ...]:
    """Name what the fast path needs of a connected client and does not find."""
    session, protocol = client.uaclient.session, client.uaclient.protocol
    needed = (
        (session, "_publish_loop"),
        (session, "_publish_task"),
        (session, "_subscription_callbacks"),
        (session, "ensure_publish_loop"),
        (protocol, "_send_request"),
        (protocol, "_callbackmap"),
    )
    return tuple(name for owner, name in needed if not hasattr(owner, name))


def send(client: Client, request: object, *, timeout_s: float) -> asyncio.Future[Buffer]:
    """Send a request; the future gives the answer or the end of the connection.

    Raises:
        ConnectionError: there is no connection.
    """
    protocol = client.uaclient.protocol
    if protocol is None:
        raise ConnectionError("the connection is closed")
    return protocol._send_request(request, timeout_s)


def replace_publish_loop(session: UaSession, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Let the session run our publish loop when the first subscription is created."""
    session._publish_loop = run  # type: ignore[method-assign]  # the hook itself


def publish_task(client: Client) -> asyncio.Task[None] | None:
    """Give the task that runs the publish loop."""
    return client.uaclient.session._publish_task


def limits(client: Client) -> TransportLimits | None:
    """Give the limits of the connection, to be changed in place."""
    protocol = client.uaclient.protocol
    return None if protocol is None else protocol._connection._limits


def token_policies(client: Client) -> list[ua.UserTokenPolicy]:
    """Give the ways to log in that the server offers; the first that fits is used."""
    return client._policy_ids


def prefer_token_policy(client: Client, policy: ua.UserTokenPolicy) -> None:
    """Put one way to log in before all others."""
    client._policy_ids = [policy, *(other for other in client._policy_ids if other is not policy)]
