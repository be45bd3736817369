"""The folder of certificates, laid out as OPC UA tools share it; plain files, read at each use.

    own/certs, own/private   ours
    trusted/certs, trusted/crl   servers a person trusts, and authorities
    issuers/certs, issuers/crl   authorities that help to build a chain, and prove nothing alone
    rejected/certs   servers refused until now, each with a `.json` that says where it was met

A person may add and take away files while the agent runs. Reads are bounded in number and size. At
most `MAX_REJECTED` refused certificates are kept: a hostile server cannot fill the disk.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from drivers.opcua.security.certificate import MAX_BLOB_BYTES, Malformed, as_der, read_facts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from drivers.opcua.security.certificate import Facts

MAX_FILES: Final = 1000
"""Files read of one folder; a trust list of this length is a mistake."""
MAX_REJECTED: Final = 50
"""Refused certificates kept; the oldest go first."""
SUFFIXES: Final = frozenset({".der", ".pem", ".crt", ".cer"})
"""Names of certificate files."""


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder of certificates; it need not exist."""

    path: Path

    def trusted(self) -> list[Facts]:
        """Give what a person has trusted: servers and authorities."""
        return list(_certificates(self.path / "trusted"))

    def trusted_at(self, url: str) -> str:
        """Give the short thumbprint of a certificate trusted before at a URL; empty if none was."""
        for path, data in _files(self.path / "trusted" / "certs", frozenset({".json"})):
            with suppress(ValueError, AttributeError, OSError):
                if json.loads(data).get("url") == url:
                    return read_facts(as_der(path.with_suffix(".der").read_bytes())).short
        return ""

    def issuers(self) -> list[Facts]:
        """Give the authorities that help to build a chain."""
        return list(_certificates(self.path / "issuers"))

    def revocations(self) -> list[bytes]:
        """Give the revocation lists, as they lie there."""
        folders = (self.path / "trusted" / "crl", self.path / "issuers" / "crl")
        return [data for folder in folders for _, data in _files(folder, None)]

    def reject(self, facts: Facts, *, url: str, why: str) -> None:
        """Keep a refused certificate for a person to look at.

        Raises:
            OSError: it cannot be written.
        """
        folder = self.path / "rejected" / "certs"
        folder.mkdir(parents=True, exist_ok=True)
        stem = f"{_file_name(facts.name)}-{facts.short}"
        (folder / f"{stem}.der").write_bytes(facts.der)
        note = {"url": url, "why": why, "seen": datetime.now(UTC).isoformat(timespec="seconds")}
        (folder / f"{stem}.json").write_text(json.dumps(note, ensure_ascii=False), "utf-8")
        _forget_oldest(folder)


def _certificates(folder: Path) -> Iterator[Facts]:
    """Give every certificate in a folder or its `certs`; a file that is none is passed over."""
    for place in (folder / "certs", folder):
        for _, data in _files(place, SUFFIXES):
            with suppress(Malformed):
                yield read_facts(as_der(data))


def _files(folder: Path, suffixes: frozenset[str] | None) -> Iterator[tuple[Path, bytes]]:
    try:
        paths = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError:  # not there: nothing in it
        return
    for path in paths[:MAX_FILES]:
        if suffixes is None or path.suffix.lower() in suffixes:
            with suppress(OSError), path.open("rb") as stream:
                yield path, stream.read(16 * MAX_BLOB_BYTES)


def _file_name(name: str) -> str:
    """Give a stranger's name as a part of a file's name: letters, digits, few and harmless."""
    return re.sub(r"[^\w.-]+", "_", name)[:40].strip("._-") or "server"


def _forget_oldest(folder: Path) -> None:
    kept = sorted(folder.glob("*.der"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in kept[MAX_REJECTED:]:
        path.unlink(missing_ok=True)
        path.with_suffix(".json").unlink(missing_ok=True)
