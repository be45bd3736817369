"""What `chulian cert` says of certificates: lists, details, and what is wrong with one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from agent.certs.folder import State
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.certs.facts import Facts
    from agent.certs.folder import Entry

SOON: Final = timedelta(days=90)
"""A certificate that ends sooner is remarked on."""

TITLES: Final = {
    State.OWN: Message("ours", "本机证书"),
    State.TRUSTED: Message("trusted", "受信任"),
    State.ISSUER: Message("issuers", "签发机构"),
    State.REJECTED: Message("rejected, waiting for a person", "已拒绝，等待人工确认"),
}
_LABELS: Final = {
    "name": Message("name", "名称"),
    "state": Message("state", "状态"),
    "device": Message("device", "设备"),
    "url": Message("met at", "服务器地址"),
    "seen": Message("met on", "最近一次出现"),
    "why": Message("refused for", "拒绝原因"),
    "sha256": Message("thumbprint SHA-256", "指纹 SHA-256"),
    "sha1": Message("thumbprint SHA-1", "指纹 SHA-1"),
    "valid": Message("valid", "有效期"),
    "subject": Message("subject", "主题"),
    "issuer": Message("issuer", "签发者"),
    "uris": Message("application", "应用 URI"),
    "hosts": Message("hosts", "主机名/IP"),
    "key": Message("key", "密钥"),
    "file": Message("file", "文件"),
}
_SELF: Final = Message("itself", "自签名")
_PAST: Final = Message("expired", "已过期")
_FUTURE: Final = Message("not valid yet", "尚未生效")
_SOON: Final = Message("ends in {} days", "{} 天后到期")


def list_rows(found: Sequence[Entry], devices: Mapping[str, Sequence[str]], *, lang: str,
              now: datetime | None = None) -> list[tuple[State, list[str]]]:  # fmt: skip
    """Give one row of cells per certificate, with its state; `devices` maps URLs to their ids."""
    return [
        (
            one.state,
            [
                one.facts.short,
                one.facts.name,
                f"{one.facts.begins:%Y-%m-%d} ~ {one.facts.ends:%Y-%m-%d}",
                age_text(one.facts, lang=lang, now=now),
                ", ".join(devices.get(one.url, ())),
                one.url,
            ],
        )
        for one in found
    ]


def detail_rows(one: Entry, devices: Sequence[str], *, lang: str) -> list[list[str]]:
    """Give everything known of a certificate as rows of label and text; without empty ones."""
    facts = one.facts
    age = age_text(facts, lang=lang)
    texts = {
        "name": facts.name,
        "state": TITLES[one.state].text(lang),
        "device": ", ".join(devices),
        "url": one.url,
        "seen": one.seen,
        "why": one.why,
        "sha256": spaced(facts.sha256),
        "sha1": spaced(facts.sha1),
        "valid": f"{facts.begins:%Y-%m-%d %H:%M} ~ {facts.ends:%Y-%m-%d %H:%M} UTC {age}".rstrip(),
        "subject": facts.subject,
        "issuer": _SELF.text(lang) if facts.self_signed else facts.issuer,
        "uris": ", ".join(facts.uris),
        "hosts": ", ".join(facts.hosts),
        "key": facts.key,
        "file": str(one.path),
    }
    return [[_LABELS[name].text(lang), text] for name, text in texts.items() if text]


def age_text(facts: Facts, *, lang: str, now: datetime | None = None) -> str:
    """Say when a certificate is out of its time, or soon will be; else nothing."""
    now = now or datetime.now(UTC)
    if now > facts.ends:
        return _PAST.text(lang)
    if now < facts.begins:
        return _FUTURE.text(lang)
    left = facts.ends - now
    return _SOON.text(lang).format(left.days) if left < SOON else ""


def in_time(facts: Facts) -> bool:
    """Whether a certificate is valid by the clock of this box."""
    return facts.begins <= datetime.now(UTC) <= facts.ends


def spaced(thumbprint: str) -> str:
    """Give a thumbprint in pairs of digits, as other tools show it, to be compared by eye."""
    return " ".join(thumbprint[at : at + 2] for at in range(0, len(thumbprint), 2))


def document(one: Entry, devices: Sequence[str]) -> dict[str, Any]:
    """Give one certificate for JSON."""
    return {
        "state": one.state.value,
        **one.facts.as_dict(),
        "file": str(one.path),
        "devices": list(devices),
        "url": one.url,
        "why": one.why,
        "seen": one.seen,
    }
