"""From an event as a server sent it to an alert: its type by name, its condition by a lasting name.

Security audits and changes of the address space are no alarms of a machine and give none.
"""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Final

from drivers.api import Alert, DriverError, SessionLost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.opcua.alerts.reports import NodeKey, Report
    from drivers.opcua.services import Services

MOST_KINDS: Final = 256
"""Names of event types that are remembered."""

KEY_CHARS: Final = 200
"""A longer name of a condition is told by its digest."""

_NO_ALARMS: Final = frozenset(
    {"BaseModelChangeEventType", "GeneralModelChangeEventType", "SemanticChangeEventType"}
)


class Teller:
    """Tells the events of one session."""

    def __init__(self, services: Services, namespaces: Sequence[str]) -> None:
        self._services = services
        self._namespaces = namespaces
        self._kinds: dict[NodeKey, str] = {}

    async def alert(self, report: Report) -> Alert | None:
        """Give an event as the host takes it; None for what is no alarm.

        Raises:
            NoReply, SessionLost: the session is over.
        """
        kind = await self._kind(report.kind)
        standard = report.kind is not None and report.kind.namespace == 0
        if standard and (kind.startswith("Audit") or kind in _NO_ALARMS):
            return None
        return Alert(
            time_ns=report.time_ns if report.time_ns is not None else time.time_ns(),
            severity=report.severity,
            source=report.source,
            kind=kind,
            message=report.message,
            active=report.active,
            acked=report.acked,
            key=self.key(report),
        )

    async def _kind(self, node: NodeKey | None) -> str:
        """Give the name of an event type, asked for once."""
        from drivers.opcua.alerts.requests import browse_name

        if node is None:
            return ""
        if node not in self._kinds:
            try:
                name = await browse_name(self._services, node)
            except SessionLost:
                raise
            except DriverError:
                name = ""
            if len(self._kinds) >= MOST_KINDS:
                self._kinds.clear()
            self._kinds[node] = name or self._address(node)
        return self._kinds[node]

    def key(self, report: Report) -> str:
        """Name the condition so that the name is the same in every session."""
        if report.condition is None or not report.condition.identifier:
            return report.condition_name[:KEY_CHARS]
        key = self._address(report.condition)
        if len(key) <= KEY_CHARS:
            return key
        return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()

    def _address(self, node: NodeKey) -> str:
        """Write a node with its namespace by URI: the index may be another after a restart."""
        letter = {int: "i", str: "s", bytes: "b"}.get(type(node.identifier), "g")
        shown = node.identifier
        text = shown.hex() if isinstance(shown, bytes) else str(shown)
        if not node.namespace:
            return f"{letter}={text}"
        known = node.namespace < len(self._namespaces)
        space = f"nsu={self._namespaces[node.namespace]}" if known else f"ns={node.namespace}"
        return f"{space};{letter}={text}"


def mark(lost: int) -> Alert:
    """Give an alert that only tells that events are seen from here on, and what was lost."""
    return Alert(time_ns=time.time_ns(), severity=0, source="", kind="", message="", lost=lost)
