"""One destination's sender: keeps a connection, and has a `Delivery` send over it.

A row leaves the store only when it is accepted. When the connection ends, whatever was in flight
becomes backlog again; rows may then share messages with others than before.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from agent.backoff import Backoff
from agent.publish.delivery import Delivery
from agent.publish.lookout import Lookout
from agent.publish.mqtt import Will
from agent.publish.opening import Opener
from agent.publish.refusal import ConnectionRefused
from agent.publish.rivalry import Rivalry
from agent.telemetry.status import DestinationStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.config.destination import Destination
    from agent.publish.mqtt import Connection
    from agent.publish.queue import Stores
    from agent.publish.sender import Sender
    from agent.publish.stamping import Datings
    from agent.store.outbox import Committed, Range
    from agent.telemetry.status import Message

HEARTBEAT_S = 60.0
"""How often the status is repeated: some platforms keep no retained messages."""
STEADY_S = 60.0
"""A connection that lasted this long makes the next pause short again."""

_log = logging.getLogger("chulian.publish")


class Publisher:
    """One destination's sender; `run` is its life, `committed` feeds it."""

    def __init__(
        self,
        settings: Destination,
        sender: Sender,
        *,
        store: Stores,
        waiting: Range | None,
        last_seq: int,
        password: str | None,
        clock: Callable[[], str],
        dates: Datings | None = None,
        meta: Callable[[], bytes],
        status: Callable[[str], bytes],
        tell: Callable[..., None] = lambda *_, **__: None,
    ) -> None:
        """`last_seq` is the newest row of runs before; `tell(type, **fields)` stores an event."""
        self._settings = settings
        self._clock = clock
        self._delivery = Delivery(
            settings,
            sender,
            store=store,
            waiting=waiting,
            last_seq=last_seq,
            clock=clock,
            dates=dates,
            notice=lambda level: meta() if level == "meta" else status("online"),
            tell=tell,
        )
        self.save_memory = self._delivery.queue.save_memory
        """Takes by how much less than usual is kept in memory; 1 is as usual."""
        self._opener = Opener(
            settings,
            client_id=sender.gateway,
            password=password,
            clock=clock,
            on_ack=self._delivery.acknowledged,
        )
        self._ack_topic = sender.topic(settings.topic_root, "ack")
        self._status = status
        self._connection: Connection | None = None
        self._rivalry = Rivalry()
        self._problem: Message | None = None
        self._since_ms = _now_ms()
        self._connects = 0

    def committed(self, done: Committed) -> None:
        """Take note of a commit: new rows to send, rows that will never be."""
        self._delivery.committed(done)

    def status(self) -> DestinationStatus:
        """Give a snapshot."""
        delivery, connection = self._delivery, self._connection
        return DestinationStatus(
            self._settings.name,
            self._settings.url,
            self._settings.protocol,
            connection is not None,
            self._since_ms,
            self._connects,
            len(delivery.window),
            delivery.sent_messages,
            delivery.acked_messages,
            self._rivalry.problem(time.monotonic())
            or self._problem
            or delivery.problem
            or (connection.remark if connection else None),
            self._settings.ack,
            delivery.unconfirmed,
        )

    async def run(self) -> None:
        """Keep a connection, for ever: the only place that reconnects."""
        backoff = Backoff(longest_s=self._settings.reconnect_max_s)
        lookout = Lookout(self._settings)
        while True:
            started_s = time.monotonic()
            try:
                connection = await self._opener.open(
                    Will(self._delivery.topics["status"], self._status("offline"))
                )
            except ConnectionRefused as refused:
                self._away(refused, first=self._problem is None or not backoff.failures)
                await lookout.pause(backoff.next_s())
                continue
            lookout.connected(connection.address)
            try:
                await self._attend(connection)
            except ConnectionRefused as refused:
                self._away(refused, first=True)
            finally:
                self._disconnected()
                await connection.close()
            self._rivalry.ended(connection.ended_with, time.monotonic())
            lasted_s = time.monotonic() - started_s
            lookout.lost(lasted_s=lasted_s)
            if lasted_s >= STEADY_S:
                backoff.reset()
            await lookout.pause(max(backoff.next_s(), self._rivalry.pause_s))

    @property
    def holds(self) -> bool:
        """Whether rows are known that wait for their time to be settled."""
        return self._delivery.queue.has_held

    def announce_meta(self) -> None:
        """Have what names mean sent before any row that is committed from now on."""
        self._delivery.announce("meta")

    def settled(self) -> None:
        """Take note that the times of held rows have been settled."""
        self._delivery.queue.release()
        self._delivery.pump()

    def clock_trusted(self) -> None:
        """Take note that dates can be judged again: a broker accepted without is looked at anew."""
        if self._connection is not None and self._connection.remark is not None:
            self._connection.end("the clock is set: the broker's certificate is checked in full")

    async def finish(self, grace_s: float) -> None:
        """Wait, at most so long, until everything in memory has been acknowledged."""
        await self._delivery.finish(grace_s)

    # -- a connection's life ---------------------------------------------------------------------

    async def _attend(self, connection: Connection) -> None:
        """Live with a connection until it ends.

        Raises:
            ConnectionRefused: the platform's receipts cannot be heard.
        """
        if self._settings.ack != "puback":
            await connection.listen(self._ack_topic, self._delivery.received)
        self._connection = connection
        self._connects += 1
        self._since_ms = _now_ms()
        self._problem = None
        _log.info("destination connected: %s", self._settings.url)
        self._delivery.open(connection)
        try:
            while not connection.closed.done():
                self._delivery.announce()
                await asyncio.wait([connection.closed], timeout=HEARTBEAT_S)
        except asyncio.CancelledError:
            topic = self._delivery.topics["status"]
            connection.publish(topic, self._status("offline"), retain=True)
            raise
        _log.warning("destination lost: %s: %s", self._settings.url, connection.closed.result())

    def _away(self, refused: ConnectionRefused, *, first: bool) -> None:
        if first:
            _log.warning("destination away: %s", refused)
        self._problem = refused.problem

    def _disconnected(self) -> None:
        if self._connection is not None:
            self._since_ms = _now_ms()
        self._connection = None
        self._delivery.close()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
