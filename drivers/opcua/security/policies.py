"""Which of a server's endpoints is used: by what protects it, never by its place in the list.

Pure. Deprecated policies are never chosen. An unprotected endpoint is chosen only where nothing
else is offered, nobody logs in and nothing is pinned, or where the configuration says so.
Source: OPC 10000-4, 5.5.4; OPC 10000-7, 6.6.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PREFIX: Final = "http://opcfoundation.org/UA/SecurityPolicy#"
"""What every policy's URI begins with."""
NONE: Final = "None"
"""Name of the policy that protects nothing."""

_STRENGTH: Final = {"Basic256Sha256": 1, "Aes128_Sha256_RsaOaep": 2, "Aes256_Sha256_RsaPss": 3}


class Protection(IntEnum):
    """What a channel does for its messages; the numbers are MessageSecurityMode's."""

    NOTHING = 1
    SIGNED = 2
    ENCRYPTED = 3


class LoginKind(IntEnum):
    """How we say who we are; the numbers are UserTokenType's."""

    ANONYMOUS = 0
    PASSWORD = 1
    CERTIFICATE = 2


@dataclass(frozen=True, slots=True)
class Offer:
    """One endpoint as a server describes it; nothing of it is proven yet."""

    policy: str
    """Name of the policy, without the prefix."""
    protection: Protection
    certificate: bytes = b""
    """The server's certificate, perhaps with its chain, DER."""
    logins: frozenset[int] = frozenset()
    """UserTokenTypes it takes."""
    application_uri: str = ""

    @property
    def secure(self) -> bool:
        """Whether it protects the channel, with a policy that is not deprecated."""
        return self.protection is not Protection.NOTHING and self.policy in _STRENGTH

    @property
    def rank(self) -> tuple[int, int]:
        """How well it protects: encryption before signature, then the policy."""
        return int(self.protection), _STRENGTH.get(self.policy, 0)

    def __str__(self) -> str:
        """Give policy and protection for people."""
        words = {Protection.SIGNED: " Sign", Protection.ENCRYPTED: " SignAndEncrypt"}
        return self.policy + words.get(self.protection, "")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the configuration asks of an endpoint."""

    policy: str = "auto"
    mode: str = "auto"
    login: LoginKind = LoginKind.ANONYMOUS
    pinned: bool = False
    """A certificate is pinned: a channel that proves none is out of the question."""
    secret: bool = False
    """The login carries a password."""
    plain_login: bool = False
    """The configuration allows a login over a channel that is not encrypted."""

    def takes(self, offer: Offer) -> bool:
        """Whether a protected endpoint is what the configuration asks for."""
        if not offer.secure or self.policy not in {"auto", offer.policy}:
            return False
        if self.secret or self.mode == "sign_and_encrypt":
            return offer.protection is Protection.ENCRYPTED
        return self.mode == "auto" or offer.protection is Protection.SIGNED

    @property
    def takes_nothing(self) -> bool:
        """Whether an unprotected endpoint would do where the server offers no other."""
        if self.policy == "none":
            return True
        unasked = self.policy == self.mode == "auto" and not self.pinned
        return unasked and (self.login is LoginKind.ANONYMOUS or self.plain_login)


def choose(offers: Sequence[Offer], wanted: Wanted) -> Offer | None:
    """Give the best endpoint that fits; None where none does."""
    plain = [one for one in offers if one.policy == NONE]
    if wanted.policy == "none":
        return plain[0] if plain else None
    fitting = [one for one in offers if wanted.takes(one) and one.certificate]
    if fitting:
        return max(fitting, key=lambda one: (wanted.login in one.logins, one.rank))
    only_plain = bool(plain) and len(plain) == len(offers)
    return plain[0] if only_plain and wanted.takes_nothing else None


def better(offers: Iterable[Offer], chosen: Offer, wanted: Wanted) -> Offer | None:
    """Give an endpoint we would rather have used, had the first list named it; None: none.

    The first list comes over an unprotected channel. What the protected one says later tells
    whether somebody between shortened it.
    """
    rather = [
        one
        for one in offers
        if wanted.takes(one) and one.rank > chosen.rank and wanted.login in one.logins
    ]
    return max(rather, key=lambda one: one.rank, default=None)


def named(offers: Iterable[Offer]) -> str:
    """List endpoints for people, each once."""
    return ", ".join(sorted({str(one) for one in offers})) or "-"
