"""Whether a gateway's digests are one chain, signed by its own key. Written from the rules alone.

A link is JSON in one canonical form; it is numbered from 1, holds the SHA-256 of the line before,
and an Ed25519 signature over itself without `sig`. In its second form it also holds the last hash
of the ledger's journal; once a chain has it, every later link must.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from simulators.platform.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_HASH: Final = re.compile("[0-9a-f]{64}")


def check_chain(lines: Sequence[str], key: str) -> Iterator[Finding]:
    """Yield whatever is wrong with the links that came, which may have come in any order.

    `key` is the announced public key; where none was, the first link's holds.
    """
    links: dict[int, tuple[str, dict[str, Any]]] = {}
    for line in lines:
        link = _read(line)
        if link is None:
            yield Finding("unreadable_digest", "", line[:40])
        elif link["nr"] in links:
            yield Finding("replayed_digest", str(link["day"]), str(link["nr"]))
        else:
            links[link["nr"]] = (line, link)
    for nr in range(1, max(links, default=0) + 1):
        if nr not in links:
            yield Finding("missing_digest", _between(links, nr), str(nr))
            continue
        line, link = links[nr]
        key = key or str(link["key"])
        before = links.get(nr - 1)
        if before is not None and link["prev"] != hashlib.sha256(before[0].encode()).hexdigest():
            yield Finding("broken_chain", str(link["day"]), str(nr))
        if before is not None and "journal" in before[1] and "journal" not in link:
            yield Finding("unbound_digest", str(link["day"]), str(nr))
        if link["key"] != key:
            yield Finding("other_key", str(link["day"]), str(nr), str(link["key"]), key)
        elif not _signed(link):
            yield Finding("false_signature", str(link["day"]), str(nr))


def sealed_days(lines: Sequence[str]) -> set[str]:
    """Give the days of the links that can be read."""
    return {str(link["day"]) for line in lines if (link := _read(line)) is not None}


def journals(lines: Sequence[str]) -> dict[str, str]:
    """Give the journal's hash by day, of the newest link of each day that holds one."""
    links = sorted((one for line in lines if (one := _read(line))), key=lambda one: one["nr"])
    return {str(one["day"]): str(one["journal"]) for one in links if "journal" in one}


def _read(line: str) -> dict[str, Any] | None:
    try:
        link = json.loads(line)
    except ValueError:
        return None
    known = {"day", "devices", "key", "kind", "nr", "prev", "sealed_ms", "sig"}
    if not isinstance(link, dict) or link.keys() - {"journal"} != known:
        return None
    if type(link["nr"]) is not int or not _HASH.fullmatch(str(link.get("journal", "0" * 64))):
        return None
    return link if _canonical(link) == line else None


def _signed(link: dict[str, Any]) -> bool:
    body = {name: value for name, value in link.items() if name != "sig"}
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(link["key"]))
        public.verify(bytes.fromhex(link["sig"]), _canonical(body).encode())
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _between(links: dict[int, tuple[str, dict[str, Any]]], nr: int) -> str:
    """Give the day of the nearest link before a missing one, to know where to look."""
    earlier = [n for n in links if n < nr]
    return str(links[max(earlier)][1]["day"]) if earlier else ""


def _canonical(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
