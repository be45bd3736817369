"""Our own certificate: who we are to a server. Made once, kept with its key, never changed unasked.

A server trusts exactly this certificate, so a new one means work at every server: it is replaced
only when a person asks. The key is readable by its owner alone. Two programs that start at once
end up with the same pair.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import stat
import tempfile
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from drivers.api import AccessError
from drivers.opcua.security.certificate import MAX_BLOB_BYTES, Malformed, as_der, read_facts
from drivers.opcua.security.judge import CLOCK_FLOOR

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.opcua.security.certificate import Facts

KEY_BITS: Final = 3072
"""Good beyond 2030. Source: NIST SP 800-57 part 1, table 2."""
LIFE: Final = timedelta(days=5 * 365)
WARN: Final = timedelta(days=90)
"""How long before the end a person is told."""
NAME: Final = "chulian"

_making = threading.Lock()


@dataclass(frozen=True, slots=True)
class Own:
    """A certificate with its private key."""

    facts: Facts
    key: rsa.RSAPrivateKey
    path: Path
    """File of the certificate."""

    @property
    def application_uri(self) -> str:
        """The URI the certificate stands for; a server compares it with what we call ourselves."""
        return self.facts.uris[0] if self.facts.uris else ""


def own_identity(folder: Path) -> Own:
    """Give the certificate kept in a folder of certificates; made if there is none. Blocks.

    Raises:
        AccessError: it cannot be read or written.
    """
    certificate, key = _places(folder)
    with _making:
        try:
            if not certificate.exists():
                _make(certificate, key)
        except OSError as error:
            raise _unwritable(certificate, error) from error
    return load_pair(certificate, key)


def make_anew(folder: Path) -> Path:
    """Replace the kept certificate, its key stays; the old one is kept beside it. Blocks.

    Raises:
        AccessError: it cannot be read or written.
    """
    certificate, key = _places(folder)
    with _making:
        try:
            if certificate.exists():
                old = read_facts(as_der(certificate.read_bytes()))
                certificate.rename(certificate.with_name(f"{NAME}-{old.short}.old"))
            _make(certificate, key)
        except (OSError, Malformed) as error:
            raise _unwritable(certificate, error) from error
    return load_pair(certificate, key).path


def load_pair(certificate: Path, key: Path) -> Own:
    """Read a certificate and the private key that belongs to it. Blocks.

    Raises:
        AccessError: one of them cannot be read, or they do not belong together.
    """
    facts = load_certificate(certificate)
    try:
        loaded = _load_key(_bounded(key))
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _unreadable(key, "private key", "私钥", error) from error
    if not isinstance(loaded, rsa.RSAPrivateKey):
        raise _unreadable(key, "private key", "私钥", ValueError("not an RSA key"))
    if loaded.public_key() != facts.parsed.public_key():
        raise AccessError(
            f"{key} is not the private key of {certificate}",
            hint="Name the two files that were made together.",
            zh=f"{key} 不是 {certificate} 的私钥",
            hint_zh="请填写同一次生成的证书和私钥",
        )
    return Own(facts, loaded, certificate)


def load_certificate(path: Path) -> Facts:
    """Read a certificate a person named. Blocks.

    Raises:
        AccessError: it cannot be read.
    """
    try:
        return read_facts(as_der(_bounded(path)))
    except (OSError, Malformed) as error:
        raise _unreadable(path, "certificate", "证书", error) from error


def _places(folder: Path) -> tuple[Path, Path]:
    own = folder / "own"
    return own / "certs" / f"{NAME}.der", own / "private" / f"{NAME}.pem"


def _make(certificate: Path, key: Path) -> None:
    """Make key, then certificate; what another program made meanwhile stays."""
    certificate.parent.mkdir(parents=True, exist_ok=True)
    key.parent.mkdir(parents=True, exist_ok=True)
    key.parent.chmod(stat.S_IRWXU)
    _place(key, _new_key)
    loaded = _load_key(_bounded(key))
    if not isinstance(loaded, rsa.RSAPrivateKey):
        raise OSError(f"{key} holds no RSA key")
    _place(certificate, lambda: _signed(loaded))


def _place(path: Path, make: Callable[[], bytes]) -> None:
    """Write a file of our own, whole or not at all; one that is there stays."""
    if path.exists():
        return
    descriptor, name = tempfile.mkstemp(dir=path.parent)  # readable by its owner alone
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(make())
            stream.flush()
            os.fsync(stream.fileno())
        os.link(name, path)
    except FileExistsError:
        pass
    finally:
        Path(name).unlink()


def _new_key() -> bytes:
    return rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _signed(key: rsa.RSAPrivateKey) -> bytes:
    """Make a self-signed application certificate. Source of its fields: OPC 10000-6, 6.2.2."""
    host = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname()) or "localhost"
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, f"Chulian@{host}"[:64]),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Chulian"),
            x509.NameAttribute(NameOID.DOMAIN_COMPONENT, host),
        ]
    )
    begins = max(datetime.now(UTC), CLOCK_FLOOR) - timedelta(days=1)
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + LIFE)
        .add_extension(_alternative_names(host), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )


def _alternative_names(host: str) -> x509.SubjectAlternativeName:
    names: list[x509.GeneralName] = [
        x509.UniformResourceIdentifier(f"urn:{host}:chulian:edge-agent"),
        x509.DNSName(host),
    ]
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:  # the host does not know its own name
        found = []
    addresses = sorted({str(one[4][0]).partition("%")[0] for one in found})
    names += [x509.IPAddress(ipaddress.ip_address(one)) for one in addresses]
    return x509.SubjectAlternativeName(names)


def _key_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, content_commitment=True, key_encipherment=True,
        data_encipherment=True, key_cert_sign=True, key_agreement=False, crl_sign=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _load_key(data: bytes) -> object:
    if b"-----BEGIN" in data:
        return serialization.load_pem_private_key(data, password=None)
    return serialization.load_der_private_key(data, password=None)


def _bounded(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(MAX_BLOB_BYTES)


def _unreadable(path: Path, what: str, what_zh: str, error: Exception) -> AccessError:
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return AccessError(
        f"the {what} {path} cannot be read: {why}",
        hint="A DER or PEM file is needed, a private key without a password.",
        zh=f"无法读取{what_zh}文件 {path}：{why}",
        hint_zh="需要 DER 或 PEM 格式的文件，私钥不能带口令",
    )


def _unwritable(path: Path, error: Exception) -> AccessError:
    return AccessError(
        f"our own certificate {path} cannot be written: {error}",
        hint="Let the user the agent runs as write into this folder, or set pki to another one.",
        zh=f"无法写入本机证书 {path}：{error}",
        hint_zh="请让运行采集程序的用户可写该目录，或用 pki 指定另一个目录",
    )
