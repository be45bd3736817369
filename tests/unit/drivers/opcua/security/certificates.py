"""Certificates of servers, users and authorities, good and bad, made for the tests."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

SERVER_URI = "urn:chulian:test:server"
NOW = datetime.now(UTC)


@cache
def key(name="server", bits=2048):
    """Make a private key once for all tests; making one takes a tenth of a second."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@dataclass(frozen=True)
class Authority:
    """One that signs certificates."""

    certificate: x509.Certificate
    private_key: object


def make(
    name="Test server",
    *,
    private_key=None,
    uri=SERVER_URI,
    hosts=("127.0.0.1",),
    begins=-1,
    ends=365,
    by=None,
    ca=False,
    serial=None,
):
    """Make a certificate; times are days from now. Gives the parsed certificate."""
    private_key = private_key or key()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer = subject if by is None else by.certificate.subject
    names = [x509.UniformResourceIdentifier(uri)] if uri else []
    names += [x509.IPAddress(ipaddress.ip_address(host)) for host in hosts]
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(private_key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(NOW + timedelta(days=begins))
        .not_valid_after(NOW + timedelta(days=ends))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(private_key if by is None else by.private_key, hashes.SHA256())


def authority(name, *, by=None, **more):
    """Make an authority, signed by itself or another."""
    private_key = key(name)
    made = make(name, private_key=private_key, uri="", hosts=(), by=by, ca=True, **more)
    return Authority(made, private_key)


def revocation(by, *serials):
    """Make the list of certificates an authority has revoked."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(by.certificate.subject)
        .last_update(NOW)
        .next_update(NOW + timedelta(days=30))
    )
    for serial in serials:
        one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(NOW).build()
        builder = builder.add_revoked_certificate(one)
    return der(builder.sign(by.private_key, hashes.SHA256()))


def der(thing):
    """Give the bytes of a certificate, a list or a private key."""
    if hasattr(thing, "private_bytes"):
        return thing.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    return thing.public_bytes(serialization.Encoding.DER)


def pem(thing):
    """Give a certificate or a private key as PEM."""
    if hasattr(thing, "private_bytes"):
        return thing.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    return thing.public_bytes(serialization.Encoding.PEM)


def elliptic():
    """Make a key the policies cannot use."""
    return ec.generate_private_key(ec.SECP256R1())
