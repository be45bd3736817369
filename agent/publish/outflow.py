"""Puts rows from the queue into messages: in whose turn, how large, and not while they are refused.

Live rows come first, the backlog fills its share of the window. What is refused stops only its own
kind of message. A row that no message can hold goes in parts.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from typing import TYPE_CHECKING

from agent.publish.caution import Caution
from agent.publish.pause import Pause, Pauses
from agent.publish.payload import ENVELOPE_BYTES, join_rows
from agent.publish.queue import SendQueue
from agent.publish.receipts import Receipts
from agent.publish.refusal import too_large
from agent.publish.sender import LEVELS
from agent.publish.split import split
from agent.publish.window import Sent, Whole, Window
from agent.store.outbox import Rejection

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.config.destination import Destination
    from agent.publish.mqtt import Connection
    from agent.publish.queue import Stores
    from agent.publish.sender import Sender
    from agent.publish.stamping import Datings
    from agent.store.outbox import Range, Row
    from agent.telemetry.status import Message

_log = logging.getLogger("chulian.publish")


class Outflow:
    """What is to be sent to one destination, and what is in flight to it."""

    def __init__(
        self,
        settings: Destination,
        sender: Sender,
        *,
        store: Stores,
        waiting: Range | None,
        last_seq: int,
        clock: Callable[[], str],
        dates: Datings | None,
        notice: Callable[[str], bytes],
        tell: Callable[..., None],
    ) -> None:
        self._settings = settings
        self._sender = sender
        self._store = store
        self._clock = clock
        self._notice = notice
        self._tell = tell
        self.topics = {level: sender.topic(settings.topic_root, level) for level in LEVELS}
        self.queue = SendQueue(
            store, waiting=waiting, on_ready=self.pump, dates=dates, on_replayed=self._replayed
        )
        self.window = Window(settings)
        self._caution = Caution()
        self._receipts: Receipts | None = None
        if settings.ack != "puback":
            self._receipts = Receipts(
                sender,
                last_seq=last_seq,
                timeout_s=settings.ack_timeout_s,
                by_mark=settings.ack == "watermark",
                now_s=time.monotonic(),
            )
        self._connection: Connection | None = None
        self._row_bytes = 0
        self._notices: list[str] = []
        self._parts: deque[tuple[Row, Whole]] = deque()
        self._company = Pause(self.pump)
        self._pauses = Pauses(self._over)
        self._quiet = asyncio.Event()
        self._problem: Message | None = None
        self.sent_messages = 0

    def announce(self, level: str = "status") -> None:
        """Have a notice sent, before anything else; nothing where nobody is connected."""
        if level not in self._notices and self._connection is not None:
            self._notices.append(level)
        self.pump()

    @property
    def _busy(self) -> bool:
        return bool(self.window) or self.queue.has_live or bool(self._parts)

    def pump(self) -> None:
        """Fill the window: live rows first, the backlog up to its share."""
        connection, window = self._connection, self.window
        if connection is None:
            return
        while self._notices and window.has_room:
            self._notify(connection, self._notices.pop(0))
        while window.has_room:
            if self._parts:
                sent = self._send_part(connection, *self._parts.popleft())
            else:
                live = self._next()
                if live is None:
                    break
                sent = self._send(connection, live=live)
            if not sent:
                return
        if not self._pauses.holds("hist"):
            self.queue.read_ahead()

    def _next(self) -> bool | None:
        """Tell whether live rows come next, or the backlog; None when nothing may be sent now."""
        queue = self.queue
        alone = queue.has_live and not queue.has_ready and queue.live_bytes < self._row_bytes
        if alone and self._company.lasts(queue.live_since_s + self._settings.max_delay_s):
            return None
        if self._open_level(live=True):
            return True
        return False if self.window.backlog_has_room and self._open_level(live=False) else None

    def _open_level(self, *, live: bool) -> bool:
        """Tell whether there are rows that may be sent; set aside those that may not."""
        while (level := self.queue.level(live=live)) is not None:
            if not self._pauses.holds(level):
                return True
            if level == "hist":
                return False  # the backlog waits where it is
            self.queue.park(live=live)
        return False

    def _notify(self, connection: Connection, level: str) -> None:
        """Send what is retained; meta comes before the first row that needs it."""
        payload, topic = self._notice(level), self.topics[level]
        if len(payload) > connection.payload_limit(topic):
            self._problem = too_large(level, len(payload), connection.payload_limit(topic))
            _log.error("not sent: %s", self._problem.en)
            return
        mid = connection.publish(topic, payload, retain=True)
        if mid is not None:
            self.window.add(mid, Sent([], live=True, level=level))

    def _send(self, connection: Connection, *, live: bool) -> bool:
        """Send one message; False when the connection is gone."""
        limit = self._row_bytes
        level = self.queue.level(live=live) or ""
        rows = self.queue.take(live=live, max_bytes=limit)
        clock = self.queue.trust(self._clock())
        if len(rows) == 1 and len(rows[0].body) > limit:
            self._cut(rows[0], limit, live=live, clock=clock)
            return True
        return self._post(connection, rows, Sent(rows, live, level), clock)

    def _cut(self, row: Row, limit: int, *, live: bool, clock: str) -> None:
        """Have a row that no message can hold sent in parts, or set it aside."""
        parts = split(row, limit)
        if not parts:
            self._problem = too_large(f"row {row.n}", len(row.body), limit)
            self._reject(row, "PacketTooLarge", 0x95)
            return
        whole = Whole(row, len(parts), live=live, clock=clock)
        self._parts.extend((part, whole) for part in parts)

    def _send_part(self, connection: Connection, part: Row, whole: Whole) -> bool:
        sent = Sent([whole.row], whole.live, "data" if whole.live else "hist", whole=whole)
        return self._post(connection, [part], sent, whole.clock)

    def _post(self, connection: Connection, rows: list[Row], sent: Sent, clock: str) -> bool:
        gateway, epoch = self._sender.gateway, self._sender.epoch
        payload = join_rows(rows, gateway=gateway, epoch=epoch, clock=clock)
        mid = connection.publish(self.topics[sent.level], payload)
        if mid is None:
            self.queue.give_back(sent.rows)
            return False
        sent.size = len(payload)
        self.window.add(mid, sent)
        if self._receipts is not None:
            self._receipts.sent(sent.rows)
        self.sent_messages += 1
        return True

    def _size_up(self, connection: Connection) -> None:
        """Settle how many bytes of rows a message may hold."""
        limit = connection.payload_limit(self.topics["event"])
        most = min(int(self._settings.max_message_kb * 1000), limit, self._caution.most_bytes)
        self._row_bytes = most - ENVELOPE_BYTES

    def _reject(self, row: Row, reason: str, code: int) -> None:
        if self._receipts is not None:
            self._receipts.gone([(row.seq, row.seq)])
        self._settled([row])
        _log.error("row set aside: seq %d: %s", row.seq, reason)
        self._store.put_rejected([Rejection(row.seq, reason[:64], code)])

    def _settled(self, rows: list[Row]) -> None:
        self.queue.settled(rows)
        if self._caution:
            self._caution.settled(rows)
            self.window.narrow(to_one=bool(self._caution))

    def _over(self, level: str) -> None:
        self.queue.unpark(level)
        self.pump()

    def _replayed(self, asked: Range, found: int) -> None:
        """Tell the platform what has become of its request."""
        base = self._sender.base
        wanted = asked[1] - asked[0] + 1
        numbers = {"from": max(0, asked[0] - base), "to": max(0, asked[1] - base)}
        self._tell("replay", **numbers, rows=found, gone=wanted - found)
