"""What a person is told where a server offers no way that fits, in both languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.api import AccessError
from drivers.opcua.security.policies import named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.opcua.security.policies import Offer, Wanted


def nothing_fits(url: str, offers: Sequence[Offer], wanted: Wanted) -> AccessError:
    """Say that no endpoint of a server is what the configuration asks for, and what would be."""
    found = named(offers[:20])
    asked = ", ".join(
        f"{key}: {value}"
        for key, value in (("security", wanted.policy), ("security_mode", wanted.mode))
        if value != "auto"
    )
    if wanted.secret and not any(wanted.takes(offer) for offer in offers):
        return AccessError(
            f"{url} offers no encrypted connection to hide the password, only: {found}",
            hint="Switch on Basic256Sha256 or better with SignAndEncrypt on the server. Only on a "
            "network of your own: allow_plain_password: true with security: none.",
            zh=f"{url} 没有可用来发送密码的加密连接，只提供：{found}",
            hint_zh="请在服务器上启用 Basic256Sha256 或更高的签名并加密；"
            "仅限独立内网时，可设 allow_plain_password: true 和 security: none",
        )
    return AccessError(
        f"{url} offers nothing that fits {asked or 'security: auto'}; it offers: {found}",
        hint="Deprecated policies are not used. Switch on Basic256Sha256 or better on the server, "
        "change security, or write security: none to go without protection.",
        zh=f"{url} 没有符合 {asked or 'security: auto'} 的连接方式，只提供：{found}",
        hint_zh="本程序不使用已淘汰的安全策略：请在服务器上启用 Basic256Sha256 或更高，"
        "或修改 security；写 security: none 表示不加保护",
    )


def list_was_shortened(url: str, missing: Offer) -> AccessError:
    """Say that the list of endpoints changed on its way to us."""
    return AccessError(
        f"{url} offers {missing}, but the list read before left it out: "
        "something between changes messages",
        hint="Look for a proxy or a stranger between this box and the machine; or name the "
        "policy by security.",
        zh=f"{url} 实际提供 {missing}，但先前读到的列表里没有：中间有人改动了报文",
        hint_zh="请检查本机与设备之间有没有代理或陌生设备；也可用 security 明确指定策略",
    )


def no_such_login(url: str, *, user: bool, certificate: bool) -> AccessError:
    """Say that a server does not take our kind of login."""
    if certificate:
        return AccessError(
            f"{url} takes no user certificates",
            hint="Allow certificates as user identity on the server, or use a user name.",
            zh=f"{url} 不支持用户证书登录",
            hint_zh="请在服务器上允许证书登录，或改用用户名",
        )
    if user:
        return AccessError(
            f"{url} takes no user names on connections without security",
            hint="Remove username and password, or allow user names on the server.",
            zh=f"{url} 在这种连接上不支持用户名登录",
            hint_zh="请去掉 username 和 password，或在服务器上允许用户名登录",
        )
    return AccessError(
        f"{url} takes no anonymous clients",
        hint="Set username and password of the device.",
        zh=f"{url} 不允许匿名登录",
        hint_zh="请填写该设备的 username 和 password",
    )


def password_unprotected(url: str) -> AccessError:
    """Say that the password was not sent because it could be read on the wire."""
    return AccessError(
        f"{url} offers no way to hide the password: the connection is not encrypted",
        hint="Give the server a certificate and leave security at auto, or set "
        "allow_plain_password: true if the network between this box and the machine is yours "
        "alone.",
        zh=f"{url} 的连接没有加密，密码没有发送",
        hint_zh="请给服务器配上证书并把 security 保持为 auto；仅限独立内网时，"
        "可设 allow_plain_password: true",
    )
