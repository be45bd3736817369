"""Who may edit the ledger: codes that work once, tries that are counted, sessions that end.

Guarantees: a code is good for one login within ten minutes, and a new one puts the old one out of
use; no more than five wrong codes are tried in a minute from one address, sixty from all; a session
ends after half an hour without use, after twelve hours in any case, and at once on leaving. Codes
and tokens are kept as hashes only and compared in constant time. No I/O; nothing of it outlives the
process.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
import unicodedata
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from agent.web.editing.tries import Tries

if TYPE_CHECKING:
    from collections.abc import Callable

CODE_S: Final = 600.0
"""A code is good for so long."""
IDLE_S: Final = 1800.0
"""A session nobody uses ends after this."""
LIFE_S: Final = 43_200.0
"""Any session ends after this."""
MOST_SESSIONS: Final = 8
"""The one unused for longest gives way to another."""
LONGEST_NAME: Final = 64
"""Most characters of a name."""

_CODE_DIGITS: Final = 8
_TOKEN_BYTES: Final = 32


class Refusal(Enum):
    """Why nobody was let in."""

    WRONG = "wrong"
    """No code, a wrong one, one that was used or one that is too old: which is not told."""
    TOO_MANY = "too_many"
    """Too many were tried: even the right one is not looked at."""


@dataclass(slots=True)
class Session:
    """Somebody who was let in."""

    who: str
    """The name they gave: who declares."""
    csrf: str
    """What every form of theirs must bear."""
    begun_s: float
    used_s: float


@dataclass(frozen=True, slots=True)
class Entered:
    """A session that has begun, with the token that the browser keeps."""

    session: Session
    token: str


class Door:
    """The one door of a gateway; `now_s` is a clock that never goes back."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._code = b""
        self._code_ends_s = 0.0
        self._tries = Tries()
        self._sessions: dict[bytes, Session] = {}

    def issue(self) -> str:
        """Give a new code, as two groups of four digits; every code before it is void."""
        code = f"{secrets.randbelow(10**_CODE_DIGITS):0{_CODE_DIGITS}d}"
        self._code, self._code_ends_s = _hashed(code), self._now_s() + CODE_S
        return f"{code[:4]} {code[4:]}"

    def wait_s(self, peer: str) -> float:
        """Give how long no code from an address will be looked at; 0 where one will."""
        return self._tries.wait_s(peer, self._now_s())

    def enter(self, code: str, *, who: str, peer: str) -> Entered | Refusal:
        """Let somebody at an address in who has the code; blanks and wide digits do not matter."""
        now_s = self._now_s()
        if self._tries.wait_s(peer, now_s) > 0:
            return Refusal.TOO_MANY
        fits = hmac.compare_digest(_hashed(_digits(code)), self._code)
        if not (fits and self._code and now_s < self._code_ends_s):
            self._tries.failed(peer, now_s)
            return Refusal.WRONG
        self._code = b""
        return self._begin(who, now_s)

    def session(self, token: str) -> Session | None:
        """Give the session of a token, used once more; None where it has ended or never was."""
        key, now_s = _hashed(token), self._now_s()
        self._forget_old(now_s)
        session = self._sessions.get(key)
        if session is not None:
            session.used_s = now_s
        return session

    def leave(self, token: str) -> None:
        """End a session."""
        self._sessions.pop(_hashed(token), None)

    def _begin(self, who: str, now_s: float) -> Entered:
        self._forget_old(now_s)
        if len(self._sessions) >= MOST_SESSIONS:
            del self._sessions[min(self._sessions, key=lambda one: self._sessions[one].used_s)]
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        session = Session(who, secrets.token_urlsafe(_TOKEN_BYTES), now_s, now_s)
        self._sessions[_hashed(token)] = session
        return Entered(session, token)

    def _forget_old(self, now_s: float) -> None:
        self._sessions = {
            key: one
            for key, one in self._sessions.items()
            if now_s - one.used_s < IDLE_S and now_s - one.begun_s < LIFE_S
        }


def same(one: str, other: str) -> bool:
    """Tell whether two secrets are equal, in a time that does not tell how nearly."""
    return hmac.compare_digest(_hashed(one), _hashed(other))


def _digits(code: str) -> str:
    plain = unicodedata.normalize("NFKC", code)
    return "".join(char for char in plain if not char.isspace() and char != "-")


def _hashed(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
