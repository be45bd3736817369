"""The certificate of a simulated server: good, or wrong in one of the ways found in plants.

Made once per kind and kept in a directory; the private key is readable by its owner only.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from simulators.opcua.words import CERTIFICATES

if TYPE_CHECKING:
    from pathlib import Path

_YEAR: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key."""

    certificate: Path
    """DER."""
    key: Path
    """PEM, not encrypted."""


def server_pair(directory: Path, *, kind: str, uri: str, host: str) -> Pair:
    """Give the server's certificate of a kind, made if missing.

    Raises:
        ValueError: no such kind.
        OSError: the directory cannot be written or read.
    """
    if kind not in CERTIFICATES:
        raise ValueError(f"certificate {kind!r}: {', '.join(CERTIFICATES)}")
    return _kept(directory / f"server-{kind}", kind=kind, uri=uri, host=host)


def user_pair(directory: Path, *, name: str = "operator") -> Pair:
    """Give a certificate a user can log in with, made if missing."""
    return _kept(directory / f"user-{name}", kind="good", uri=f"urn:chulian:user:{name}", host="")


def _kept(base: Path, *, kind: str, uri: str, host: str) -> Pair:
    pair = Pair(base.with_suffix(".der"), base.with_suffix(".pem"))
    if pair.certificate.exists() and pair.key.exists():
        return pair
    base.parent.mkdir(parents=True, exist_ok=True)
    key = rsa.generate_private_key(
        public_exponent=65_537, key_size=1_024 if kind == "old" else 2_048
    )
    made = _make(base.name, key, kind=kind, uri=uri, host=host)
    pair.key.touch(mode=0o600)
    pair.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    pair.certificate.write_bytes(made.public_bytes(Encoding.DER))
    return pair


def _make(name: str, key: rsa.RSAPrivateKey, *, kind: str, uri: str, host: str) -> x509.Certificate:
    start = datetime.now(UTC) + {"expired": -2 * _YEAR, "not-yet": _YEAR}.get(kind, -_YEAR / 365)
    subject = _name(f"Chulian simulator {name}")
    signer, issuer = key, subject
    if kind == "chain":
        signer = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
        issuer = _name("Chulian simulator CA")
    names = _names(
        "urn:somebody:else" if kind == "other-uri" else uri,
        "other-machine.invalid" if kind == "other-host" else host,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + (_YEAR if kind == "expired" else 10 * _YEAR))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(names, critical=False)
        .add_extension(_usage(), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            ),
            critical=False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    return builder.sign(signer, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(x509.NameOID.COMMON_NAME, text),
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Chulian simulator"),
        ]
    )


def _names(uri: str, host: str) -> x509.SubjectAlternativeName:
    """Give what the certificate is good for: an application URI first, then hosts."""
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(uri)]
    for each in dict.fromkeys((host, socket.gethostname())):
        try:
            names.append(x509.IPAddress(ip_address(each)))
        except ValueError:
            names += [x509.DNSName(each)] if each else []
    return x509.SubjectAlternativeName(names)


def _usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, content_commitment=True, key_encipherment=True,
        data_encipherment=True, key_agreement=False, key_cert_sign=True, crl_sign=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
