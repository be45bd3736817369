"""The publish loop of one session: takes notifications as they arrive and hands them on.

Keeps a spare request waiting at the server, so that it can send while we decode, and more where
it has to cut what it tells into many messages. Those come at once, are read in one go, and are
answered by one write. Works in the callbacks of the answers: no task wakes up per message. Never
decodes a value.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from asyncua.ua.uaerrors import UaStatusCodeError

from drivers.api import DriverError, SessionLost
from drivers.opcua.decoding.binary import DecodeError
from drivers.opcua.decoding.status import name_of
from drivers.opcua.failures import undecodable
from drivers.opcua.subscribing.publish import (
    DATA_CHANGE,
    EVENTS,
    PUBLISH_RESPONSE,
    SERVICE_FAULT,
    STATUS_CHANGE,
    Notification,
    read_answer,
    read_notification,
    read_status_change,
)
from drivers.opcua.subscribing.transit import Transit

if TYPE_CHECKING:
    from collections.abc import Callable

SPARE: Final = 1
"""Publish requests waiting at the server beyond one per subscription, at first."""

MOST_OUTSTANDING: Final = 10
"""Publish requests waiting at the server at most."""

LEAST_TO_REST: Final = 4
"""With so many requests a server can go on telling for the moment in which we read nothing."""

ORPHANS: Final = 4
"""So many answers "no subscription" in a row are believed; fewer may be older than ours."""

ANSWER_COST_S: Final = 0.005
"""No more than 200 answers a second in the long run."""

MOST_BYTES_PER_S: Final = 4_000_000
"""Of answers, in the long run; 10,000 changes a second are 0.3 MB."""

BURST_S: Final = 2.0
"""So many seconds' worth of answers may come at once."""

_HARMLESS: Final = frozenset(
    {"BadTimeout", "BadNoSubscription", "BadTooManyPublishRequests", "BadResponseTooLarge"}
)


class Sink(Protocol):
    """One subscription's end of the publish loop."""

    def on_message(
        self, sequence: int, *, has_data: bool, read_ns: int, more: bool = False
    ) -> bool:
        """Take notice that the subscription lives, and of a message's number.

        `read_ns`: when it came, UTC ns; when it would have, where it was held up on its way.
        `more`: the server has cut what it tells, and the next part follows at once.
        False where its parts are not to be taken: they will be asked for, or were already.

        Raises:
            SessionLost: the server numbers its messages anew.
        """

    def on_changes(self, data: bytes, start: int, end: int, *, read_ns: int) -> None:
        """Decode and queue the body of a DataChangeNotification."""

    def end(self, error: DriverError) -> None:
        """Give nothing more but this error."""


@runtime_checkable
class TakesEvents(Protocol):
    """A sink that monitors events, too."""

    def on_events(self, data: bytes, start: int, end: int) -> None:
        """Decode and queue the body of an EventNotificationList."""


class PublishLoop:
    """Publish requests and their answers for all subscriptions of a session."""

    def __init__(
        self,
        send: Callable[[list[tuple[int, int]]], asyncio.Future[bytes]],
        on_lost: Callable[[DriverError], None],
        *,
        rest: Callable[[], None] = lambda: None,
    ) -> None:
        """`send(receipts)` asks for a message; `rest()` lets some gather before they are read."""
        self._send = send
        self._rest = rest
        self._on_lost = on_lost
        self._sinks: dict[int, Sink] = {}
        self._waiting: set[asyncio.Future[bytes]] = set()
        self._acknowledged: list[tuple[int, int]] = []
        self._most = MOST_OUTSTANDING
        self._spare = SPARE
        self._orphaned = 0
        self._spent_until_s = 0.0
        self._resting: asyncio.TimerHandle | None = None
        self._filling = False
        self._transit = Transit()
        self.unknown = 0
        """Messages of subscriptions that are not, or no longer, ours."""

    def add(self, subscription_id: int, sink: Sink) -> None:
        """Give the subscription's messages to a sink from now on."""
        self._sinks[subscription_id] = sink
        self._fill()

    def remove(self, subscription_id: int) -> None:
        """Give them to nobody any more."""
        self._sinks.pop(subscription_id, None)

    def close(self) -> None:
        """Ask for nothing more; what the server still sends goes to nobody."""
        self._sinks.clear()
        if self._resting is not None:
            self._resting.cancel()
        for waiting in self._waiting:
            waiting.cancel()
        self._waiting.clear()

    def acknowledge(self, subscription_id: int, sequence: int) -> None:
        """Let the server forget a message with the next request.

        Called when the message is decoded; a host that keeps frames durably could call it later.
        """
        self._acknowledged.append((subscription_id, sequence))

    def _fill(self) -> None:
        """Keep as many requests waiting as the server takes, while anyone listens."""
        wanted = min(self._most, len(self._sinks) + self._spare)
        while self._sinks and self._resting is None and len(self._waiting) < wanted:
            acknowledged, self._acknowledged = self._acknowledged, []
            try:
                waiting = self._send(acknowledged)
            except ConnectionError as error:
                self._lose(SessionLost(f"Publish: {error}"))
                return
            self._waiting.add(waiting)
            waiting.add_done_callback(self._answered)

    def _answered(self, answer: asyncio.Future[bytes]) -> None:
        """Take one answer, then ask again."""
        self._waiting.discard(answer)
        if answer.cancelled():
            return
        error = answer.exception()
        if isinstance(error, UaStatusCodeError) and self._refused(error.code):
            self._pace(0)
            return
        if error is not None:
            self._lose(SessionLost(f"Publish: the connection ended: {error}"))
            return
        data = answer.result()
        try:
            go_on = self._take(data)
        except DecodeError as torn:
            self._lose(undecodable(torn, "Publish"))
            return
        except SessionLost as lost:
            self._lose(lost)
            return
        if go_on:
            self._pace(len(data))

    def _pace(self, size: int) -> None:
        """Ask again; later where the server sends so much that others would have to wait.

        What is not asked for stays in the server's queues, which tell when they overflow.
        """
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        cost_s = max(ANSWER_COST_S, size / MOST_BYTES_PER_S)
        self._spent_until_s = max(self._spent_until_s, now_s - BURST_S) + cost_s
        if self._spent_until_s <= now_s:
            self._fill_soon()
        elif self._resting is None:
            self._resting = loop.call_at(self._spent_until_s, self._rested)

    def _fill_soon(self) -> None:
        """Ask again behind the answers that came with this one, and acknowledge all at once."""
        if not self._filling:
            self._filling = True
            asyncio.get_running_loop().call_soon(self._fill_now)

    def _fill_now(self) -> None:
        self._filling = False
        self._fill()

    def _rested(self) -> None:
        self._resting = None
        self._fill()

    def _take(self, data: bytes) -> bool:
        """Hand on one answer; False where no further request makes sense now."""
        read_ns, now_ns = time.time_ns(), time.monotonic_ns()
        answer = read_answer(data)
        if answer.type_id == SERVICE_FAULT or answer.status >> 30:
            return self._refused(answer.status)
        if answer.type_id != PUBLISH_RESPONSE:
            raise DecodeError(f"a message of type {answer.type_id} answers a Publish")
        self._orphaned = 0
        message = read_notification(data, answer.body)
        read_ns -= self._transit.held_up_ns(message.sent_ticks * 100, now_ns)
        if message.more:
            self._more_follows()
        sink = self._sinks.get(message.subscription_id)
        if sink is None:
            self.unknown += 1
        elif not self._deliver(sink, message, data, read_ns):
            return True  # not acknowledged: the server keeps it to be asked for
        if message.parts:
            self.acknowledge(message.subscription_id, message.sequence)
        return True

    def _more_follows(self) -> None:
        """Let the server tell the rest without waiting for us, and take it in one go."""
        self._spare = min(self._spare + 1, MOST_OUTSTANDING)
        if sum(not one.done() for one in self._waiting) >= LEAST_TO_REST:
            self._rest()

    def _deliver(self, sink: Sink, message: Notification, data: bytes, read_ns: int) -> bool:
        """Hand a message on; False where the sink does not take it now."""
        has_data = bool(message.parts)
        if not sink.on_message(
            message.sequence, has_data=has_data, read_ns=read_ns, more=message.more
        ):
            return False
        for part in message.parts:
            if part.type_id == DATA_CHANGE:
                sink.on_changes(data, part.start, part.end, read_ns=read_ns)
            elif part.type_id == EVENTS and isinstance(sink, TakesEvents):
                sink.on_events(data, part.start, part.end)
            elif part.type_id == STATUS_CHANGE:
                name = name_of(read_status_change(data, part))
                self.remove(message.subscription_id)
                sink.end(SessionLost(f"the server ended the subscription: {name}"))
        return True

    def _refused(self, code: int) -> bool:
        name = name_of(code)
        if name not in _HARMLESS:
            self._lose(SessionLost(f"Publish: the server answered {name}"))
            return False
        if name == "BadTooManyPublishRequests":
            return self._make_do()
        if name == "BadNoSubscription":
            return self._orphan()
        return True  # the request grew old, or its answer too long: its number will be missing

    def _make_do(self) -> bool:
        """Ask with no more requests than are waiting now, which the server did take."""
        self._most = len(self._waiting)
        if not self._most:
            self._lose(SessionLost("Publish: the server takes no request at all"))
        return False

    def _orphan(self) -> bool:
        """Ask again: the request may be older than the subscription; but not for ever."""
        self._orphaned += 1
        if self._orphaned > ORPHANS:
            self._lose(SessionLost("the server forgot its subscriptions"))
        return True

    def _lose(self, error: DriverError) -> None:
        """End every sink: nothing more will come on this session."""
        if not self._sinks:
            return
        sinks, self._sinks = self._sinks, {}
        for sink in sinks.values():
            sink.end(error)
        self._on_lost(error)
