"""A scripted server: opens an unprotected channel and lists what endpoints it is told to list."""

from __future__ import annotations

import asyncio
import struct
from contextlib import asynccontextmanager

from asyncua import ua
from asyncua.common.connection import MessageChunk, SecureConnection, TransportLimits
from asyncua.common.utils import Buffer
from asyncua.crypto.security_policies import SecurityPolicyNone
from asyncua.ua.ua_binary import (
    header_from_binary,
    nodeid_from_binary,
    struct_from_binary,
    struct_to_binary,
    uatcp_to_binary,
)

POLICY = "http://opcfoundation.org/UA/SecurityPolicy#"
OPEN, LIST = 446, 428
"""Encoding ids of OpenSecureChannelRequest and GetEndpointsRequest."""


def endpoint(policy="None", *, mode=1, certificate=b"", url="opc.tcp://10.0.0.1:4840", logins=(0,)):
    """Describe one endpoint."""
    return ua.EndpointDescription(
        EndpointUrl=url,
        Server=ua.ApplicationDescription(ApplicationUri="urn:rogue"),
        ServerCertificate=certificate,
        SecurityMode=ua.MessageSecurityMode(mode),
        SecurityPolicyUri=POLICY + policy,
        UserIdentityTokens=[
            ua.UserTokenPolicy(PolicyId=f"p{kind}", TokenType=ua.UserTokenType(kind))
            for kind in logins
        ],
    )


class Rogue:
    """Answers Hello, OpenSecureChannel and GetEndpoints; keeps every byte it was sent."""

    def __init__(self, body, refusal=None):
        self.received = bytearray()
        self.body = body
        self._refusal = refusal

    async def serve(self, reader, writer):
        connection = SecureConnection(SecurityPolicyNone(), TransportLimits(65_536, 65_536, 0, 0))
        try:
            while True:
                head = await reader.readexactly(8)
                rest = await reader.readexactly(struct.unpack_from("<I", head, 4)[0] - 8)
                self.received += head + rest
                answer = self._answer(connection, head, rest)
                if answer is None:
                    return
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, connection, head, rest):
        if head[:3] == b"HEL":
            limits = ua.Acknowledge(0, 65536, 65536, 0, 0)
            return uatcp_to_binary(ua.MessageType.Acknowledge, limits)
        if head[:3] not in {b"OPN", b"MSG"}:
            return None
        buffer = Buffer(head + rest)
        header = header_from_binary(buffer)
        chunk = MessageChunk.from_header_and_body(SecurityPolicyNone(), header, buffer)
        body = Buffer(chunk.Body)
        kind, number = nodeid_from_binary(body).Identifier, chunk.SequenceHeader.RequestId
        if kind == OPEN and self._refusal is not None:
            fault = ua.ServiceFault()
            fault.ResponseHeader.ServiceResult = ua.StatusCode(self._refusal)
            return connection.message_to_binary(
                struct_to_binary(fault), message_type=ua.MessageType.SecureOpen, request_id=number
            )
        if kind == OPEN:
            struct_from_binary(ua.RequestHeader, body)
            parameters = struct_from_binary(ua.OpenSecureChannelParameters, body)
            result = connection.open(parameters, self)
            response = ua.OpenSecureChannelResponse(Parameters=result)
            return connection.message_to_binary(
                struct_to_binary(response), message_type=ua.MessageType.SecureOpen,
                request_id=number,
            )  # fmt: skip
        if kind == LIST:
            return connection.message_to_binary(self.body, request_id=number)
        return None

    def get_new_channel_id(self):
        return 1


@asynccontextmanager
async def listing(endpoints, *, refusal=None):
    """Run a server that lists these endpoints, or answers these bytes; gives it and its URL.

    With `refusal`, a status code, it opens no channel and says so.
    """
    body = endpoints
    if not isinstance(body, bytes):
        body = struct_to_binary(ua.GetEndpointsResponse(Endpoints=list(endpoints)))
    rogue = Rogue(body, refusal)
    server = await asyncio.start_server(rogue.serve, "127.0.0.1", 0)
    try:
        yield rogue, f"opc.tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()
