"""A client of one server: its channel and session, and requests with their answers' bytes.

Holds what all requests share: the authentication token, the request handle, the address. Every
answer's head is judged here; what it says is decoded by `drivers.opcua.wire.structures`.
"""

from __future__ import annotations

import asyncio
import struct
import time
from secrets import token_bytes
from typing import TYPE_CHECKING, Any, Final, TypeVar

from asyncua import ua
from asyncua.ua.ua_binary import nodeid_to_binary, struct_to_binary

from drivers.opcua.decoding.binary import DecodeError
from drivers.opcua.subscribing.publish import SERVICE_FAULT, read_answer
from drivers.opcua.wire.connection import status_error
from drivers.opcua.wire.structures import decode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.opcua.security.unprotected import Policy
    from drivers.opcua.wire.connection import Connection

_Answer = TypeVar("_Answer")

CHANNEL_LIFE_MS: Final = 3_600_000
"""How long we ask the server to keep a channel; it is renewed at half."""

_LONG_BYTES: Final = 16 * 1024
"""A longer answer is decoded in a thread, so that the loop goes on meanwhile."""

_EPOCH_NS: Final = 11_644_473_600 * 1_000_000_000  # from 1601 to 1970
_PUBLISH_HEAD: Final = bytes.fromhex("01003a03")  # type 826
_PUBLISH: Final = struct.Struct("<qIIiI3si")  # the header behind the token, and the count


class WireClient:
    """A client on a connection whose hello is done."""

    def __init__(self, connection: Connection, url: str) -> None:
        self.connection = connection
        """The transport."""
        self.url = url
        """The configured address."""
        self.channel_life_ms = CHANNEL_LIFE_MS
        """How long the server keeps the channel without renewal."""
        self.session_life_ms = 0.0
        """How long the server keeps the session without a request."""
        self.logins: list[ua.UserTokenPolicy] = []
        """The ways to log in that the chosen endpoint offers."""
        self.server_nonce = b""
        """What the next login is to sign or hide its password with."""
        self.server_certificate: bytes | None = None
        """What the server showed when the session was made."""
        self._token = ua.NodeId()
        self._token_bytes = nodeid_to_binary(self._token)
        self._handle = 0

    @property
    def security_policy(self) -> Policy:
        """What protects the channel."""
        return self.connection.securing.policy

    def log_in_as(self, token: ua.NodeId) -> None:
        """Put the session's token on every request from now on."""
        self._token, self._token_bytes = token, nodeid_to_binary(token)

    # the channel

    async def open_channel(self, *, renew: bool = False) -> None:
        """Open the channel, or give it new keys.

        Raises:
            UaStatusCodeError: the server refuses it.
            DecodeError, ConnectionError: it did not answer as a server does.
        """
        policy = self.security_policy
        nonce = token_bytes(policy.secure_channel_nonce_length)
        kinds = ua.SecurityTokenRequestType
        request = ua.OpenSecureChannelRequest(
            Parameters=ua.OpenSecureChannelParameters(
                ClientProtocolVersion=0,
                RequestType=kinds.Renew if renew else kinds.Issue,
                SecurityMode=policy.Mode,
                RequestedLifetime=CHANNEL_LIFE_MS,
                ClientNonce=nonce,
            )
        )
        data = await self.connection.open_channel(self._encoded(request, timeout_s=0))
        answer = await decoded(ua.OpenSecureChannelResponse, data)
        token = answer.Parameters.SecurityToken
        self.connection.securing.accept(
            channel_id=token.ChannelId,
            token_id=token.TokenId,
            ours=nonce,
            theirs=answer.Parameters.ServerNonce or b"",
            life_ms=token.RevisedLifetime,
        )
        self.channel_life_ms = int(token.RevisedLifetime)

    def close_channel(self) -> None:
        """Tell the server that the channel ends."""
        self.connection.close_channel(self._encoded(ua.CloseSecureChannelRequest(), timeout_s=0))

    # requests

    def send(self, request: Any, *, timeout_s: float) -> asyncio.Future[bytes]:
        """Send a request; the future gives the answer's bytes, or the end of the connection.

        Raises:
            ConnectionError: there is no connection.
        """
        return self.connection.request(self._encoded(request, timeout_s=timeout_s))

    async def ask(self, request: Any, answer: type[_Answer], *, timeout_s: float = 0) -> _Answer:
        """Send a request; give its decoded answer. The deadline is the caller's.

        Raises:
            UaStatusCodeError: the server refuses it.
            DecodeError: the answer is torn, false, too large, or another's.
        """
        return await decoded(answer, await self.send(request, timeout_s=timeout_s))

    def publish(self, acknowledged: Sequence[tuple[int, int]]) -> asyncio.Future[bytes]:
        """Ask for the next notification; acknowledge (subscription, sequence) pairs.

        Raises:
            ConnectionError: there is no connection.
        """
        self._handle += 1
        now = (time.time_ns() + _EPOCH_NS) // 100
        head = _PUBLISH.pack(
            now, self._handle & 0xFFFF_FFFF, 0, -1, 0, b"\0\0\0", len(acknowledged)
        )
        pairs = b"".join([struct.pack("<II", *pair) for pair in acknowledged])
        return self.connection.request(_PUBLISH_HEAD + self._token_bytes + head + pairs)

    def _encoded(self, request: Any, *, timeout_s: float) -> bytes:
        self._handle += 1
        header = request.RequestHeader
        header.AuthenticationToken = self._token
        header.RequestHandle = self._handle & 0xFFFF_FFFF
        header.TimeoutHint = round(timeout_s * 1000)
        return bytes(struct_to_binary(request))


async def decoded(kind: type[_Answer], data: bytes) -> _Answer:
    """Decode an answer, off the loop where that may take long.

    Raises:
        UaStatusCodeError: it is a refusal.
        DecodeError: it is torn, false, too large, or another's.
    """
    told = read_answer(data)
    if told.status >> 30:
        raise status_error(told.status)
    expected = kind().TypeId.Identifier  # type: ignore[attr-defined]  # of every message
    if told.type_id == SERVICE_FAULT or told.type_id != expected:
        raise DecodeError(f"a message of type {told.type_id} answers instead of a {kind.__name__}")
    if len(data) <= _LONG_BYTES:
        return decode(kind, data)
    return await asyncio.to_thread(decode, kind, data)
