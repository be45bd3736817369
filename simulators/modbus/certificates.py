"""A certificate authority of one directory: for trying Modbus over TLS, never for a plant.

Made once, then kept: `ca.pem` (what a collector trusts), `server.pem` and `server.key` (the
simulator's), `client.pem` and `client.key` (for a collector that shows a certificate).
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

_VALID: Final = timedelta(days=3650)


def server_context(directory: Path, *, host: str = "127.0.0.1") -> ssl.SSLContext:
    """Give the server's side of TLS with the certificates of a directory, made if missing.

    Raises:
        OSError: the directory cannot be written or read.
    """
    if not (directory / "server.pem").exists():
        _make_all(directory, host)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(directory / "server.pem", directory / "server.key")
    context.load_verify_locations(directory / "ca.pem")
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def _make_all(directory: Path, host: str) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    directory.mkdir(parents=True, exist_ok=True)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("Chulian simulator CA", authority_key, authority_key, issuer=None)
    _write(directory / "ca.pem", None, authority)
    for name in ("server", "client"):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(
            f"Chulian simulator {name}", key, authority_key, issuer=authority.subject, host=host
        )
        _write(directory / f"{name}.pem", None, certificate)
        _write(directory / f"{name}.key", key, None)


def _certificate(
    name: str,
    key: EllipticCurvePrivateKey,
    signer: EllipticCurvePrivateKey,
    *,
    issuer: x509.Name | None,
    host: str = "",
) -> x509.Certificate:
    """Make a certificate; without an issuer it is the authority's own."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _VALID)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
            critical=False,
        )
    )
    if issuer is None:
        builder = builder.add_extension(_may_sign(), critical=True)
    else:
        builder = builder.add_extension(_names(host), critical=False)
    return builder.sign(signer, hashes.SHA256())


def _may_sign() -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _names(host: str) -> x509.SubjectAlternativeName:
    """Give the names a certificate is good for: this machine, and the host it is served at."""
    from cryptography import x509

    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    addresses = {"127.0.0.1"}
    try:
        addresses.add(str(ip_address(host)))
    except ValueError:
        names.append(x509.DNSName(host))
    return x509.SubjectAlternativeName(
        names + [x509.IPAddress(ip_address(address)) for address in sorted(addresses)]
    )


def _write(
    path: Path, key: EllipticCurvePrivateKey | None, certificate: x509.Certificate | None
) -> None:
    """Write a key, readable by its owner only, or a certificate, as PEM."""
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    if key is not None:
        path.touch(mode=0o600)
        path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    if certificate is not None:
        path.write_bytes(certificate.public_bytes(Encoding.PEM))
