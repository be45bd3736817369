"""Sends stored rows to one destination: live ones first, the backlog beside them.

A row leaves the store only when an acknowledgement accepts it. When the connection ends, whatever
was in flight becomes backlog again; rows may then share messages with others than before.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Protocol

from agent.backoff import Backoff
from agent.publish.backlog import ranges_of
from agent.publish.mqtt import Connection, Will
from agent.publish.payload import ENVELOPE_BYTES, join_rows
from agent.publish.queue import Reads, SendQueue
from agent.publish.refusal import (
    MAX_TRIES,
    PAUSE_S,
    PAUSES_S,
    ConnectionRefused,
    Verdict,
    judge,
    refused_publish,
    too_large,
)
from agent.publish.sender import LEVELS
from agent.publish.window import Window
from agent.store.outbox import Kind, Rejection
from agent.telemetry.status import DestinationStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.config.model import Destination
    from agent.publish.sender import Sender
    from agent.store.outbox import Committed, Range, Row
    from agent.telemetry.status import Message

HEARTBEAT_S = 60.0
"""How often the status is repeated: some platforms keep no retained messages."""
STEADY_S = 60.0
"""A connection that lasted this long makes the next pause short again."""

_log = logging.getLogger("chulian.publish")


class Stores(Reads, Protocol):
    """What the publisher needs of the store; `agent.store.writer.Writer` is one."""

    def put_acked(self, ranges: Sequence[Range]) -> None:
        """Report rows accepted by the destination."""

    def put_rejected(self, rejections: Sequence[Rejection]) -> None:
        """Report rows refused for good."""


class Publisher:
    """One destination's sender; `run` is its life, `committed` feeds it."""

    def __init__(
        self,
        settings: Destination,
        sender: Sender,
        *,
        store: Stores,
        waiting: Range | None,
        password: str | None,
        clock: Callable[[], str],
        meta: Callable[[], bytes],
        status: Callable[[str], bytes],
    ) -> None:
        self._settings = settings
        self._sender = sender
        self._topics = {level: sender.topic(settings.topic_root, level) for level in LEVELS}
        self._row_bytes = 0  # most of rows in one message of this connection
        self._store = store
        self._password = password
        self._clock = clock
        self._meta = meta
        self._status = status
        self._connection: Connection | None = None
        self._queue = SendQueue(store, waiting=waiting, on_ready=self._pump)
        self._window = Window(settings)
        self._notices: list[str] = []
        self._quiet = asyncio.Event()
        self._resume_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._problem: Message | None = None
        self._since_ms = _now_ms()
        self._connects = 0
        self._sent_messages = 0
        self._acked_messages = 0

    def committed(self, done: Committed) -> None:
        """Take note of a commit: new rows to send, rows that will never be."""
        self._queue.committed(done)
        self._pump()

    def status(self) -> DestinationStatus:
        """Give a snapshot."""
        return DestinationStatus(
            self._settings.name,
            self._settings.url,
            self._settings.protocol,
            self._connection is not None,
            self._since_ms,
            self._connects,
            len(self._window),
            self._sent_messages,
            self._acked_messages,
            self._problem,
        )

    async def run(self) -> None:
        """Keep a connection, for ever: the only place that reconnects."""
        backoff = Backoff(longest_s=self._settings.reconnect_max_s)
        while True:
            try:
                connection = await self._connect()
            except ConnectionRefused as refused:
                if self._problem is None or not backoff.failures:
                    _log.warning("destination away: %s", refused)
                self._problem = refused.problem
                await asyncio.sleep(backoff.next_s())
                continue
            started_s = time.monotonic()
            try:
                await self._attend(connection)
            finally:
                self._disconnected()
                await connection.close()
            if time.monotonic() - started_s >= STEADY_S:
                backoff.reset()
            await asyncio.sleep(backoff.next_s())

    async def finish(self, grace_s: float) -> None:
        """Wait, at most so long, until everything in memory has been acknowledged."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                while self._connection is not None and (self._window or self._queue.has_live):
                    self._quiet.clear()
                    await self._quiet.wait()

    # -- a connection's life ---------------------------------------------------------------------

    async def _connect(self) -> Connection:
        will = Will(self._topics["status"], self._status("offline"))
        return await Connection.open(
            self._settings,
            client_id=self._settings.client_id or self._sender.gateway,
            password=self._password,
            will=will,
            on_ack=self._acknowledged,
        )

    async def _attend(self, connection: Connection) -> None:
        self._connection = connection
        self._connects += 1
        self._since_ms = _now_ms()
        self._problem = None
        self._resume_s = 0.0
        limit_bytes = connection.payload_limit(self._topics["event"])
        most_bytes = min(int(self._settings.max_message_kb * 1000), limit_bytes)
        self._row_bytes = most_bytes - ENVELOPE_BYTES
        self._queue.online()
        self._window.open(connection.receive_maximum)
        _log.info("destination connected: %s", self._settings.url)
        self._notices = ["meta"]
        try:
            while not connection.closed.done():
                if "status" not in self._notices:
                    self._notices.append("status")
                self._pump()
                await asyncio.wait([connection.closed], timeout=HEARTBEAT_S)
        except asyncio.CancelledError:
            connection.publish(self._topics["status"], self._status("offline"), retain=True)
            raise
        _log.warning("destination lost: %s: %s", self._settings.url, connection.closed.result())

    def _disconnected(self) -> None:
        self._connection = None
        self._since_ms = _now_ms()
        if self._timer is not None:
            self._timer.cancel()
        self._queue.offline()
        for sent in self._window.abandon():
            self._queue.give_back(sent.rows)
        self._quiet.set()

    # -- sending ---------------------------------------------------------------------------------

    def _pump(self) -> None:
        """Fill the window: live rows first, the backlog up to its share."""
        connection = self._connection
        if connection is None:
            return
        while self._notices and self._window.has_room:
            self._notify(connection, self._notices.pop(0))
        if (self._queue.has_live or self._queue.has_ready) and self._wait_left():
            return
        while self._window.has_room:
            live = self._queue.has_live
            if not live and not (self._queue.has_ready and self._window.backlog_has_room):
                break
            if not self._send(connection, live=live):
                return
        self._queue.read_ahead()

    def _notify(self, connection: Connection, level: str) -> None:
        """Send what is retained; meta comes before the first row that needs it."""
        payload = self._meta() if level == "meta" else self._status("online")
        topic = self._topics[level]
        if len(payload) > connection.payload_limit(topic):
            self._problem = too_large(level, len(payload), connection.payload_limit(topic))
            _log.error("not sent: %s", self._problem.en)
            return
        mid = connection.publish(topic, payload, retain=True)
        if mid is not None:
            self._window.add(mid, [], live=True)

    def _wait_left(self) -> bool:
        """Tell whether nothing may be sent yet, and make sure that it will be."""
        now_s = time.monotonic()
        until_s, queue = self._resume_s, self._queue
        if queue.has_live and not queue.has_ready and queue.live_bytes < self._row_bytes:
            until_s = max(until_s, queue.live_since_s + self._settings.max_delay_s)
        if until_s <= now_s:
            return False
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(until_s - now_s, self._pump)
        return True

    def _send(self, connection: Connection, *, live: bool) -> bool:
        """Send one message; False when the connection is gone."""
        limit = self._row_bytes
        rows = self._queue.take(live=live, max_bytes=limit)
        if len(rows) == 1 and len(rows[0].body) > limit:
            self._problem = too_large(f"row {rows[0].seq}", len(rows[0].body), limit)
            self._reject(rows[0], "PacketTooLarge", 0x95)
            return True
        level = "event" if rows[0].kind is Kind.EVENT else ("data" if live else "hist")
        payload = join_rows(
            rows,
            gateway=self._sender.gateway,
            epoch=self._sender.epoch,
            clock=self._clock(),
        )
        mid = connection.publish(self._topics[level], payload)
        if mid is None:
            self._queue.give_back(rows)
            return False
        self._window.add(mid, rows, live=live)
        self._sent_messages += 1
        return True

    def _acknowledged(self, mid: int, code: int, name: str) -> None:
        sent = self._window.take(mid)
        if sent is None:
            return  # a second acknowledgement, or one of a connection that is gone
        verdict = judge(code, accept_no_subscriber=self._settings.no_subscriber == "accept")
        if not sent.rows:
            pass  # meta or status: nobody waits for it here, whatever the answer
        elif verdict is Verdict.ACCEPTED:
            self._acked_messages += 1
            self._problem = None
            self._store.put_acked(ranges_of(sent.rows))
            self._queue.settled(sent.rows)
        else:
            self._refused(sent.rows, code, name, verdict)
        self._pump()
        if not self._window:
            self._quiet.set()

    def _refused(self, rows: list[Row], code: int, name: str, verdict: Verdict) -> None:
        if self._problem is None:
            _log.warning("message refused: %s (0x%02x)", name, code)
        self._problem = refused_publish(code, name)
        self._resume_s = max(self._resume_s, time.monotonic() + PAUSES_S.get(code, PAUSE_S))
        if verdict is Verdict.ALONE and self._queue.refused(rows) >= MAX_TRIES:
            self._reject(rows[0], name, code)
        else:
            self._queue.give_back(rows)

    def _reject(self, row: Row, reason: str, code: int) -> None:
        self._queue.settled([row])
        _log.error("row set aside: seq %d: %s", row.seq, reason)
        self._store.put_rejected([Rejection(row.seq, reason[:64], code)])


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
