"""How we say who we are, once a session exists: the way that hides a password best, or none at all.

A password goes over an encrypted channel, or, where the configuration says so, over an unprotected
one; there it is still hidden by the server's certificate if there is one. A password is never
hidden by a deprecated policy only, unless it might be sent readable anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from asyncua import ua

from drivers.opcua.security.no_way import no_such_login, password_unprotected
from drivers.opcua.security.policies import NONE, LoginKind
from drivers.opcua.wire.session import policy_of

if TYPE_CHECKING:
    from drivers.opcua.config import OpcuaLink
    from drivers.opcua.wire.client import WireClient

_HIDING: Final = ("Aes256_Sha256_RsaPss", "Aes128_Sha256_RsaOaep", "Basic256Sha256")
_DEPRECATED: Final = ("Basic256", "Basic128Rsa15")


def login_kind(link: OpcuaLink) -> LoginKind:
    """Tell which kind of login the configuration asks for."""
    if link.user_certificate is not None:
        return LoginKind.CERTIFICATE
    return LoginKind.PASSWORD if link.username else LoginKind.ANONYMOUS


def choose_login(client: WireClient, link: OpcuaLink) -> ua.UserTokenPolicy:
    """Give the best fitting way to log in that the server offers.

    Raises:
        AccessError: there is no fitting one, or none that hides the password.
    """
    kind = login_kind(link)
    wanted = ua.UserTokenType(int(kind))
    fitting = [one for one in client.logins if one.TokenType == wanted]
    if not fitting:
        certificate = kind is LoginKind.CERTIFICATE
        raise no_such_login(link.url, user=bool(link.username), certificate=certificate)
    if link.password is not None:
        fitting = _for_password(client, link, fitting)
    elif kind is LoginKind.CERTIFICATE:
        fitting = [one for one in fitting if policy_of(client, one) in _HIDING]
        if not fitting:
            raise no_such_login(link.url, user=False, certificate=True)
    return fitting[0]


def _for_password(
    client: WireClient, link: OpcuaLink, fitting: list[ua.UserTokenPolicy]
) -> list[ua.UserTokenPolicy]:
    """Give the ways to send a password, best first; never none."""
    encrypted = client.security_policy.Mode == ua.MessageSecurityMode.SignAndEncrypt
    order = list(_HIDING) if client.server_certificate else []
    if encrypted:
        order = [*order, NONE]
    elif link.allow_plain_password:
        order = [*order, *(_DEPRECATED if order else ()), NONE]
    else:
        raise password_unprotected(link.url)
    ranked = [one for name in order for one in fitting if policy_of(client, one) == name]
    if not ranked:
        raise password_unprotected(link.url)
    return ranked
