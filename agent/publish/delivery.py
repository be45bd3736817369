"""Has rows leave the store by a word that accepts them, and takes back what nobody accepted.

That is the broker's PUBACK or, where the destination is set so, the platform's own receipt. When
the connection ends, whatever was in flight becomes backlog again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from typing import TYPE_CHECKING

from agent.publish.backlog import ranges_of
from agent.publish.outflow import Outflow
from agent.publish.refusal import (
    MAX_TRIES,
    PAUSE_S,
    PAUSES_S,
    QUOTA_EXCEEDED,
    Verdict,
    judge,
    refused_publish,
)
from agent.publish.sender import ROW_LEVELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.publish.mqtt import Connection
    from agent.publish.window import Sent
    from agent.store.outbox import Committed
    from agent.telemetry.status import Message

REQUEST_PAUSE_S = 5.0
"""A platform's requests for old rows are taken this often at most."""
LOOKS_PER_WAIT = 4
"""How often, within the time to confirm, it is looked whether rows are overdue."""

_log = logging.getLogger("chulian.publish")


class Delivery(Outflow):
    """The rows of one destination, from the queue to their acceptance."""

    acked_messages = 0
    _asked_s = -REQUEST_PAUSE_S
    _look: asyncio.TimerHandle | None = None

    @property
    def problem(self) -> Message | None:
        """What is wrong with what was sent; None when all is well."""
        return self._problem or (self._receipts.problem if self._receipts else None)

    @property
    def unconfirmed(self) -> int:
        """Rows that the broker took and the platform has not confirmed; 0 where it need not."""
        return self._receipts.unconfirmed if self._receipts else 0

    def committed(self, done: Committed) -> None:
        """Take note of a commit: new rows to send, rows that will never be."""
        if self._receipts is not None:
            self._receipts.gone(done.gone)
        self.queue.committed(done)
        self.pump()

    async def finish(self, grace_s: float) -> None:
        """Wait, at most so long, until everything in memory has been acknowledged."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                while self._connection is not None and self._busy:
                    self._quiet.clear()
                    await self._quiet.wait()

    # -- a connection's life ---------------------------------------------------------------------

    def open(self, connection: Connection) -> None:
        """Begin to send over a connection."""
        self._connection = connection
        self._problem = None
        self._size_up(connection)
        self.window.open(connection.receive_maximum)
        self.window.narrow(to_one=bool(self._caution))
        self._notices = ["meta"]
        self.queue.online()
        self._store.hasten()
        self._look_after_receipts()

    def close(self) -> None:
        """Take back what the connection, which has ended, has not accepted."""
        connection, self._connection = self._connection, None
        self._company.clear()  # pauses go on: some brokers hang up on what they refuse
        if self._look is not None:
            self._look.cancel()
        self.queue.offline()
        lost = self.window.abandon()
        for sent in lost:
            self.queue.give_back(sent.rows)
        self.queue.give_back([whole.row for _, whole in self._parts])
        self._parts.clear()
        if connection is not None:
            self._suspect([sent for sent in lost if sent.rows], connection.ended_with)
        self._quiet.set()

    def _suspect(self, lost: Sequence[Sent], code: int | None) -> None:
        """Judge what was in flight when the broker hung up: something in it may be the cause."""
        for row in self._caution.broken_off(lost, code, self.queue.refused):
            self._reject(row, "BreaksConnection", code or 0)

    # -- the broker's word -----------------------------------------------------------------------

    def acknowledged(self, mid: int, code: int, name: str) -> None:
        """Take a PUBACK."""
        sent = self.window.take(mid)
        if sent is None:
            return  # a second acknowledgement, or one of a connection that is gone
        verdict = judge(code, accept_no_subscriber=self._settings.no_subscriber == "accept")
        if not sent.rows:
            pass  # meta or status: nobody waits for it here, whatever the answer
        elif verdict is Verdict.ACCEPTED:
            self._accepted(sent)
        else:
            self._refused(sent, code, name, verdict)
        self.pump()
        if not self.window:
            self._quiet.set()

    def _accepted(self, sent: Sent) -> None:
        self.acked_messages += 1
        self._problem = None
        if sent.whole is not None and not sent.whole.accepted():
            return
        settled = ranges_of(sent.rows)
        if self._receipts is not None:
            settled = self._receipts.delivered(sent.rows)
        if settled:
            self._store.put_acked(settled)
        self._settled(sent.rows)

    def _refused(self, sent: Sent, code: int, name: str, verdict: Verdict) -> None:
        if self._problem is None:
            _log.warning("message refused: %s (0x%02x)", name, code)
        self._problem = refused_publish(code, name)
        for level in ROW_LEVELS if code == QUOTA_EXCEEDED else (sent.level,):
            self._pauses.extend(level, PAUSES_S.get(code, PAUSE_S))
        if sent.whole is not None:
            if sent.whole.broken:
                return  # it begins anew already
            sent.whole.broken = True
            self._parts = deque(item for item in self._parts if item[1] is not sent.whole)
        connection = self._connection
        if self._caution.refused_for_size(sent, code) and connection is not None:
            self._size_up(connection)
            self.queue.give_back(sent.rows)
        elif verdict is Verdict.ALONE and self.queue.refused(sent.rows) >= MAX_TRIES:
            self._reject(sent.rows[0], name, code)
        else:
            self.queue.give_back(sent.rows)

    # -- the platform's word ---------------------------------------------------------------------

    def received(self, payload: bytes) -> None:
        """Take a receipt of the platform."""
        if self._receipts is None:
            return
        confirmed, rejected, wanted = self._receipts.confirmed(payload)
        if confirmed:
            self._store.put_acked(confirmed)
        if rejected:
            self._store.put_rejected(rejected)
        now_s = time.monotonic()
        if wanted and now_s - self._asked_s >= REQUEST_PAUSE_S and self.queue.ask(wanted):
            self._asked_s = now_s
        self.pump()

    def _look_after_receipts(self) -> None:
        """Send again what nobody has confirmed for long, and look again later."""
        if self._receipts is None:
            return
        self.queue.again(self._receipts.overdue(time.monotonic()))
        self.pump()
        pause_s = self._settings.ack_timeout_s / LOOKS_PER_WAIT
        self._look = asyncio.get_running_loop().call_later(pause_s, self._look_after_receipts)
