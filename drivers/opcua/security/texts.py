"""What a person is told about certificates and trust, in both languages, with what to type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from drivers.api import AccessError
from drivers.opcua.security.certificate import printable
from drivers.opcua.security.judge import Flaw

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from drivers.opcua.security.judge import Verdict

_FLAWS: Final = {
    Flaw.MALFORMED: ("its certificate cannot be understood", "证书无法解析"),
    Flaw.OTHER_THAN_PINNED: (
        "its certificate is not the one named by server_certificate",
        "证书与 server_certificate 指定的不一致",
    ),
    Flaw.UNTRUSTED: ("its certificate is not trusted yet", "证书尚未受信任"),
    Flaw.REVOKED: ("its certificate was revoked by its issuer", "证书已被签发机构吊销"),
    Flaw.SHORT_KEY: (
        "its certificate has no RSA key of 2048 to 8192 bits",
        "证书的密钥不是 2048～8192 位的 RSA 密钥",
    ),
    Flaw.EXPIRED: ("its certificate has expired", "证书已过期"),
    Flaw.NOT_YET_VALID: ("its certificate is not valid yet", "证书尚未生效"),
    Flaw.OTHER_URI: (
        "its certificate stands for another application than the server says it is",
        "证书里的应用 URI 与服务器自报的不一致",
    ),
    Flaw.OTHER_HOST: ("its certificate names another host", "证书里没有这个主机名或 IP 地址"),
}


def flaw_texts(flaws: Sequence[Flaw]) -> tuple[str, str]:
    """Say what is wrong with a certificate, in English and in Chinese."""
    texts = [_FLAWS[flaw] for flaw in flaws]
    return ", ".join(en for en, _ in texts), "，".join(zh for _, zh in texts)


def certificate_refused(
    url: str, verdict: Verdict, *, now: datetime, before: str = ""
) -> AccessError:
    """Say why a server's certificate is refused, whose it is, and what to type.

    `before` is the short thumbprint of the one a person trusted at this URL, if any.
    """
    en, zh = flaw_texts(verdict.refused)
    if verdict.facts is None:
        why = printable(verdict.detail)
        return AccessError(
            f"{url}: {en} ({why})",
            hint="Make a new certificate on the server.",
            zh=f"{url}：服务器{zh}（{why}）",
            hint_zh="请在服务器上重新生成证书",
        )
    facts = verdict.facts
    name = facts.name or "?"
    hint, hint_zh = _what_to_do(verdict, now=now)
    if before:
        hint = f"It had another one before ({before}): find out why it changed. {hint}"
        hint_zh = f"它以前用的是另一张（{before}），请先查明为什么变了；{hint_zh}"
    return AccessError(
        f"{url}: {en}: {name}, thumbprint {facts.short} (SHA-1 {facts.sha1}), "
        f"valid {facts.begins:%Y-%m-%d} to {facts.ends:%Y-%m-%d}",
        hint=hint,
        zh=f"{url}：服务器{zh}：{name}，指纹 {facts.short}（SHA-1 {facts.sha1}），"
        f"有效期 {facts.begins:%Y-%m-%d} 至 {facts.ends:%Y-%m-%d}",
        hint_zh=hint_zh,
    )


def _what_to_do(verdict: Verdict, *, now: datetime) -> tuple[str, str]:
    facts = verdict.facts
    full, short = (facts.sha256, facts.short) if facts is not None else ("", "")
    pin = f"server_certificate: {full}"
    flaws = set(verdict.refused)
    if flaws == {Flaw.UNTRUSTED}:
        return (
            f"Compare it with what the server shows; if equal, type: chulian cert trust {short}",
            f"请与服务器上显示的指纹核对，一致后执行：chulian cert trust {short}",
        )
    if Flaw.SHORT_KEY in flaws or Flaw.REVOKED in flaws:
        return (
            "Make a new certificate on the server, with an RSA key of 2048 bits or more.",
            "请在服务器上重新生成证书，选 2048 位或更长的 RSA 密钥",
        )
    if Flaw.OTHER_THAN_PINNED in flaws:
        return (
            f"Find out why it has another one. If it was renewed on purpose, write {pin}",
            f"请先查明服务器证书为什么变了；确系正常更换的，把配置改为 {pin}",
        )
    clock = f"{now:%Y-%m-%d %H:%M} UTC"
    dates = bool(flaws & {Flaw.EXPIRED, Flaw.NOT_YET_VALID})
    return (
        (f"The clock of this box says {clock}: set it if that is wrong. " if dates else "")
        + "Make a new certificate on the server; or, if you accept this one as it is, write "
        f"{pin} into the device",
        (f"本机时间是 {clock}，不对请先校时；" if dates else "")
        + f"最好在服务器上重新生成证书；确认就用这张证书的，在该设备的配置里写 {pin}",
    )
