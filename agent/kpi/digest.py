"""One signed digest per shop day, each holding the hash of the one before: nothing changes unseen.

A digest holds a SHA-256 of every device's `DeviceDay` document, and the last hash of the ledger's
journal. A day is sealed once, a day after its end; what comes later for it makes a supplement,
never another digest in its place. A line is the canonical JSON of a digest; the chain is its lines,
in order. Digests made before the journal's hash was known have none, and stay valid.
Source: docs/specs/rate, section 10.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from agent.kpi.deviceday import canonical
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Self

    from agent.kpi.calendar import ShopCalendar
    from agent.kpi.deviceday import DeviceDay
    from agent.kpi.signing import Signs

SEALED_AFTER_MS: Final = 86_400_000
"""So long after its end a day is sealed: by then late data are there, or are a supplement."""
DAY, SUPPLEMENT = "day", "supplement"
"""Kinds of digest."""
KEPT_IN: Final = "@digest"
"""Where the store's lessons keep the chain; no device can be called so."""
_NS_PER_MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Digest:
    """What was known of one shop day when it was sealed."""

    nr: int
    """From 1."""
    kind: str
    day: date
    devices: Mapping[str, str]
    """SHA-256 of each device's document, hexadecimal; a supplement holds only those that differ."""
    sealed_ms: int
    """When it was sealed, UTC ms, by a trusted clock."""
    prev: str
    """SHA-256 of the line before; empty for the first."""
    key: str
    """The public key, hexadecimal."""
    sig: str = ""
    """Ed25519 signature over the canonical JSON of all the rest, hexadecimal."""
    journal: str = ""
    """Hash of the last entry of the ledger's journal at that time; empty in the first form."""

    def signed_bytes(self) -> bytes:
        """Give what the signature is over."""
        return canonical(self._body()).encode()

    def line(self) -> bytes:
        """Give the line of the chain, without line end."""
        return canonical(self._body() | {"sig": self.sig}).encode()

    @classmethod
    def of_line(cls, line: bytes) -> Self:
        """Take what `line` gave; raises ValueError for anything else."""
        try:
            found: dict[str, Any] = json.loads(line)
            one = cls(
                int(found["nr"]),
                str(found["kind"]),
                date.fromisoformat(found["day"]),
                {str(device): str(hashed) for device, hashed in found["devices"].items()},
                int(found["sealed_ms"]),
                str(found["prev"]),
                str(found["key"]),
                str(found["sig"]),
                str(found.get("journal", "")),
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"not a digest: {error!r}") from error
        if one.line() != line:
            raise ValueError("not a digest: not in its one canonical form")
        return one

    def _body(self) -> dict[str, Any]:
        known = {"journal": self.journal} if self.journal else {}
        return known | {
            "day": self.day.isoformat(),
            "devices": dict(self.devices),
            "key": self.key,
            "kind": self.kind,
            "nr": self.nr,
            "prev": self.prev,
            "sealed_ms": self.sealed_ms,
        }


class DigestChain:
    """The digests of one gateway, oldest first."""

    def __init__(self, digests: Iterable[Digest] = ()) -> None:
        self._digests = list(digests)
        self._known: dict[date, dict[str, str]] = {}
        for one in self._digests:
            self._known.setdefault(one.day, {}).update(one.devices)

    @classmethod
    def of_lines(cls, lines: Iterable[bytes]) -> Self:
        """Take a chain as `lines` gave it; raises ValueError where a line is none."""
        return cls(Digest.of_line(line) for line in lines)

    def lines(self) -> tuple[bytes, ...]:
        """Give the chain, a line each, without line ends."""
        return tuple(one.line() for one in self._digests)

    def seal_due(
        self,
        days: Iterable[DeviceDay],
        *,
        now_ms: int,
        calendar: ShopCalendar,
        key: Signs,
        journal: str = "",
    ) -> list[Digest]:
        """Append what is due by now, and give it; `now_ms` must be of a trusted clock.

        Every shop day from the first with data on is sealed, also one without any. `journal` is
        the hash of the last entry of the ledger's journal.
        """
        return [
            self._append(kind, day, fresh, now_ms=now_ms, key=key, journal=journal)
            for kind, day, fresh in self.due(days, now_ms=now_ms, calendar=calendar)
        ]

    def due(
        self, days: Iterable[DeviceDay], *, now_ms: int, calendar: ShopCalendar
    ) -> list[tuple[str, date, dict[str, str]]]:
        """Give kind, day and documents' hashes of what is due by now; nothing is changed."""
        found: dict[date, dict[str, str]] = {}
        for one in days:
            found.setdefault(one.day, {})[one.device] = document_hash(one)
        due = []
        for day in sorted({*found, *self._empty(found, now_ms, calendar)}):
            if calendar.span(day).until_ns // _NS_PER_MS + SEALED_AFTER_MS > now_ms:
                continue
            known, now = self._known.get(day), found.get(day, {})
            kind = DAY if known is None else SUPPLEMENT
            fresh = {d: h for d, h in now.items() if known is None or known.get(d) != h}
            if fresh or known is None:
                due.append((kind, day, fresh))
        return due

    def _empty(
        self, found: Mapping[date, object], now_ms: int, calendar: ShopCalendar
    ) -> Iterator[date]:
        """Yield the days without data between the first known one and now."""
        first = min((*found, *self._known), default=None)
        last = calendar.day_of(now_ms * _NS_PER_MS)
        newest = max(self._known, default=first)
        if first is None or newest is None:
            return
        day = min(newest, last)
        while day < last:
            yield day
            day += timedelta(days=1)

    def _append(
        self,
        kind: str,
        day: date,
        devices: Mapping[str, str],
        *,
        now_ms: int,
        key: Signs,
        journal: str,
    ) -> Digest:
        prev = line_hash(self._digests[-1].line()) if self._digests else ""
        nr = self._digests[-1].nr + 1 if self._digests else 1
        bare = Digest(nr, kind, day, dict(devices), now_ms, prev, key.public, journal=journal)
        one = replace(bare, sig=key.sign(bare.signed_bytes()).hex())
        self._digests.append(one)
        self._known.setdefault(day, {}).update(one.devices)
        return one


def document_hash(day: DeviceDay) -> str:
    """Give the SHA-256 of a device's day, over its canonical JSON, hexadecimal."""
    return sha256(canonical(day.document()).encode()).hexdigest()


def line_hash(line: bytes) -> str:
    """Give the SHA-256 of a line of the chain, hexadecimal."""
    return sha256(line).hexdigest()


@dataclass(frozen=True, slots=True)
class BrokenLink:
    """The first digest of a chain that cannot be believed, or first record that differs from it."""

    nr: int
    """Its place in the chain, from 1."""
    day: str
    """Its shop day, empty where it cannot be read."""
    device: str
    """The device whose record differs; empty where the digest itself is at fault."""
    why: Message


def verify(
    lines: Iterable[bytes], days: Iterable[DeviceDay] | None = None, *, key: str = ""
) -> BrokenLink | None:
    """Check a chain, and records against it; give the first fault, None where there is none.

    `days` may be a part of what was sealed; each must be as it was sealed last. With `key`
    (public, hexadecimal) every digest must be signed by it, else all by the first one's.
    """
    prev, bound, known = "", False, dict[tuple[date, str], tuple[int, str]]()
    for nr, line in enumerate(lines, 1):
        try:
            one = Digest.of_line(line)
        except ValueError:
            return BrokenLink(nr, "", "", _UNREADABLE)
        key = key or one.key
        why = _UNBOUND if bound and not one.journal else _fault(one, nr=nr, prev=prev, key=key)
        if why is not None:
            return BrokenLink(nr, one.day.isoformat(), "", why)
        prev, bound = line_hash(line), bool(one.journal)
        known.update({(one.day, device): (nr, h) for device, h in one.devices.items()})
    for day in sorted(days or (), key=lambda d: (d.day, d.device)):
        sealed = known.get((day.day, day.device))
        if sealed is not None and sealed[1] != document_hash(day):
            return BrokenLink(sealed[0], day.day.isoformat(), day.device, _OTHER_RECORD)
    return None


def _fault(one: Digest, *, nr: int, prev: str, key: str) -> Message | None:
    if one.nr != nr:
        return _OUT_OF_PLACE
    if one.prev != prev:
        return _NOT_LINKED
    if one.key != key:
        return _OTHER_KEY
    from cryptography.exceptions import InvalidSignature  # late: 9 MB, not needed to run
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(one.key))
        public.verify(bytes.fromhex(one.sig), one.signed_bytes())
    except (ValueError, InvalidSignature):
        return _FALSE_SIGNATURE
    return None


_UNREADABLE: Final = Message("is no digest in its one form", "不是规范格式的摘要")
_OUT_OF_PLACE: Final = Message(
    "its number is out of place: a digest is missing or doubled", "序号不连续：有摘要缺失或重复"
)
_NOT_LINKED: Final = Message(
    "does not hold the hash of the digest before it", "与上一条摘要的哈希不符"
)
_OTHER_KEY: Final = Message("is signed by another key", "由另一把密钥签名")
_UNBOUND: Final = Message(
    "does not hold the hash of the ledger's journal, as the digest before it does",
    "未含台账记录的哈希，而上一条摘要含有",
)
_FALSE_SIGNATURE: Final = Message("its signature is false", "签名无效")
_OTHER_RECORD: Final = Message(
    "the device's record is not the one that was sealed", "设备日记录与封存时不一致"
)
