"""What a store knows of itself: its epoch, the meta version of its rows, how it was left."""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


EPOCH = "[0-9A-HJKMNP-TV-Z]{10}(?:[0-9A-HJKMNP-TV-Z]{6})?"
"""Pattern of an epoch; the first program made them of the time alone."""


def new_epoch(now_ms: int) -> str:
    """Make the name of a new life: 10 characters of Crockford base 32 of the time, 6 of chance.

    A box that starts in 1970 each time would else give one name to two lives.
    """
    chance = secrets.randbits(30)
    return _base32(now_ms, 10) + _base32(chance, 6)


def _base32(number: int, characters: int) -> str:
    return "".join(_ALPHABET[number >> 5 * at & 31] for at in reversed(range(characters)))


class Identity:
    """Small facts in a table of their own; each write is a transaction of its own."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self.epoch = self._get("epoch")
        """Names this store for ever; seqs are unique within it."""
        if not self.epoch:
            self.epoch = new_epoch(time.time_ns() // 1_000_000)
            self._set("epoch", self.epoch)
        self.opened_clean = self._get("clean") != "0"
        """Whether the last run ended in order; True for a new store."""
        self._set("clean", "0")
        self.base = int(self._get("base") or 0)
        """Where the numbers of the epoch begin among the seqs."""
        self.unsealed_to = int(self._get("unsealed_to") or 0)
        """Last seq of the rows that an older version wrote, without a checksum."""

    @property
    def salvage(self) -> str:
        """How far the salvage of a file set aside is; empty when there is none."""
        return self._get("salvage")

    @salvage.setter
    def salvage(self, state: str) -> None:
        self._set("salvage", state)

    def begin_life(self, *, base: int) -> None:
        """Take a new epoch, whose numbers begin after `base`."""
        self.epoch, self.base = new_epoch(time.time_ns() // 1_000_000), base
        self._set("epoch", self.epoch)
        self._set("base", str(base))

    def close_clean(self) -> None:
        """Note that this run ends in order; a disk that refuses makes it look unclean."""
        with contextlib.suppress(sqlite3.Error):
            self._set("clean", "1")

    def meta_version(self, digest: str) -> int:
        """Give the version of a meta message: one more than before when its digest is new."""
        known, version = self._get("meta_digest"), int(self._get("meta_version") or 0)
        if known != digest:
            version += 1
            self._set("meta_version", str(version))
            self._set("meta_digest", digest)
        return version

    def _get(self, key: str) -> str:
        found = self._db.execute("SELECT value FROM identity WHERE key = ?", (key,)).fetchone()
        return "" if found is None else str(found[0])

    def _set(self, key: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO identity VALUES (?, ?)", (key, value))
