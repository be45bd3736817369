"""Which members a proof file has, how they are printed and hashed, and what is signed."""

from __future__ import annotations

from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from agent.proof import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT: Final = "chulian-proof"
VERSION: Final = 2
READABLE: Final = frozenset({1, 2})
"""Versions that can be checked; the first had no `size`, and digests without `journal`."""

README: Final = "README.txt"
DAYS: Final = "days.jsonl"
DEVICES: Final = "devices.json"
DIGESTS: Final = "digests.jsonl"
HISTORY: Final = "history.json"
JOURNAL: Final = "journal.jsonl"
KEY: Final = "key.pem"
LEDGER: Final = "ledger.json"
LINES: Final = "lines.json"
LOSSES: Final = "losses.jsonl"
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
RESULT: Final = "result.json"
SETTINGS: Final = "settings.json"
REPORTS: Final = ("report.en.html", "report.en.pdf", "report.zh.html", "report.zh.pdf")

DATA: Final = (DAYS, DEVICES, DIGESTS, HISTORY, JOURNAL, LEDGER, LOSSES, RESULT, SETTINGS)
"""What the figures are, and what they follow from."""
LISTED: Final = tuple(sorted((*DATA, *REPORTS, KEY, LINES, README)))
"""Members whose hashes the manifest holds."""
MEMBERS: Final = tuple(sorted((*LISTED, MANIFEST, SIGNATURE)))
"""Every member; a proof file has all of them and no other."""

_LINE_HASH_DIGITS = 16
_BINARY = (".pdf",)


def entries(members: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """Give name, size and hash of members, by name."""
    return [
        {"name": name, "bytes": len(members[name]), "sha256": sha256(members[name]).hexdigest()}
        for name in sorted(members)
    ]


def data_sha256(members: Mapping[str, bytes]) -> str:
    """Give the fingerprint of the data, as it stands at the foot of every page of the report."""
    data = {name: members[name] for name in DATA}
    return sha256(canonical.line(entries(data))).hexdigest()


def line_hashes(members: Mapping[str, bytes]) -> dict[str, list[str]]:
    """Give the start of every line's hash, so that a change can be told by its line."""
    return {
        name: [_line_hash(line.removesuffix(b"\n")) for line in BytesIO(raw)]
        for name, raw in members.items()
        if not name.endswith(_BINARY)
    }


def changed_line(raw: bytes, hashes: list[Any]) -> int | None:
    """Give the number (from 1) of the first line that differs; None where no line tells."""
    found = [_line_hash(line) for line in canonical.split(raw)]
    same = zip(found, hashes, strict=False)
    differs = next((n for n, (a, b) in enumerate(same, 1) if a != b), None)
    if differs is None and len(found) != len(hashes):
        return min(len(found), len(hashes)) + 1
    return differs


def _line_hash(line: bytes) -> str:
    return sha256(line).hexdigest()[:_LINE_HASH_DIGITS]
