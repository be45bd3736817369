"""The TLS context of a destination, and what a wrong clock may change of it: dates, nothing else.

With a clock that nobody has set, a genuine broker's certificate looks expired or not valid yet, and
data, and often the time itself, would stay outside. So there, and only where the authority is the
plant's own, a second attempt leaves the dates out. Chain, host name, purpose and key are verified
all the same: whoever has no certificate of that authority for that name is refused.
"""

from __future__ import annotations

import ssl
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.publish.refusal import unusable_certificates

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.config.destination import Tls

NO_CHECK_TIME: Final = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL 1.1.0 and later, which Python has no name for."""
_NOT_YET_VALID, _HAS_EXPIRED = 9, 10
"""X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED."""
_PUBLIC_BUNDLES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where Linux distributions keep the authorities that anybody can buy a certificate from."""


def context_of(tls: Tls, *, dates: bool) -> ssl.SSLContext:
    """Make the context; without `dates` the validity periods of certificates are not looked at.

    Raises:
        ConnectionRefused: a file cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=None if tls.ca is None else str(tls.ca))
        if tls.cert is not None:
            context.load_cert_chain(tls.cert, tls.key)
    except (OSError, ssl.SSLError) as error:
        files = [str(path) for path in (tls.ca, tls.cert, tls.key) if path is not None]
        raise unusable_certificates(files, error) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not dates:
        context.verify_flags |= ssl.VerifyFlags(NO_CHECK_TIME)
    return context


def only_dates(error: BaseException | None) -> bool:
    """Tell whether nothing but a date made a certificate be refused.

    OpenSSL judges chain, purpose and name first, so one that fails in more never comes to its date.
    """
    return isinstance(error, ssl.SSLCertVerificationError) and error.verify_code in {
        _NOT_YET_VALID,
        _HAS_EXPIRED,
    }


def is_private(ca: Path | None, bundles: Iterable[str] = _PUBLIC_BUNDLES) -> bool:
    """Tell whether the authorities to trust are all the plant's own."""
    if ca is None:
        return False
    try:
        ours = _authorities(str(ca))
    except (OSError, ssl.SSLError):
        return False
    known = {ssl.get_default_verify_paths().cafile, *bundles} - {None}
    return bool(ours) and all(ours.isdisjoint(_public(str(name))) for name in known)


@cache
def _public(bundle: str) -> frozenset[bytes]:
    try:
        return _authorities(bundle)
    except (OSError, ssl.SSLError):
        return frozenset()


def _authorities(bundle: str) -> frozenset[bytes]:
    """Give every certificate of a PEM file, as DER."""
    text = Path(bundle).read_text("ascii", "replace")
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    blocks = [part.split(end)[0] for part in text.split(begin)[1:]]
    return frozenset(ssl.PEM_cert_to_DER_cert(f"{begin}{block}{end}") for block in blocks)
