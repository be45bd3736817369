"""One folder of certificates: what lies in it, and moving a server between trusted and rejected.

    own/certs, own/private   ours
    trusted/certs   servers and authorities a person trusts
    issuers/certs   authorities that help to build a chain
    rejected/certs   servers refused until now

Beside a server's certificate lies a `.json` that says where the driver met it; it moves along.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from agent.certs.facts import MAX_BYTES, NoCertificate, read_facts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.certs.facts import Facts

LEAST_DIGITS: Final = 8
"""Fewer digits of a thumbprint name nothing."""
MAX_FILES: Final = 1000
"""Files looked at in one folder."""
_SUFFIXES: Final = frozenset({".der", ".pem", ".crt", ".cer"})


class State(StrEnum):
    """Where a certificate lies, and so what the agent does with it."""

    OWN = "own"
    TRUSTED = "trusted"
    REJECTED = "rejected"
    ISSUER = "issuers"


@dataclass(frozen=True, slots=True)
class Entry:
    """One certificate in the folder."""

    state: State
    path: Path
    facts: Facts
    url: str = ""
    """Server that showed it; empty when the driver never met it."""
    why: str = ""
    """Why it was refused, as the standard names it."""
    seen: str = ""
    """When the driver met it last, ISO 8601."""


class NotFound(LookupError):  # noqa: N818 - says what the search gave
    """No certificate, or more than one, has the thumbprint asked for."""

    def __init__(self, matches: int) -> None:
        super().__init__(f"{matches} certificates match")
        self.matches = matches


def entries(folder: Path) -> list[Entry]:
    """List the folder: ours, trusted, issuers, rejected; files that are no certificates are left.

    Raises:
        PermissionError: it may not be read.
    """
    order = (State.OWN, State.TRUSTED, State.ISSUER, State.REJECTED)
    return [one for state in order for one in _entries(folder, state)]


def find(found: list[Entry], digits: str) -> Entry:
    """Give the certificate whose SHA-256 or SHA-1 thumbprint begins with these digits.

    Raises:
        NotFound: none does, or several do.
    """
    wanted = re.sub(r"[\s:]", "", digits).upper()
    matching = {
        one.path: one
        for one in found
        if len(wanted) >= LEAST_DIGITS
        and (one.facts.sha256.startswith(wanted) or one.facts.sha1.startswith(wanted))
    }
    distinct = {one.facts.sha256 for one in matching.values()}
    if len(distinct) != 1:
        raise NotFound(len(distinct))
    return next(iter(matching.values()))


def move(folder: Path, entry: Entry, state: State) -> Path:
    """Put a certificate, with what is known of it, into another place; give its new file.

    Raises:
        OSError: it cannot be moved.
    """
    target = folder / state / "certs"
    target.mkdir(parents=True, exist_ok=True)
    note = entry.path.with_suffix(".json")
    if note.exists():
        note.replace(target / note.name)
    return entry.path.replace(target / entry.path.name)


def add(folder: Path, facts: Facts, state: State) -> Path:
    """Write a certificate that came as a file into the folder; give its new file.

    Raises:
        OSError: it cannot be written.
    """
    target = folder / state / "certs"
    target.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"[^\w.-]+", "_", facts.name)[:40].strip("._-") or "server"
    path = target / f"{stem}-{facts.short}.der"
    path.write_bytes(facts.der)
    return path


def read_file(path: Path) -> Facts:
    """Read one certificate file.

    Raises:
        OSError: it cannot be read.
        NoCertificate: it holds none.
    """
    with path.open("rb") as stream:
        return read_facts(stream.read(MAX_BYTES + 1))


def _entries(folder: Path, state: State) -> Iterator[Entry]:
    for place in (folder / state / "certs", folder / state):
        if not place.is_dir():
            continue
        for path in sorted(place.iterdir())[:MAX_FILES]:
            if path.suffix.lower() not in _SUFFIXES or not path.is_file():
                continue
            with suppress(NoCertificate):
                facts = read_file(path)
                yield Entry(state, path, facts, **_note(path.with_suffix(".json")))


def _note(path: Path) -> dict[str, str]:
    """Read what the driver wrote beside a certificate; nothing where it wrote nothing."""
    try:
        with path.open("rb") as stream:
            document: Any = json.loads(stream.read(MAX_BYTES))
    except (OSError, ValueError):
        return {}
    if not isinstance(document, dict):
        return {}
    return {key: str(document.get(key, ""))[:500] for key in ("url", "why", "seen")}
