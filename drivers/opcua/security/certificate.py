"""One certificate as far as a client must understand it, read from bytes a stranger sent.

Any bytes give `Facts` or `Malformed`, in bounded time: at most `MAX_BLOB_BYTES` and `MAX_CHAIN`
certificates are looked at.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from datetime import datetime

MAX_BLOB_BYTES: Final = 65_536
"""A certificate has 1 to 2 KB; a chain a few of them."""
MAX_CHAIN: Final = 5
"""Longest chain looked at: the server, three between, the root."""
SHORT_DIGITS: Final = 16
"""Digits of a thumbprint a person types: 64 bits."""

_UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What the library raises for bytes that are no certificate it understands."""


class Malformed(ValueError):  # noqa: N818 - says what the bytes are
    """The bytes are no certificate we understand; says why."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What one certificate says."""

    der: bytes
    parsed: x509.Certificate
    name: str
    """Common name, else organization, else empty; as the certificate's maker wrote it."""
    uris: tuple[str, ...]
    """Application URIs it stands for."""
    hosts: frozenset[str]
    """Host names in small letters, and IP addresses."""
    key_bits: int
    """Length of its RSA key; 0 for any other kind."""

    @property
    def sha256(self) -> str:
        """Thumbprint in capital hexadecimal, 64 digits."""
        return hashlib.sha256(self.der).hexdigest().upper()

    @property
    def short(self) -> str:
        """The first digits of `sha256`, enough to name it in a command."""
        return self.sha256[:SHORT_DIGITS]

    @property
    def sha1(self) -> str:
        """The thumbprint other OPC UA tools show. Source: OPC 10000-6, 6.2.6."""
        return hashlib.sha1(self.der, usedforsecurity=False).hexdigest().upper()

    @property
    def begins(self) -> datetime:
        """UTC time from which it is valid."""
        return self.parsed.not_valid_before_utc

    @property
    def ends(self) -> datetime:
        """UTC time until which it is valid."""
        return self.parsed.not_valid_after_utc


def read_facts(der: bytes) -> Facts:
    """Understand one certificate.

    Raises:
        Malformed: it is none.
    """
    if len(der) > MAX_BLOB_BYTES:
        raise Malformed(f"{len(der)} bytes are no certificate")
    try:
        parsed = x509.load_der_x509_certificate(der)
        key = parsed.public_key()
        uris, hosts = _names(parsed)
        facts = Facts(
            der=der,
            parsed=parsed,
            name=_called(parsed.subject),
            uris=uris,
            hosts=hosts,
            key_bits=key.key_size if isinstance(key, RSAPublicKey) else 0,
        )
        whole = facts.begins <= facts.ends
    except _UNREADABLE as error:
        raise Malformed(str(error) or type(error).__name__) from error
    if not whole:
        raise Malformed("it ends before it begins")
    return facts


def read_chain(blob: bytes) -> list[Facts]:
    """Understand what a server sends: its certificate, then perhaps its issuers'.

    Raises:
        Malformed: the first is no certificate, or the whole is too long.
    """
    if not blob or len(blob) > MAX_BLOB_BYTES:
        raise Malformed(f"{len(blob)} bytes are no certificate")
    found: list[Facts] = []
    rest = blob
    while rest and len(found) < MAX_CHAIN:
        length = _length(rest)
        try:
            found.append(read_facts(rest[:length]))
        except Malformed:
            if not found:
                raise
            break  # what follows the server's own certificate is help, not proof
        rest = rest[length:]
    return found


def as_der(data: bytes) -> bytes:
    """Give the DER bytes of a file that may be PEM.

    Raises:
        Malformed: it is neither.
    """
    if b"-----BEGIN" not in data:
        return read_facts(data).der
    try:
        from cryptography.hazmat.primitives.serialization import Encoding

        return x509.load_pem_x509_certificate(data).public_bytes(Encoding.DER)
    except _UNREADABLE as error:
        raise Malformed(str(error) or type(error).__name__) from error


def printable(text: str, *, most: int = 80) -> str:
    """Give a stranger's text for one line of a log: bounded, without control characters."""
    return "".join(char if char.isprintable() else "?" for char in text[:most])


def _length(blob: bytes) -> int:
    """Give how many bytes the first DER element takes. Source: ITU-T X.690, 8.1.3."""
    if len(blob) < 2 or blob[0] != 0x30:
        raise Malformed("it does not begin like one")
    if blob[1] < 0x80:
        return 2 + blob[1]
    digits = blob[1] & 0x7F
    return 2 + digits + int.from_bytes(blob[2 : 2 + digits], "big")


def _called(subject: x509.Name) -> str:
    for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        for attribute in subject.get_attributes_for_oid(kind):
            if str(attribute.value).strip():
                return printable(str(attribute.value).strip())
    return ""


def _names(parsed: x509.Certificate) -> tuple[tuple[str, ...], frozenset[str]]:
    try:
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return (), frozenset()
    hosts = [name.lower() for name in names.get_values_for_type(x509.DNSName)]
    hosts += [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    return tuple(map(str, uris)), frozenset(hosts)
