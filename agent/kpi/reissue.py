"""Which shifts' figures are to be published again, since late data changed them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import date

    from agent.kpi.segments import Bucket

SETTLED_MS: Final = 60_000
"""Late data have come to an end when none came for so long."""
_NS_PER_MS = 1_000_000


class Reissue:
    """Shifts that changed after they ended, until nothing more changes them."""

    def __init__(self) -> None:
        self._changed: dict[tuple[str, date], set[str]] = {}
        self._last_ms = 0

    def note(self, device: str, bucket: Bucket, now_ns: int) -> None:
        """Note that a shift of a device counts otherwise now; time outside of shifts is none."""
        if bucket.shift:
            self._changed.setdefault((device, bucket.day), set()).add(bucket.shift)
            self._last_ms = now_ns // _NS_PER_MS

    def due(self, now_ms: int) -> dict[tuple[str, date], set[str]]:
        """Give the shifts by device and day once late data have ended; each once.

        A clock that was set back is no reason to wait.
        """
        if not self._changed or 0 <= now_ms - self._last_ms < SETTLED_MS:
            return {}
        found, self._changed = self._changed, {}
        return found
