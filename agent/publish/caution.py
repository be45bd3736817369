"""What is done when a broker hangs up on a message, or finds it too large without having said so.

Every row that was in flight is under suspicion; they go one message at a time, then one by one,
until the one that breaks the connection stands alone. Limits that a broker does not announce are
learned from its refusals.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from agent.publish.refusal import MAX_TRIES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.publish.window import Sent
    from agent.store.outbox import Row

TOO_LARGE: Final = 0x95
FATAL: Final = frozenset({0x81, 0x82, 0x83, 0x90, TOO_LARGE, 0x99})
"""Reasons for hanging up that a message of ours may have given. Source: MQTT 5.0, 3.14.2.1."""
SMALLEST_BYTES: Final = 1000
"""Messages are not made smaller than this for a broker that calls them too large."""


class Caution:
    """True while some rows are under suspicion."""

    def __init__(self) -> None:
        self._suspects: set[int] = set()
        self.most_bytes = sys.maxsize
        """Largest message that the broker has not called too large, as far as is known."""

    def __bool__(self) -> bool:
        """Whether rows are under suspicion: one message at a time."""
        return bool(self._suspects)

    def broken_off(
        self,
        lost: Sequence[Sent],
        code: int | None,
        refused: Callable[[Sequence[Row]], int],
    ) -> list[Row]:
        """Judge the messages in flight when the broker hung up; give rows to set aside.

        `refused(rows)` has rows sent one by one and tells how often a single one was refused.
        """
        if code not in FATAL or not lost:
            return []
        self._suspects.update(row.seq for sent in lost for row in sent.rows)
        if len(lost) > 1 or self.refused_for_size(lost[0], code):
            return []
        row = lost[0].rows[0]
        if refused(lost[0].rows) < MAX_TRIES:
            return []
        self._suspects.discard(row.seq)
        return [row]

    def refused_for_size(self, sent: Sent, code: int | None) -> bool:
        """Learn from a message that was too large; False where smaller ones are not to be had."""
        if code != TOO_LARGE or sent.size <= SMALLEST_BYTES:
            return False
        self.most_bytes = min(self.most_bytes, max(SMALLEST_BYTES, sent.size // 2))
        return True

    def settled(self, rows: Sequence[Row]) -> None:
        """Take rows that left out of suspicion."""
        self._suspects.difference_update(row.seq for row in rows)
