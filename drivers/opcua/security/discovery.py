"""What a server offers: its endpoints, asked for over an unprotected channel. Nothing is proven."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from asyncua import ua

from drivers.opcua.security.policies import PREFIX, Offer, Protection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.opcua.wire.client import WireClient

MAX_ENDPOINTS: Final = 100
"""Servers offer 1 to 10."""


async def discover(client: WireClient) -> list[Offer]:
    """Ask a server what it offers.

    Raises:
        ConnectionError: the connection ended.
        UaStatusCodeError: the server refuses to tell.
        DecodeError: the answer is torn, false or too large.
    """
    parameters = ua.GetEndpointsParameters(EndpointUrl=client.url)
    request = ua.GetEndpointsRequest(Parameters=parameters)
    answer = await client.ask(request, ua.GetEndpointsResponse)
    return offers_of(answer.Endpoints)


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
