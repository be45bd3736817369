"""Checks a proof file: container, signature, hashes, chains; computes every number again.

Needs neither store nor configuration, and reads nothing but the bytes it is given and its own
fonts. Bounded: what is too large or no proof file is refused before anything is made of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any

from agent.proof import canonical, members
from agent.proof.archive import ArchiveError, unpack_from
from agent.proof.findings import Code, Finding, finding
from agent.proof.key import KeyFileError, fingerprint, is_signed
from agent.proof.recompute import recomputed
from agent.proof.sealed_ledger import remarks_on

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_LISTED = 64
_SHOWN = 16


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of checking one file."""

    header: Mapping[str, Any]
    """The manifest's own words; empty where it cannot be read."""
    result: Mapping[str, Any]
    """The figures as the file gives them; empty where they cannot be read."""
    findings: tuple[Finding, ...]
    key_sha256: str
    """Fingerprint of the key in the file; empty where there is none."""
    pinned: bool
    """Whether the caller said which key it must be."""
    reports_compared: tuple[str, ...] = ()
    """Reports that were made again and compared; the others rest on the signature."""
    remarks: tuple[Finding, ...] = ()
    """What to know of a sound file; empty where anything is wrong."""

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


def verify(raw: bytes, *, key_sha256: str | None = None) -> Verdict:
    """Check the bytes of a file; with a fingerprint also that it is this key's."""
    return verify_file(BytesIO(raw), key_sha256=key_sha256)


def verify_file(file: IO[bytes], *, key_sha256: str | None = None) -> Verdict:
    """Check an open file, which is read piece by piece; raises OSError where it is unreadable."""
    try:
        unpacked = unpack_from(file, members.MEMBERS)
    except ArchiveError as error:
        found = (Finding(Code.CONTAINER, "", None, error.message),)
        return Verdict({}, {}, found, "", key_sha256 is not None)
    held = unpacked.members
    findings = [finding(Code.MEMBER_MISSING, n) for n in members.MEMBERS if n not in held]
    own, signed = _signature(held, key_sha256)
    findings += signed
    header, unread = _manifest(held.get(members.MANIFEST, b""))
    findings += unread
    if header:
        findings += _changes(held, header)
    told = {one.member for one in findings}
    findings += [
        Finding(Code.CONTAINER, name, None, fault)
        for name, fault in unpacked.faults
        if not name or name not in told  # a changed member also has another checksum
    ]
    if findings:
        return Verdict(header, _result(held), tuple(findings), own, key_sha256 is not None)
    found_again = recomputed(held, header, own)
    return Verdict(
        header,
        _result(held),
        found_again.findings,
        own,
        key_sha256 is not None,
        found_again.reports_compared,
        () if found_again.findings else remarks_on(held),
    )


def _signature(held: Mapping[str, bytes], wanted: str | None) -> tuple[str, list[Finding]]:
    """Check the signature; give the key's fingerprint, and what is wrong."""
    if not {members.KEY, members.MANIFEST, members.SIGNATURE} <= held.keys():
        return "", []
    pem = held[members.KEY]
    try:
        own = fingerprint(pem)
        signed = is_signed(held[members.MANIFEST], held[members.SIGNATURE], pem)
    except KeyFileError as error:
        return "", [finding(Code.UNREADABLE, members.KEY, seen=error)]
    findings = [] if signed else [finding(Code.SIGNATURE, members.SIGNATURE)]
    if wanted is not None and wanted != own:
        findings.append(finding(Code.OTHER_KEY, members.KEY, seen=own))
    return own, findings


def _manifest(raw: bytes) -> tuple[dict[str, Any], list[Finding]]:
    if not raw:
        return {}, []
    try:
        document = canonical.read_page(raw)
    except ValueError as error:
        return {}, [finding(Code.MANIFEST, members.MANIFEST, seen=error)]
    if not isinstance(document, dict):
        return {}, [finding(Code.MANIFEST, members.MANIFEST, seen=type(document).__name__)]
    form = f"{document.get('format')} {document.get('version')}"
    if form not in {f"{members.FORMAT} {version}" for version in members.READABLE}:
        return {}, [finding(Code.FORMAT, members.MANIFEST, seen=form[:_MAX_LISTED])]
    return document, []


def _changes(held: Mapping[str, bytes], header: Mapping[str, Any]) -> list[Finding]:
    """Hold every member against the manifest; name the line where one can be told."""
    listed = header.get("members")
    wanted = [name for name in members.LISTED if name in held]
    own = members.entries({name: held[name] for name in wanted})
    if not isinstance(listed, list) or len(listed) > _MAX_LISTED:
        return [finding(Code.MANIFEST, members.MANIFEST, seen="members")]
    by_name = {one.get("name"): one for one in listed if isinstance(one, dict)}
    lines = _lines(held, by_name)
    return [
        _changed(one["name"], held, by_name.get(one["name"]), lines)
        for one in own
        if by_name.get(one["name"]) != one
    ] + [
        finding(Code.MANIFEST, members.MANIFEST, seen=f"members: {str(name)[:_MAX_LISTED]}")
        for name in by_name
        if name not in members.LISTED
    ]


def _changed(name: str, held: Mapping[str, bytes], entry: Any, lines: Mapping[str, Any]) -> Finding:
    said = entry.get("sha256") if isinstance(entry, dict) else None
    own = sha256(held[name]).hexdigest()
    seen = f"SHA-256 {own[:_SHOWN]}… ≠ {str(said)[:_SHOWN]}…"
    hashes = lines.get(name)
    line = members.changed_line(held[name], hashes) if isinstance(hashes, list) else None
    return finding(Code.CHANGED, name, line=line, seen=seen)


def _lines(held: Mapping[str, bytes], by_name: Mapping[Any, Any]) -> Mapping[str, Any]:
    """Give the hashes of lines, if their own member is as it was signed."""
    raw = held.get(members.LINES, b"")
    if by_name.get(members.LINES) not in members.entries({members.LINES: raw}):
        return {}
    try:
        document = canonical.read_page(raw)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _result(held: Mapping[str, bytes]) -> Mapping[str, Any]:
    try:
        document = canonical.read_page(held.get(members.RESULT, b""))
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
