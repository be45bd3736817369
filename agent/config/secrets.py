"""Secrets: a file holds only `env:NAME` or `file:PATH`; the secret itself is fetched here.

Guarantees that no secret enters a problem's text. A file's secret ends before its last newline.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agent.config.problems import Place, Problem, problem
from agent.config.reading import read_bounded, why

if TYPE_CHECKING:
    from pathlib import Path

    from agent.config.reading import Reading

_MAX_BYTES = 64_000
"""Longest secret: an MQTT password has 65 535 bytes at most. Source: MQTT 5.0, 3.1.3.6."""
_OTHERS_READ = 0o004
_LOGIN_IN_URL = re.compile(r"([a-z][a-z0-9+.-]*://)[^/?#]*@", re.IGNORECASE)


def fetch(reference: str, *, place: Place, where: str, reading: Reading) -> str | None:
    """Give the secret a reference names, or None after adding the reason to the problems."""
    found = _fetched(reference, place=place, where=where, reading=reading)
    if isinstance(found, Problem):
        reading.problems.append(found)
        return None
    return found


def has_login(url: str) -> bool:
    """Tell whether a URL carries a user or a password."""
    return _LOGIN_IN_URL.match(url) is not None


def without_login(url: str) -> str:
    """Give a URL without its user and password."""
    return _LOGIN_IN_URL.sub(r"\1", url)


def _fetched(reference: str, *, place: Place, where: str, reading: Reading) -> str | Problem:
    kind, _, name = reference.partition(":")
    if kind == "env" and name:
        secret = reading.environ.get(name)
        if secret is None:
            return problem("E1502", place, where=where, seen=name)
    elif kind == "file" and name:
        path = reading.resolve(name)
        try:
            data = read_bounded(path, limit_bytes=_MAX_BYTES)
            mode = path.stat().st_mode
        except OSError as error:
            return problem("E1503", place, where=where, seen=name, why=why(error))
        if mode & _OTHERS_READ:
            reading.problems.append(problem("W1607", place, where=where, seen=str(path)))
        secret = data.decode(errors="surrogateescape").removesuffix("\n").removesuffix("\r")
    else:
        return problem("E1501", place, where=where)
    return secret or problem("E1504", place, where=where, seen=reference)


def readable(name: str, *, place: Place, where: str, reading: Reading) -> Path | None:
    """Give the path of a file that must be there, or None after adding why it cannot be read."""
    path = reading.resolve(name)
    try:
        read_bounded(path, limit_bytes=1)
    except OSError as error:
        reading.problems.append(problem("E1506", place, where=where, seen=name, why=why(error)))
        return None
    return path.absolute()
