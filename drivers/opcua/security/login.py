"""How we say who we are, once a session exists: the way that hides a password best, or none at all.

A password goes over an encrypted channel, or, where the configuration says so, over an unprotected
one; there it is still hidden by the server's certificate if there is one. A password is never
hidden by a deprecated policy only, unless it might be sent readable anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from asyncua import ua

from drivers.opcua.pinned import token_policies
from drivers.opcua.security.pinned import put_login_first
from drivers.opcua.security.policies import NONE, PREFIX, LoginKind
from drivers.opcua.security.texts import no_such_login, password_unprotected

if TYPE_CHECKING:
    from asyncua.client.client import Client

    from drivers.opcua.config import OpcuaLink

_HIDING: Final = ("Aes256_Sha256_RsaPss", "Aes128_Sha256_RsaOaep", "Basic256Sha256")
_DEPRECATED: Final = ("Basic256", "Basic128Rsa15")


def login_kind(link: OpcuaLink) -> LoginKind:
    """Tell which kind of login the configuration asks for."""
    if link.user_certificate is not None:
        return LoginKind.CERTIFICATE
    return LoginKind.PASSWORD if link.username else LoginKind.ANONYMOUS


def choose_login(client: Client, link: OpcuaLink) -> None:
    """Let the library use the best fitting way to log in, and no other.

    Raises:
        AccessError: there is no fitting one, or none that hides the password.
    """
    kind = login_kind(link)
    wanted = ua.UserTokenType(int(kind))
    fitting = [one for one in token_policies(client) or () if one.TokenType == wanted]
    if not fitting:
        certificate = kind is LoginKind.CERTIFICATE
        raise no_such_login(link.url, user=bool(link.username), certificate=certificate)
    if link.password is not None:
        fitting = _for_password(client, link, fitting)
    elif kind is LoginKind.CERTIFICATE:
        fitting = [one for one in fitting if _policy(client, one) in _HIDING]
        if not fitting:
            raise no_such_login(link.url, user=False, certificate=True)
    put_login_first(client, fitting)


def _for_password(
    client: Client, link: OpcuaLink, fitting: list[ua.UserTokenPolicy]
) -> list[ua.UserTokenPolicy]:
    """Give the ways to send a password, best first; never none."""
    encrypted = client.security_policy.Mode == ua.MessageSecurityMode.SignAndEncrypt
    order = list(_HIDING) if client.security_policy.peer_certificate else []
    if encrypted:
        order = [*order, NONE]
    elif link.allow_plain_password:
        order = [*order, *(_DEPRECATED if order else ()), NONE]
    else:
        raise password_unprotected(link.url)
    ranked = [one for name in order for one in fitting if _policy(client, one) == name]
    if not ranked:
        raise password_unprotected(link.url)
    return ranked


def _policy(client: Client, token: ua.UserTokenPolicy) -> str:
    """Give the policy that protects a login; where it names none, the channel's."""
    uri = token.SecurityPolicyUri or client.security_policy.URI
    return str(uri).removeprefix(PREFIX)
