"""What one certificate says, for people."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from datetime import datetime

MAX_BYTES: Final = 65_536
"""A longer file is no certificate."""
SHORT_DIGITS: Final = 16
"""Digits of the SHA-256 thumbprint that name a certificate in a command."""

_UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


class NoCertificate(ValueError):  # noqa: N818 - says what the bytes are
    """The bytes are no certificate; says why."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What one certificate says."""

    der: bytes
    name: str
    """Common name, else the whole subject."""
    subject: str
    issuer: str
    begins: datetime
    """UTC."""
    ends: datetime
    """UTC."""
    uris: tuple[str, ...]
    hosts: tuple[str, ...]
    key: str
    """Kind and length, such as `RSA 3072`."""

    @property
    def sha256(self) -> str:
        """Thumbprint in capital hexadecimal, 64 digits."""
        return hashlib.sha256(self.der).hexdigest().upper()

    @property
    def sha1(self) -> str:
        """The thumbprint other OPC UA tools show."""
        return hashlib.sha1(self.der, usedforsecurity=False).hexdigest().upper()

    @property
    def short(self) -> str:
        """The first digits of `sha256`, as commands and messages use them."""
        return self.sha256[:SHORT_DIGITS]

    @property
    def self_signed(self) -> bool:
        """Whether no other authority stands behind it."""
        return self.subject == self.issuer

    def as_dict(self) -> dict[str, Any]:
        """Give everything but the bytes, for JSON."""
        return {
            "thumbprint": self.short, "sha256": self.sha256, "sha1": self.sha1,
            "name": self.name, "subject": self.subject, "issuer": self.issuer,
            "valid_from": self.begins.isoformat(), "valid_until": self.ends.isoformat(),
            "uris": list(self.uris), "hosts": list(self.hosts), "key": self.key,
        }  # fmt: skip


def read_facts(data: bytes) -> Facts:
    """Understand the bytes of a certificate file, DER or PEM.

    Raises:
        NoCertificate: they are none.
    """
    if len(data) > MAX_BYTES:
        raise NoCertificate(f"more than {MAX_BYTES} bytes")
    try:
        pem = b"-----BEGIN" in data
        load = x509.load_pem_x509_certificate if pem else x509.load_der_x509_certificate
        return _facts(load(data))
    except _UNREADABLE as error:
        raise NoCertificate(str(error) or type(error).__name__) from error


def _facts(parsed: x509.Certificate) -> Facts:
    common = parsed.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    subject = _line(parsed.subject.rfc4514_string())
    key = parsed.public_key()
    uris, hosts = _names(parsed)
    return Facts(
        der=parsed.public_bytes(Encoding.DER),
        name=_line(str(common[0].value)) if common else subject,
        subject=subject,
        issuer=_line(parsed.issuer.rfc4514_string()),
        begins=parsed.not_valid_before_utc,
        ends=parsed.not_valid_after_utc,
        uris=uris,
        hosts=hosts,
        key=f"RSA {key.key_size}" if isinstance(key, RSAPublicKey) else type(key).__name__,
    )


def _names(parsed: x509.Certificate) -> tuple[tuple[str, ...], tuple[str, ...]]:
    try:
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return (), ()
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    hosts = names.get_values_for_type(x509.DNSName)
    addresses = map(str, names.get_values_for_type(x509.IPAddress))
    return tuple(map(_line, uris)), tuple(map(_line, [*hosts, *addresses]))


def _line(text: str) -> str:
    """Give a stranger's text for one line of a terminal: bounded, nothing that steers it."""
    return "".join(char if char.isprintable() else "?" for char in text[:200])
