"""By how much messages were held up on their way, told from the server's own times of sending.

The clocks differ by an amount nobody knows; the quickest message of late tells it well enough.
What was held up proves nothing of the time it spent on its way: a link that froze, a program that
had no turn. Never trusts a time that stands still or goes back; pure.
"""

from __future__ import annotations

from typing import Final

WINDOW_NS: Final = 60_000_000_000
"""A message is compared with the quickest of one to two such spans: clocks drift and are set."""
STANDS_NS: Final = 1_000_000_000
"""Messages come so far apart do not bear one time, where the server tells it at all."""


class Transit:
    """The messages of one session, in the order in which they came."""

    def __init__(self) -> None:
        self._sent_ns = self._came_ns = self._begun_ns = 0
        self._then_ns = 0
        self._least_ns: int | None = None
        self._least_before_ns: int | None = None

    def held_up_ns(self, sent_ns: int, now_ns: int) -> int:
        """Give by how much more than usual a message was on its way, in nanoseconds.

        `sent_ns`: by the server's clock, from any date on, 0 where it does not say; `now_ns`: by a
        monotonic clock. No message was due before the one that came before it.
        """
        if not sent_ns:
            return 0
        stands = sent_ns == self._sent_ns and now_ns - self._came_ns > STANDS_NS
        if stands or sent_ns < self._sent_ns:
            self._least_ns = self._least_before_ns = None
        self._sent_ns, self._came_ns = sent_ns, now_ns
        late_ns = min(self._late_ns(now_ns - sent_ns, now_ns), max(0, now_ns - self._then_ns))
        self._then_ns = now_ns - late_ns
        return late_ns

    def _late_ns(self, delay_ns: int, now_ns: int) -> int:
        if self._least_ns is None or now_ns - self._begun_ns > WINDOW_NS:
            self._least_before_ns, self._least_ns = self._least_ns, delay_ns
            self._begun_ns = now_ns
        self._least_ns = min(self._least_ns, delay_ns)
        before_ns = self._least_before_ns
        return delay_ns - (self._least_ns if before_ns is None else min(before_ns, self._least_ns))
