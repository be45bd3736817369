"""What asyncua 2.1 does not promise and protection needs, in one place."""
# ruff: noqa: SLF001 - the module exists to hold these

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from asyncua import ua
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.ua_binary import nodeid_from_binary, struct_from_binary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncua.client.client import Client

_NEVER: Final = datetime(9000, 1, 1, tzinfo=UTC)
"""The library adds at most 62 days to it."""

_FAULT: Final = ua.FourByteNodeId(ua.Int32(ObjectIds.ServiceFault_Encoding_DefaultBinary))

MAX_ENDPOINTS: Final = 100
"""Servers offer 1 to 10."""


def tokens_without_dates(client: Client) -> None:
    """Let no clock decide whether a message of the channel is still good.

    The library compares the time at which the *server* made a token with *our* wall clock, and
    drops the connection after a renewal when the two are apart, or ours is set. We renew at half
    of the lifetime by a monotonic clock, which bounds a token's age without any date.
    """
    protocol = client.uaclient.protocol
    if protocol is None:
        return
    connection: Any = protocol._connection
    inner = connection.set_channel

    def set_channel(params: Any, *rest: Any) -> None:
        params.SecurityToken.CreatedAt = _NEVER
        inner(params, *rest)

    connection.set_channel = set_channel


def faults_told(client: Client) -> None:
    """Let a refused channel say why.

    Servers answer an OpenSecureChannel request they refuse with a fault (node-opcua: a certificate
    it does not trust). The library takes it for a broken response and says nothing of it.
    """
    protocol = client.uaclient.protocol
    if protocol is None:
        return
    connection: Any = protocol._connection
    inner = connection.receive_from_header_and_body

    def receive(header: Any, body: Any) -> Any:
        message: Any = inner(header, body)
        if header.MessageType == ua.MessageType.SecureOpen and message is not None:
            data = message.body()
            if nodeid_from_binary(data) == _FAULT:
                struct_from_binary(ua.ResponseHeader, data).ServiceResult.check()
        return message

    connection.receive_from_header_and_body = receive


async def endpoint_list(client: Client, url: str, *, timeout_s: float) -> bytes:
    """Ask for the endpoints of a server; give the answer's bytes, not decoded.

    Raises:
        ConnectionError: the connection ended.
        UaStatusCodeError: the server refuses to tell.
    """
    protocol = client.uaclient.protocol
    if protocol is None:
        raise ConnectionError("the connection closed after the hello")
    request = ua.GetEndpointsRequest(Parameters=ua.GetEndpointsParameters(EndpointUrl=url))
    data = await protocol._send_request(request, timeout_s)
    protocol.check_answer(data, " to GetEndpoints")
    return bytes(data)


def put_login_first(client: Client, policies: Sequence[ua.UserTokenPolicy]) -> None:
    """Let the library see only these ways to log in, best first."""
    client._policy_ids = list(policies)
