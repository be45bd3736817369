"""From the endpoint we chose to what protects a channel to it.

The server's certificate is judged before anything is encrypted for it. Our own is loaded, or made
at the first use, off the loop.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from asyncua import ua
from asyncua.crypto import security_policies

from drivers.opcua.security.folder import Folder
from drivers.opcua.security.judge import Expected, Verdict, age_floor, judge
from drivers.opcua.security.own import WARN, Own, load_certificate, load_pair, own_identity
from drivers.opcua.security.texts import certificate_refused, flaw_texts

if TYPE_CHECKING:
    from asyncua.crypto.security_policies import SecurityPolicy

    from drivers.opcua.config import OpcuaLink
    from drivers.opcua.security.certificate import Facts
    from drivers.opcua.security.policies import Offer

_POLICIES: Final[dict[str, Any]] = {
    "Basic256Sha256": security_policies.SecurityPolicyBasic256Sha256,
    "Aes128_Sha256_RsaOaep": security_policies.SecurityPolicyAes128Sha256RsaOaep,
    "Aes256_Sha256_RsaPss": security_policies.SecurityPolicyAes256Sha256RsaPss,
}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parties:
    """Who meets on a protected channel."""

    own: Own
    server: Facts
    user: Own | None = None
    """The certificate we log in with."""


async def meet(link: OpcuaLink, offer: Offer) -> Parties:
    """Judge the server, load what is ours; nothing is sent.

    Raises:
        AccessError: the server's certificate is refused, or one of ours cannot be read.
    """
    return await asyncio.to_thread(_meet, link, offer)


def protecting(offer: Offer, parties: Parties) -> SecurityPolicy:
    """Give what protects a channel to an endpoint; every channel needs one of its own."""
    own = parties.own
    policy: SecurityPolicy = _POLICIES[offer.policy](
        parties.server.parsed,
        own.facts.parsed,
        own.key,
        ua.MessageSecurityMode(int(offer.protection)),
    )
    return policy


def _meet(link: OpcuaLink, offer: Offer) -> Parties:
    if link.certificate is not None and link.key is not None:
        own, floor = load_pair(link.certificate, link.key), age_floor()
    else:
        own = own_identity(link.pki)
        floor = age_floor(own.facts.begins)  # made by this box's clock: that time has passed
    expected = Expected(
        host=urlsplit(link.url).hostname or "",
        application_uri=offer.application_uri,
        pin=_pin(link),
        clock_floor=floor,
    )
    server = _accepted(link, judge(offer.certificate, Folder(link.pki), expected), expected)
    _tell_our_age(own, link)
    user = None
    if link.user_certificate is not None and link.user_key is not None:
        user = load_pair(link.user_certificate, link.user_key)
    return Parties(own, server, user)


def _pin(link: OpcuaLink) -> str:
    if link.pin is None:
        return ""
    return link.pin_thumbprint or load_certificate(link.pin).sha256


def _accepted(link: OpcuaLink, verdict: Verdict, expected: Expected) -> Facts:
    """Give the certificate; a refused one is kept for a person to look at."""
    facts = verdict.facts
    if facts is None or verdict.refused:
        if facts is not None:
            why = verdict.refused[0].value
            try:
                Folder(link.pki).reject(facts, url=link.url, why=why)
            except OSError as error:
                _log.warning("%s: the refused certificate cannot be kept: %s", link.url, error)
        before = Folder(link.pki).trusted_at(link.url)
        raise certificate_refused(link.url, verdict, now=expected.now, before=before)
    if verdict.clock_doubtful:
        _say_once(
            f"{link.url}: the clock of this box says {expected.now:%Y-%m-%d}, which cannot be: "
            "dates of certificates are not judged until it is set"
        )
    if verdict.overruled:
        text, _ = flaw_texts(verdict.overruled)
        _say_once(f"{link.url}: accepted although {text} ({facts.name or '?'})")
    return facts


def _tell_our_age(own: Own, link: OpcuaLink) -> None:
    if own.facts.ends - datetime.now(UTC) < WARN:
        _say_once(
            f"{link.url}: our own certificate {own.path} is valid until {own.facts.ends:%Y-%m-%d}: "
            "make a new one in time (chulian cert make --anew) and let the servers trust it"
        )


@lru_cache(maxsize=256)
def _say_once(text: str) -> None:
    """Warn once in the life of the program: sessions are opened again and again."""
    _log.warning(text)
