"""The public half of the gateway's key: how it is shown, and what it signed.

Its fingerprint is SHA-256 over the SubjectPublicKeyInfo, as `openssl` gives it too. The private
half is `agent.kpi.device_key`'s.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class KeyFileError(ValueError):
    """It is no Ed25519 public key."""


def public_pem(key: Ed25519PrivateKey) -> bytes:
    """Give the public half as PEM."""
    form = PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(Encoding.PEM, form)


def fingerprint(pem: bytes) -> str:
    """Give the fingerprint of a public key, 64 hexadecimal digits; raises KeyFileError."""
    form = PublicFormat.SubjectPublicKeyInfo
    return sha256(_public(pem).public_bytes(Encoding.DER, form)).hexdigest()


def is_signed(content: bytes, signature: bytes, pem: bytes) -> bool:
    """Tell whether the key signed exactly this content; raises KeyFileError."""
    try:
        _public(pem).verify(signature, content)
    except InvalidSignature:
        return False
    return True


def raw_hex(pem: bytes) -> str:
    """Give the 32 bytes of a public key, as the digests name it; raises KeyFileError."""
    return _public(pem).public_bytes_raw().hex()


def _public(pem: bytes) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyFileError(f"no public key: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyFileError("not an Ed25519 key")
    return key
