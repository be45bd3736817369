"""What a store knows of itself: its epoch, the meta version of its rows, how it was left."""

from __future__ import annotations

import contextlib
import sqlite3
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_epoch(now_ms: int) -> str:
    """Make the id of a new store: 10 characters of Crockford base 32, sortable by time."""
    return "".join(_ALPHABET[now_ms >> shift & 31] for shift in range(45, -1, -5))


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
