"""Who may connect, and how well protected: policies, logins, and the server's own trust list."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha1
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import asyncua
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.user_managers import UserManager

from simulators.opcua.certificates import server_pair
from simulators.opcua.words import CERTIFICATES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from cryptography import x509

    from simulators.opcua.listening import GuardedServer

ua: Any = asyncua.ua  # its annotations contradict its own documented use; not checked

ENDPOINTS: Final = MappingProxyType(
    {
        "None": ("NoSecurity",),
        "Basic256Sha256": ("Basic256Sha256_Sign", "Basic256Sha256_SignAndEncrypt"),
        "Aes128_Sha256_RsaOaep": (
            "Aes128Sha256RsaOaep_Sign",
            "Aes128Sha256RsaOaep_SignAndEncrypt",
        ),
        "Aes256_Sha256_RsaPss": ("Aes256Sha256RsaPss_Sign", "Aes256Sha256RsaPss_SignAndEncrypt"),
    }
)
"""Policy as the standard names it -> the endpoints that asyncua makes of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a server asks of its clients."""

    policies: Sequence[str] = ("None",)
    """Names of `ENDPOINTS`; each but None is offered signed, and signed and encrypted."""
    users: Mapping[str, str] = field(default_factory=dict)
    """User name -> password; with any, anonymous is refused unless `anonymous`."""
    user_certificates: Sequence[bytes] = ()
    """DER certificates that may log in."""
    anonymous: bool | None = None
    """Whether anonymous is let in; None: when there is no other way."""
    pki: Path | None = None
    """Directory of the server's certificate; needed for every policy but None."""
    certificate: str = "good"
    """Kind of `simulators.opcua.words.CERTIFICATES`."""
    suspicious: bool = False
    """Refuse client certificates until a person trusts them."""


@dataclass(slots=True)
class TrustList:
    """The client certificates a server has seen, trusted or not."""

    suspicious: bool = False
    trusted: dict[str, bytes] = field(default_factory=dict)
    """SHA-1 thumbprint, as servers show it -> DER."""
    rejected: dict[str, bytes] = field(default_factory=dict)

    async def judge(self, certificate: x509.Certificate, _application: Any) -> None:
        """Pass a client's certificate.

        Raises:
            ServiceError: BadSecurityChecksFailed, as servers say to whom they do not trust.
        """
        from cryptography.hazmat.primitives.serialization import Encoding

        der = certificate.public_bytes(Encoding.DER)
        print_ = sha1(der).hexdigest()  # noqa: S324 - the standard's name of a certificate, no protection
        if self.suspicious and print_ not in self.trusted:
            self.rejected[print_] = der
            raise ServiceError(ua.StatusCodes.BadSecurityChecksFailed)

    def trust(self) -> int:
        """Trust everybody who was rejected so far; give how many."""
        count = len(self.rejected)
        self.trusted.update(self.rejected)
        self.rejected.clear()
        return count


@dataclass(frozen=True, slots=True)
class Doorkeeper(UserManager):
    """Lets in who has a password or a certificate, or everybody."""

    access: Access

    @property
    def tokens(self) -> list[Any]:
        """The ways in, as asyncua's token types."""
        found = []
        if self.anonymous:
            found.append(ua.AnonymousIdentityToken)
        if self.access.users:
            found.append(ua.UserNameIdentityToken)
        if self.access.user_certificates:
            found.append(ua.X509IdentityToken)
        return found

    @property
    def anonymous(self) -> bool:
        """Whether nobody in particular is let in."""
        if self.access.anonymous is None:
            return not (self.access.users or self.access.user_certificates)
        return self.access.anonymous

    def get_user(
        self,
        iserver: Any,  # noqa: ARG002 - asyncua's signature
        username: str | None = None,
        password: str | None = None,
        certificate: Any = None,
    ) -> User | None:
        """Give the role of whom to let in, or None to refuse.

        Without a user name, the certificate is the user's where anonymous is refused; where it is
        not, it may be the channel's, and nothing hangs on it.
        """
        if username is not None:
            known = self.access.users.get(username) == password and username in self.access.users
            return User(role=UserRole.User) if known else None
        if self.anonymous or certificate in self.access.user_certificates:
            return User(role=UserRole.User)
        return None


def check(access: Access) -> None:
    """Pass what can be offered.

    Raises:
        ValueError: an unknown policy or kind of certificate, or no directory for one.
    """
    unknown = set(access.policies) - set(ENDPOINTS)
    if unknown:
        raise ValueError(f"policy {', '.join(sorted(unknown))}: {', '.join(ENDPOINTS)}")
    if access.certificate not in CERTIFICATES:
        raise ValueError(f"certificate {access.certificate!r}: {', '.join(CERTIFICATES)}")
    if set(access.policies) != {"None"} and access.pki is None:
        raise ValueError("a policy other than None needs a directory for the certificate")


async def protect(server: GuardedServer, access: Access, *, uri: str, host: str) -> None:
    """Give a server, before it starts, its endpoints, its certificate and its ways in."""
    if access.pki is not None and set(access.policies) != {"None"}:
        pair = server_pair(access.pki, kind=access.certificate, uri=uri, host=host)
        await server.load_certificate(pair.certificate)
        await server.load_private_key(pair.key)
    names = [name for policy in access.policies for name in ENDPOINTS[policy]]
    server.set_security_policy([ua.SecurityPolicyType[name] for name in names])
    server.set_identity_tokens(Doorkeeper(access).tokens)
    server.iserver.allow_remote_admin = False
