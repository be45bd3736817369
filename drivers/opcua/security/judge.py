"""Whether a server's certificate is accepted, and if not, everything that is against it.

Pure but for reading the folder. Accepted is what is pinned, what a person has trusted, and what a
trusted authority has signed; nothing else, and never by its looks. An explicit pin stands above
dates and names; nothing stands above a broken certificate or a short key.
Source of the checks and of which may be overruled: OPC 10000-4, 6.1.3.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from drivers.opcua.security.certificate import MAX_CHAIN, Malformed, read_chain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.opcua.security.certificate import Facts
    from drivers.opcua.security.folder import Folder

LEAST_KEY_BITS: Final = 2048
"""Shortest key of the policies we use. Source: OPC 10000-7, 6.6."""
MOST_KEY_BITS: Final = 8192
"""A longer key costs the gateway seconds per connection."""
CLOCK_FLOOR: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""Before this a clock cannot be right: the program did not exist."""


class Flaw(Enum):
    """What is wrong with a certificate; the value is the standard's name for it."""

    MALFORMED = "BadCertificateInvalid"
    OTHER_THAN_PINNED = "BadCertificateUntrusted: not the pinned one"
    UNTRUSTED = "BadCertificateUntrusted"
    REVOKED = "BadCertificateRevoked"
    SHORT_KEY = "BadCertificatePolicyCheckFailed"
    EXPIRED = "BadCertificateTimeInvalid: expired"
    NOT_YET_VALID = "BadCertificateTimeInvalid: not yet valid"
    OTHER_URI = "BadCertificateUriInvalid"
    OTHER_HOST = "BadCertificateHostNameInvalid"


_FINAL: Final = frozenset({Flaw.MALFORMED, Flaw.SHORT_KEY})
"""What not even a pin overrules."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done with a server."""

    facts: Facts | None
    """None when the bytes are no certificate."""
    refused: tuple[Flaw, ...] = ()
    """Why it is refused, the decisive reason first; empty: accepted."""
    overruled: tuple[Flaw, ...] = ()
    """What is wrong with it and was accepted nevertheless."""
    detail: str = ""
    clock_doubtful: bool = False
    """Our own clock cannot be right, so that dates were not judged."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What we know of a server before it shows a certificate."""

    host: str
    """Host of the configured URL."""
    application_uri: str = ""
    """What it calls itself."""
    pin: str = ""
    """SHA-256 thumbprint of the only certificate it may have; empty: any trusted one."""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    clock_floor: datetime = CLOCK_FLOOR
    """A time that has passed for certain; a clock before it is wrong."""


def judge(blob: bytes, folder: Folder, expected: Expected) -> Verdict:
    """Judge what a server sends as its certificate."""
    try:
        chain = read_chain(blob)
    except Malformed as error:
        return Verdict(None, (Flaw.MALFORMED,), detail=str(error))
    facts = chain[0]
    doubtful = expected.now < expected.clock_floor
    flaws = [*_own_flaws(facts, expected, dates=not doubtful)]
    if expected.pin:
        if facts.sha256 != expected.pin:
            return Verdict(facts, (Flaw.OTHER_THAN_PINNED, *flaws), clock_doubtful=doubtful)
        final = tuple(flaw for flaw in flaws if flaw in _FINAL)
        rest = tuple(flaw for flaw in flaws if flaw not in _FINAL)
        return Verdict(facts, final, rest, clock_doubtful=doubtful)
    trust = _trust_flaw(chain, folder, expected, dates=not doubtful)
    refused = ([trust] if trust else []) + [flaw for flaw in flaws if flaw is not Flaw.OTHER_HOST]
    rest = tuple(flaw for flaw in flaws if flaw is Flaw.OTHER_HOST)
    return Verdict(facts, tuple(refused), rest, clock_doubtful=doubtful)


def _own_flaws(facts: Facts, expected: Expected, *, dates: bool) -> list[Flaw]:
    """Tell what is wrong with the certificate itself, whoever trusts it."""
    found = []
    if not LEAST_KEY_BITS <= facts.key_bits <= MOST_KEY_BITS:
        found.append(Flaw.SHORT_KEY)
    if dates and expected.now > facts.ends:
        found.append(Flaw.EXPIRED)
    if dates and expected.now < facts.begins:
        found.append(Flaw.NOT_YET_VALID)
    if expected.application_uri not in facts.uris:
        found.append(Flaw.OTHER_URI)
    if expected.host.lower() not in facts.hosts:
        found.append(Flaw.OTHER_HOST)
    return found


def _trust_flaw(
    chain: Sequence[Facts], folder: Folder, expected: Expected, *, dates: bool
) -> Flaw | None:
    """Tell why nobody vouches for the first certificate of a chain; None when somebody does."""
    trusted = {one.sha256: one for one in folder.trusted()}
    if chain[0].sha256 in trusted:
        return None
    helpers = [*trusted.values(), *chain[1:], *folder.issuers()]
    revocations = folder.revocations()
    current = chain[0]
    for _ in range(MAX_CHAIN):  # a loop ends here
        issuer = next((one for one in helpers if _signed(current, by=one)), None)
        if issuer is None or (dates and not issuer.begins <= expected.now <= issuer.ends):
            return Flaw.UNTRUSTED
        if _revoked(current, issuer, revocations):
            return Flaw.REVOKED
        if issuer.sha256 in trusted:
            return None
        current = issuer
    return Flaw.UNTRUSTED


def _signed(one: Facts, *, by: Facts) -> bool:
    """Whether an authority has signed a certificate."""
    if one.parsed.issuer != by.parsed.subject or one.sha256 == by.sha256:
        return False
    try:
        constraints = by.parsed.extensions.get_extension_for_class(x509.BasicConstraints)
        one.parsed.verify_directly_issued_by(by.parsed)
    except (InvalidSignature, ValueError, TypeError, x509.ExtensionNotFound):
        return False
    return constraints.value.ca


def _revoked(one: Facts, issuer: Facts, revocations: Sequence[bytes]) -> bool:
    """Whether a list its authority has signed names a certificate."""
    for data in revocations:
        try:
            pem = b"-----BEGIN" in data
            found = x509.load_pem_x509_crl(data) if pem else x509.load_der_x509_crl(data)
            ours = found.issuer == issuer.parsed.subject
            key = issuer.parsed.public_key()
            if not ours or not found.is_signature_valid(key):  # type: ignore[arg-type]
                continue
            serial = one.parsed.serial_number
            if found.get_revoked_certificate_by_serial_number(serial) is not None:
                return True
        except (ValueError, TypeError):
            continue
    return False


def age_floor(*times: datetime) -> datetime:
    """Give the latest time that has passed for certain; a day of grace for time zones."""
    return max((CLOCK_FLOOR, *(one - timedelta(days=1) for one in times)))
