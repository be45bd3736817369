"""A flood of alarms made bearable: repeats collapse, a bucket limits the rate, the last word stays.

Of reports of one alarm that wait, the newest is kept: what is told last of an alarm is always what
the device said last of it. Pure: the caller brings the clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from drivers.api import Alert

REST_S = 1.0
"""One alarm is told no more often than this."""
MOST_WAITING = 256
"""Alarms that wait to be told; beyond it the oldest is dropped and counted."""
MOST_REMEMBERED = 1024
"""Alarms whose last telling is remembered; beyond it those that rested long enough go."""

Name: TypeAlias = tuple[str, str, str]
"""Source, kind and key of an alarm; the message stands in for a missing key."""


@dataclass(slots=True)
class _Waiting:
    alert: Alert
    repeats: int


class Chatter:
    """Takes what a device reports, gives what is to be told."""

    def __init__(self, *, per_minute: int) -> None:
        self._per_s = per_minute / 60
        self._most_tokens = self._tokens = float(per_minute)
        self._filled_s = -inf
        self._waiting: dict[Name, _Waiting] = {}
        self._told_s: dict[Name, float] = {}
        self._dropped = 0

    def offer(self, alert: Alert) -> None:
        """Take a report; it replaces one of the same alarm that waits."""
        name = _name(alert)
        waiting = self._waiting.get(name)
        if waiting is not None:
            waiting.alert, waiting.repeats = alert, waiting.repeats + 1
            return
        self._waiting[name] = _Waiting(alert, 0)
        if len(self._waiting) > MOST_WAITING:
            gone = self._waiting.pop(next(iter(self._waiting)))
            self._dropped += 1 + gone.repeats

    def due(self, now_s: float) -> list[tuple[Alert, int]]:
        """Give what may be told now, oldest first, each with how many reports it replaced."""
        self._fill(now_s)
        found: list[tuple[Alert, int]] = []
        for name in [name for name in self._waiting if self._rested_s(name) <= now_s]:
            if self._tokens < 1:
                break
            self._tokens -= 1
            self._told_s[name] = now_s
            waiting = self._waiting.pop(name)
            found.append((waiting.alert, waiting.repeats))
        self._forget(now_s)
        return found

    def next_s(self, now_s: float) -> float:
        """Give when `due` will have something; infinity where nothing waits."""
        if not self._waiting:
            return inf
        token_s = now_s if self._tokens >= 1 else now_s + (1 - self._tokens) / self._per_s
        return max(token_s, min(self._rested_s(name) for name in self._waiting))

    def rest(self) -> list[tuple[Alert, int]]:
        """Give everything that waits, at the end."""
        found = [(each.alert, each.repeats) for each in self._waiting.values()]
        self._waiting.clear()
        return found

    def take_dropped(self) -> int:
        """Give how many reports were dropped since this was last asked."""
        dropped, self._dropped = self._dropped, 0
        return dropped

    def _rested_s(self, name: Name) -> float:
        return self._told_s.get(name, -inf) + REST_S

    def _fill(self, now_s: float) -> None:
        if self._filled_s > -inf:
            fresh = max(0.0, now_s - self._filled_s) * self._per_s
            self._tokens = min(self._most_tokens, self._tokens + fresh)
        self._filled_s = now_s

    def _forget(self, now_s: float) -> None:
        if len(self._told_s) > MOST_REMEMBERED:
            self._told_s = {n: s for n, s in self._told_s.items() if s + REST_S > now_s}


def _name(alert: Alert) -> Name:
    return alert.source, alert.kind, alert.key or alert.message
