"""One secure channel: which chunks are the server's, and how ours are made; no input or output.

The cryptography is asyncua's and `cryptography`'s; here is what surrounds it: tokens and their
keys, numbers, padding. A chunk is checked for its channel, token and size before it is decrypted,
and for its signature before its content is looked at. No clock decides about a token's age.

Source: OPC 10000-6, 6.7.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from asyncua.ua import MessageSecurityMode

from drivers.opcua.decoding.binary import chunk, decoding
from drivers.opcua.wire.chunks import LEAST_CHUNK_BYTES, MAX_CHUNK_BYTES, WireError

if TYPE_CHECKING:
    from drivers.opcua.security.unprotected import Policy

_HEAD: Final = struct.Struct("<3scII")  # kind, final, size, channel
_SYMMETRIC: Final = struct.Struct("<3scIII")  # the same, and the token
_SEQUENCE: Final = struct.Struct("<II")  # sequence number, request id
_PLAIN_BYTES: Final = _SYMMETRIC.size + _SEQUENCE.size
_FALSE: Final = "a message was changed on the way, or is not from the trusted server"
_AES_BYTES: Final = 16
_MOST_BLOCKS: Final = 16
"""An answer that opens a channel is three blocks of RSA; each costs milliseconds."""


@dataclass(frozen=True, slots=True)
class _Token:
    """One generation of keys of the channel; without protection there are none."""

    number: int
    signer: Any = None
    encryptor: Any = None
    verifier: Any = None
    decryptor: Any = None


class Securing:
    """Makes our chunks and opens the server's."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        """What protects the channel."""
        self.signs = policy.Mode != MessageSecurityMode.None_
        """Whether chunks are signed at all."""
        self.encrypts = self.signs and policy.Mode == MessageSecurityMode.SignAndEncrypt
        """Whether they are encrypted, too."""
        self.most_send_bytes = MAX_CHUNK_BYTES
        """Largest chunk the server takes."""
        self._channel_id: int | None = None
        self._tokens: tuple[_Token, ...] = ()  # newest first; two while a renewal is under way
        self._sequence = 0

    def agree(self, their_receive_bytes: int) -> None:
        """Take notice of how large a chunk the server takes; 0 lifts nothing."""
        self.most_send_bytes = max(LEAST_CHUNK_BYTES, min(MAX_CHUNK_BYTES, their_receive_bytes))

    def accept(
        self, *, channel_id: int, token_id: int, ours: bytes, theirs: bytes, life_ms: int
    ) -> None:
        """Use a new token from now on, and take what is still sent under the one before.

        `ours` and `theirs` are the nonces of both sides.

        Raises:
            WireError: a renewal names another channel.
        """
        if self._channel_id not in {None, channel_id}:
            raise WireError(f"channel {self._channel_id} became {channel_id}")
        self._channel_id = channel_id
        token = _Token(token_id)
        if self.signs:
            if len(theirs) != self.policy.secure_channel_nonce_length:
                raise WireError(f"a nonce of {len(theirs)} bytes")
            policy: Any = self.policy
            policy.make_local_symmetric_key(theirs, ours)
            policy.make_remote_symmetric_key(ours, theirs, life_ms)
            keys = policy.symmetric_cryptography
            token = _Token(token_id, keys.Signer, keys.Encryptor, keys.Verifier, keys.Decryptor)
        self._tokens = (token, *self._tokens[:1])

    # what we send

    def sealed(self, body: bytes, *, request_id: int, kind: bytes = b"MSG") -> bytes:
        """Make the chunks of a request."""
        room = self._room()
        if len(body) <= room:
            return self._sealed_chunk(kind, b"F", body, request_id)
        starts = range(0, len(body), room)
        return b"".join(
            self._sealed_chunk(
                kind, b"F" if start == starts[-1] else b"C", body[start : start + room], request_id
            )
            for start in starts
        )

    def sealed_opening(self, body: bytes, *, request_id: int) -> bytes:
        """Make the one chunk that opens or renews the channel."""
        policy = self.policy
        security = _packed(policy.URI.encode())
        if self.signs:
            own = policy.host_certificate or b""
            security += _packed(own + b"".join(policy.host_certificate_chain))
            security += _packed(hashlib.sha1(policy.peer_certificate or b"").digest())  # noqa: S324 - the standard's name of a certificate
        else:
            security += _packed(None) + _packed(None)
        plain = _SEQUENCE.pack(self._number(), request_id) + body
        if not self.signs:
            size = _HEAD.size + len(security) + len(plain)
            return _HEAD.pack(b"OPN", b"F", size, self._channel_id or 0) + security + plain
        crypto = self._asymmetric()
        plain += crypto.padding(len(plain))
        whole = len(plain) + crypto.signature_size()
        sent = whole // crypto.plain_block_size() * crypto.encrypted_block_size()
        size = _HEAD.size + len(security) + sent
        head = _HEAD.pack(b"OPN", b"F", size, self._channel_id or 0) + security
        return head + bytes(crypto.encrypt(plain + crypto.signature(head + plain)))

    def _sealed_chunk(self, kind: bytes, final: bytes, body: bytes, request_id: int) -> bytes:
        token = self._tokens[0]
        plain = _SEQUENCE.pack(self._number(), request_id) + body
        if self.encrypts:
            pad = -(len(plain) + token.signer.signature_size() + 1) % _AES_BYTES
            plain += bytes([pad]) * (pad + 1)
        tail = token.signer.signature_size() if self.signs else 0
        size = _SYMMETRIC.size + len(plain) + tail
        head = _SYMMETRIC.pack(kind, final, size, self._channel_id or 0, token.number)
        if not self.signs:
            return head + plain
        plain += token.signer.signature(head + plain)
        return head + bytes(token.encryptor.encrypt(plain) if self.encrypts else plain)

    def _room(self) -> int:
        """Give how many bytes of a request fit into one chunk."""
        if not self.signs:
            return self.most_send_bytes - _PLAIN_BYTES
        token = self._tokens[0]
        block = _AES_BYTES if self.encrypts else 1
        whole = (self.most_send_bytes - _SYMMETRIC.size) // block * block
        return int(whole - _SEQUENCE.size - token.signer.signature_size() - 1)

    def _asymmetric(self) -> Any:
        policy: Any = self.policy
        return policy.asymmetric_cryptography

    def _number(self) -> int:
        self._sequence = self._sequence + 1 if self._sequence < 2**32 - 1 else 1
        return self._sequence

    # what the server sends

    def opened(self, kind: bytes, data: bytes) -> tuple[int, int, bytes]:
        """Give the sequence number, the request id and the content of a chunk.

        Raises:
            WireError: it is torn, of another channel, not from this server, or was changed.
        """
        if kind == b"OPN":
            return self._opened_opening(data)
        if len(data) < _PLAIN_BYTES:
            raise WireError(f"a chunk of {len(data)} bytes")
        _, _, _, channel, number = _SYMMETRIC.unpack_from(data)
        if channel != self._channel_id:
            raise WireError(f"a chunk of channel {channel}, ours is {self._channel_id}")
        token = self._token(number)
        if not self.signs:
            sequence, request_id = _SEQUENCE.unpack_from(data, _SYMMETRIC.size)
            return sequence, request_id, data[_PLAIN_BYTES:]
        plain = self._decrypted(token, data)
        tail = token.verifier.signature_size()
        _verify(token.verifier, data[: _SYMMETRIC.size] + plain[:-tail], plain[-tail:])
        end = len(plain) - tail
        if self.encrypts:
            end -= _padding(plain, end, wide=False)
        return _content(plain, end)

    def _token(self, number: int) -> _Token:
        for token in self._tokens:
            if token.number == number:
                return token
        raise WireError(f"a chunk under token {number}, which is not ours")

    def _decrypted(self, token: _Token, data: bytes) -> bytes:
        plain = data[_SYMMETRIC.size :]
        if self.encrypts:
            if len(plain) % _AES_BYTES:
                raise WireError(f"{len(plain)} encrypted bytes")
            plain = _unlocked(token.decryptor, plain)
        if len(plain) <= _SEQUENCE.size + token.verifier.signature_size():
            raise WireError(f"a chunk of {len(data)} bytes")
        return plain

    def _opened_opening(self, data: bytes) -> tuple[int, int, bytes]:
        with decoding("the opening of a channel"):
            uri, pos = chunk(data, _HEAD.size)
            certificate, pos = chunk(data, pos)
            _, pos = chunk(data, pos)
        policy = self.policy
        if (uri or b"").decode(errors="replace") != policy.URI:
            raise WireError(f"the server opened the channel under {uri!r}, asked was {policy.URI}")
        if not self.signs:
            return _content(data[pos:], len(data) - pos)
        if not (certificate or b"").startswith(policy.peer_certificate or b"-"):
            raise WireError("the channel was opened with another certificate")
        crypto = self._asymmetric()
        block, secret = crypto.Decryptor.encrypted_block_size(), data[pos:]
        if not secret or len(secret) % block or len(secret) > _MOST_BLOCKS * block:
            raise WireError(f"{len(secret)} encrypted bytes")
        plain = _unlocked(crypto.Decryptor, secret)
        tail = crypto.Verifier.signature_size()
        if len(plain) < tail + _SEQUENCE.size:
            raise WireError(f"an opening of {len(plain)} bytes")
        _verify(crypto.Verifier, data[:pos] + plain[:-tail], plain[-tail:])
        end = len(plain) - tail
        return _content(plain, end - _padding(plain, end, wide=block > 256))


def _unlocked(decryptor: Any, secret: bytes) -> bytes:
    try:
        return bytes(decryptor.decrypt(secret))
    except ValueError as error:
        raise WireError(_FALSE) from error


def _verify(verifier: Any, data: bytes, signature: bytes) -> None:
    try:
        verifier.verify(data, signature)
    except signature_errors() as error:
        raise WireError(_FALSE) from error


def signature_errors() -> tuple[type[BaseException], ...]:
    """Name what a false signature raises, of RSA and of HMAC; loads the cryptography."""
    from asyncua.crypto import uacrypto
    from cryptography.exceptions import InvalidSignature

    return InvalidSignature, uacrypto.__dict__["InvalidSignature"]


def _content(plain: bytes, end: int) -> tuple[int, int, bytes]:
    if end < _SEQUENCE.size:
        raise WireError(f"a chunk with {end} bytes of content")
    sequence, request_id = _SEQUENCE.unpack_from(plain)
    return sequence, request_id, plain[_SEQUENCE.size : end]


def _padding(plain: bytes, end: int, *, wide: bool) -> int:
    """Give how many bytes before `end` are padding; keys beyond 2048 bits need two for its size."""
    if wide:
        return int.from_bytes(plain[end - 2 : end], "little") + 2
    return plain[end - 1] + 1


def _packed(data: bytes | None) -> bytes:
    return struct.pack("<i", -1) if data is None else struct.pack("<i", len(data)) + data
