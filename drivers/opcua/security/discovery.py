"""What a server offers: its endpoints, asked for over an unprotected channel, decoded with care.

Nothing of it is proven. The answer is bounded before it is decoded, and decoded off the loop.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary

from drivers.opcua.security.pinned import MAX_ENDPOINTS, endpoint_list
from drivers.opcua.security.policies import PREFIX, Offer, Protection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncua.client.client import Client

MAX_ANSWER_BYTES: Final = 256 * 1024
"""Ten endpoints with a chain of three certificates each are 60 KB."""


async def discover(client: Client, url: str, *, timeout_s: float) -> list[Offer]:
    """Ask a server what it offers.

    Raises:
        ConnectionError: the connection ended.
        UaStatusCodeError: the server refuses to tell.
    """
    data = await endpoint_list(client, url, timeout_s=timeout_s)
    return await asyncio.to_thread(_decoded, data)


def offers_of(endpoints: Sequence[ua.EndpointDescription] | None) -> list[Offer]:
    """Give the endpoints we could use: over opc.tcp, with a policy and a mode that exist."""
    found = []
    for one in (endpoints or ())[:MAX_ENDPOINTS]:
        url, policy = one.EndpointUrl or "", one.SecurityPolicyUri or ""
        mode = int(one.SecurityMode or 0)
        if not url.startswith("opc.tcp") or not policy.startswith(PREFIX) or mode not in {1, 2, 3}:
            continue
        found.append(
            Offer(
                policy=policy.removeprefix(PREFIX),
                protection=Protection(mode),
                certificate=bytes(one.ServerCertificate or b""),
                logins=frozenset(int(token.TokenType) for token in one.UserIdentityTokens or ()),
                application_uri=(one.Server.ApplicationUri or "") if one.Server else "",
            )
        )
    return found


def _decoded(data: bytes) -> list[Offer]:
    response = struct_from_binary(ua.GetEndpointsResponse, Buffer(data))
    response.ResponseHeader.ServiceResult.check()
    return offers_of(response.Endpoints)
