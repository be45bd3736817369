"""Which conditions of a device hold, over its sessions: what ended unseen is told all the same.

A server that is asked what holds (ConditionRefresh) sends every condition it retains between two
marks. One that was told as active before and does not come between them has ended, and nobody saw
when. That is concluded from a whole look only: both marks of every notifier, and nothing lost in
between. Pure; knows nothing of the wire.

Source: OPC 10000-9, 5.5.7 (ConditionRefresh), 5.11.2 and 5.11.3 (RefreshStart, RefreshEnd).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from drivers.api import Alert

MOST_STANDING: Final = 1_000
"""Conditions that are remembered; the oldest is forgotten where there is no room."""

MOST_SEEN: Final = 10_000
"""A look that brings more conditions than this is not concluded from."""

Name: TypeAlias = tuple[str, str]
"""Source and key of a condition; the same in every session."""

Seen: TypeAlias = frozenset[Name]
"""What one whole look showed."""


class Standing:
    """The conditions of one device that were told as active and not as ended."""

    def __init__(self) -> None:
        self._alerts: dict[Name, Alert] = {}

    def note(self, alert: Alert) -> None:
        """Take what was told of a condition; events without a state or a name are none."""
        if not alert.key or alert.active is None:
            return
        name = (alert.source, alert.key)
        self._alerts.pop(name, None)
        if alert.active:
            self._alerts[name] = alert
            if len(self._alerts) > MOST_STANDING:
                del self._alerts[next(iter(self._alerts))]

    def ended(self, seen: Seen, *, now_ns: int) -> list[Alert]:
        """Give the end of each condition that a whole look did not show; `note` forgets it."""
        return [
            replace(alert, active=False, acked=None, time_ns=now_ns, unseen=True, lost=0)
            for name, alert in self._alerts.items()
            if name not in seen
        ]


class Look:
    """One look at what holds, from the first mark of its start to the last of its end."""

    def __init__(self) -> None:
        self._expected: frozenset[int] = frozenset()
        self._begun: set[int] = set()
        self._done: set[int] = set()
        self._seen: set[Name] = set()
        self._torn = False

    def expect(self, notifiers: frozenset[int]) -> None:
        """Take which notifiers must end a look, by client handle; without any none is whole."""
        self._expected = notifiers

    def begin(self, notifier: int) -> None:
        """Take the mark of a start; the first one begins a new look."""
        if not self._begun or notifier in self._begun:
            self._forget()
            self._torn = False
        self._begun.add(notifier)

    def see(self, name: Name) -> None:
        """Take a condition that came; without a look under way that says nothing."""
        if self._begun and not self._torn:
            self._seen.add(name)
            self._torn = len(self._seen) > MOST_SEEN

    def tear(self) -> None:
        """Note that something was lost: this look shows not all that holds."""
        self._torn = True

    def end(self, notifier: int) -> Seen | None:
        """Take the mark of an end; give what was seen where the look is whole, else None."""
        if notifier not in self._begun:
            return None
        self._done.add(notifier)
        if not self._expected or not self._expected <= self._done:
            return None
        seen = None if self._torn else frozenset(self._seen)
        self._forget()
        return seen

    def _forget(self) -> None:
        self._begun, self._done, self._seen = set(), set(), set()
