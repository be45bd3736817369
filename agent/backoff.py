"""Pauses between attempts: doubling, jittered, forgotten after a good while."""

from __future__ import annotations

import random


class Backoff:
    """Gives the next pause; a success that lasted starts over."""

    def __init__(self, *, first_s: float = 1.0, longest_s: float = 60.0) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._failures = 0

    @property
    def failures(self) -> int:
        """Attempts that failed in a row."""
        return self._failures

    def reset(self) -> None:
        """Start over: the last attempt was good."""
        self._failures = 0

    def next_s(self) -> float:
        """Count a failure and give the pause after it, between half and the whole of its bound."""
        bound = min(self._longest_s, self._first_s * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return bound * random.uniform(0.5, 1.0)  # noqa: S311 - spreads gateways, guards nothing
