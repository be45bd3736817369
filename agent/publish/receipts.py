"""What the platform itself says it has stored: rows leave by this, not by the broker's PUBACK.

One receipt names a mark (everything up to it is stored), single ranges, refused rows and numbers
that are wanted again. A receipt is believed only as far as it can be true: never beyond what may
have been sent. Rows the broker took and nobody confirms are sent again. Shape: docs/specs/payload.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

from agent.publish.backlog import ranges_of
from agent.publish.receipt_texts import beyond, foreign, unconfirmed, unreadable
from agent.store.outbox import Rejection
from agent.store.ranges import Ranges

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.publish.receipt import Receipt
    from agent.publish.sender import Sender
    from agent.store.outbox import Range, Row
    from agent.telemetry.status import Message

LOWEST_SEQ: Final = -(2**62)
RESEND_ROWS: Final = 10_000
"""Most rows sent again at a time for want of a confirmation."""
LONGEST_WAIT_S: Final = 3600.0
"""A platform that confirms nothing is reminded more and more rarely, but this often."""


class _Epoch:
    """The numbers of one epoch: where they begin, what may have been sent, what is confirmed."""

    def __init__(self, base: int, *, whole: bool) -> None:
        self.base = base
        self.whole = whole
        """Whether every row of it that waits is known here; else only those sent are spoken of."""
        self.sent = Ranges()
        self.mark = LOWEST_SEQ


class Receipts:
    """The books between the broker's word and the platform's, for one destination."""

    def __init__(
        self, sender: Sender, *, last_seq: int, timeout_s: float, by_mark: bool, now_s: float
    ) -> None:
        """Rows up to `last_seq` may have been sent by a run before; `by_mark`: marks count."""
        self._by_mark = by_mark
        self._epochs = {sender.epoch: _Epoch(sender.base, whole=True)}
        self._present = sender.epoch
        self._epochs[sender.epoch].sent.add(sender.base, max(sender.base, last_seq))
        self._timeout_s = self._wait_s = timeout_s
        self._due_s = now_s + timeout_s
        self._fresh, self._aged = Ranges(), Ranges()
        self.problem: Message | None = None
        """What is wrong with the platform's receipts; None when nothing is."""

    @property
    def unconfirmed(self) -> int:
        """Rows that the broker took and the platform has not confirmed."""
        return sum(last - first + 1 for first, last in chain(self._fresh, self._aged))

    def sent(self, rows: Sequence[Row]) -> None:
        """Note rows that go out: from now on they can be confirmed."""
        self._epoch_of(rows[0]).sent.add(rows[0].seq, rows[0].seq)
        for first, last in ranges_of(rows):
            self._epoch_of(rows[0]).sent.add(first, last)

    def gone(self, ranges: Iterable[Range]) -> None:
        """Note rows that will never be sent: a mark passes over them."""
        for first, last in ranges:
            self._epochs[self._present].sent.add(first, last)
            self._forget(first, last)

    def delivered(self, rows: Sequence[Row]) -> list[Range]:
        """Take rows that the broker took; give those that the platform has confirmed before."""
        epoch = self._epoch_of(rows[0])
        settled = [row for row in rows if row.seq <= epoch.mark]
        for first, last in ranges_of([row for row in rows if row.seq > epoch.mark]):
            self._fresh.add(first, last)
        return ranges_of(settled)

    def read(self, payload: bytes) -> tuple[Receipt | None, _Epoch | None]:
        """Read a receipt; None, and the problem told, for what cannot be believed."""
        from agent.publish.receipt import parsed  # the first of them loads what checks it

        receipt = parsed(payload)
        if isinstance(receipt, str):
            self.problem = unreadable(receipt)
            return None, None
        epoch = self._epochs.get(receipt.ep)
        if epoch is None:
            self.problem = foreign(receipt.ep, self._present)
            return None, None
        return receipt, epoch

    def confirmed(self, payload: bytes) -> tuple[list[Range], list[Rejection], list[Range]]:
        """Take a receipt: give rows confirmed, rows refused, and seqs wanted again."""
        receipt, epoch = self.read(payload)
        if receipt is None or epoch is None:
            return [], [], []
        base = epoch.base
        spans = [(first + base, last + base) for first, last in receipt.ok]
        mark = None if receipt.seq is None or not self._by_mark else receipt.seq + base
        if mark is not None and mark > epoch.mark:
            spans.append((max(epoch.mark, base) + 1, mark))
        refused = [r for r in receipt.rej if r.seq + base in epoch.sent]
        false = self._false(epoch, spans)
        if false is not None or len(refused) < len(receipt.rej):
            number = receipt.rej[-1].seq if false is None else false[0] - base
            self.problem = beyond(number)
            return [], [], []
        if mark is not None:
            epoch.mark = max(epoch.mark, mark)
        settled = [part for span in spans for part in epoch.sent.inside(*span)]
        rejected = [Rejection(r.seq + base, r.reason, r.code) for r in refused]
        progress = [self._forget(*span) for span in (*settled, *((r.seq,) * 2 for r in rejected))]
        if settled or rejected:
            self.problem = None
        if any(progress):
            self._wait_s = self._timeout_s
        return settled, rejected, [(first + base, last + base) for first, last in receipt.want]

    def overdue(self, now_s: float) -> list[Range]:
        """Give rows to be sent again: they were delivered long ago, and nobody confirms them."""
        if now_s < self._due_s:
            return []
        again: list[Range] = []
        room = RESEND_ROWS
        for first, last in list(self._aged):
            if room <= 0:
                break
            again.append((first, min(last, first + room - 1)))
            room -= last - first + 1
        for span in again:
            self._aged.remove(*span)
        for span in self._fresh:
            self._aged.add(*span)
        self._fresh = Ranges()
        if again:
            self.problem = unconfirmed(self._wait_s)
            self._wait_s = min(2 * self._wait_s, max(LONGEST_WAIT_S, self._timeout_s))
        self._due_s = now_s + self._wait_s
        return again

    def _false(self, epoch: _Epoch, spans: Iterable[Range]) -> Range | None:
        """Give a part of what is confirmed that cannot have been sent; None where all can."""
        for span in spans if epoch.whole else ():
            for part in epoch.sent.outside(*span):
                return part
        return None

    def _epoch_of(self, row: Row) -> _Epoch:
        if row.life is None:
            return self._epochs[self._present]
        if row.life.epoch not in self._epochs:
            self._epochs[row.life.epoch] = _Epoch(row.life.base, whole=False)
        return self._epochs[row.life.epoch]

    def _forget(self, first: int, last: int) -> bool:
        """Take rows out of those that wait for confirmation; tell whether there were any."""
        found = bool(self._fresh.inside(first, last) or self._aged.inside(first, last))
        if found:
            self._fresh.remove(first, last)
            self._aged.remove(first, last)
        return found
