"""The publish loop of one session: takes notifications as they arrive and hands them on.

Keeps a spare request waiting at the server, so that it can send while we decode. Works in the
callbacks of the answers: no task wakes up per message. Never decodes a value itself.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, Protocol

from drivers.api import DriverError, SessionLost
from drivers.opcua.binary import DecodeError
from drivers.opcua.publish import (
    DATA_CHANGE,
    PUBLISH_RESPONSE,
    SERVICE_FAULT,
    STATUS_CHANGE,
    Notification,
    read_answer,
    read_notification,
    read_status_change,
)
from drivers.opcua.status import name_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncua.common.utils import Buffer

SPARE: Final = 1
"""Publish requests waiting at the server beyond one per subscription."""

MOST_OUTSTANDING: Final = 10
"""Publish requests waiting at the server at most."""

ORPHANS: Final = 4
"""So many answers "no subscription" in a row are believed; fewer may be older than ours."""

_HARMLESS: Final = frozenset({"BadTimeout", "BadNoSubscription", "BadTooManyPublishRequests"})


class Sink(Protocol):
    """One subscription's end of the publish loop."""

    def on_message(self, sequence: int, *, has_data: bool) -> None:
        """Take notice that the subscription lives, and of its message number."""

    def on_changes(self, data: bytes, start: int, end: int, *, read_ns: int) -> None:
        """Decode and queue the body of a DataChangeNotification."""

    def end(self, error: DriverError) -> None:
        """Give nothing more but this error."""


class PublishLoop:
    """Publish requests and their answers for all subscriptions of a session."""

    def __init__(
        self,
        send: Callable[[list[tuple[int, int]]], asyncio.Future[Buffer]],
        on_lost: Callable[[DriverError], None],
    ) -> None:
        self._send = send
        self._on_lost = on_lost
        self._sinks: dict[int, Sink] = {}
        self._waiting: set[asyncio.Future[Buffer]] = set()
        self._acknowledged: list[tuple[int, int]] = []
        self._most = MOST_OUTSTANDING
        self._orphaned = 0
        self.unknown = 0
        """Messages of subscriptions that are not, or no longer, ours."""

    def add(self, subscription_id: int, sink: Sink) -> None:
        """Give the subscription's messages to a sink from now on."""
        self._sinks[subscription_id] = sink
        self._fill()

    def remove(self, subscription_id: int) -> None:
        """Give them to nobody any more."""
        self._sinks.pop(subscription_id, None)

    async def run(self) -> None:
        """Stand in for the library's loop: live as long as its task does."""
        try:
            self._fill()
            await asyncio.get_running_loop().create_future()
        finally:
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
        wanted = min(self._most, len(self._sinks) + SPARE)
        while self._sinks and len(self._waiting) < wanted:
            acknowledged, self._acknowledged = self._acknowledged, []
            try:
                waiting = self._send(acknowledged)
            except ConnectionError as error:
                self._lose(SessionLost(f"Publish: {error}"))
                return
            self._waiting.add(waiting)
            waiting.add_done_callback(self._answered)

    def _answered(self, answer: asyncio.Future[Buffer]) -> None:
        """Take one answer, then ask again."""
        self._waiting.discard(answer)
        if answer.cancelled():
            return
        error = answer.exception()
        if error is not None:
            self._lose(SessionLost(f"Publish: the connection ended: {error}"))
            return
        try:
            go_on = self._take(bytes(answer.result()))
        except DecodeError as error:
            self._lose(
                SessionLost(
                    f"Publish: the server sent what cannot be decoded: {error}",
                    hint="If this happens again, report the server's maker and version.",
                )
            )
            return
        if go_on:
            self._fill()

    def _take(self, data: bytes) -> bool:
        """Hand on one answer; False where no further request makes sense now."""
        read_ns = time.time_ns()
        answer = read_answer(data)
        if answer.type_id == SERVICE_FAULT or answer.status >> 30:
            return self._refused(answer.status)
        if answer.type_id != PUBLISH_RESPONSE:
            raise DecodeError(f"a message of type {answer.type_id} answers a Publish")
        self._orphaned = 0
        message = read_notification(data, answer.body)
        sink = self._sinks.get(message.subscription_id)
        if message.parts:
            self.acknowledge(message.subscription_id, message.sequence)
        if sink is None:
            self.unknown += 1
        else:
            self._deliver(sink, message, data, read_ns)
        return True

    def _deliver(self, sink: Sink, message: Notification, data: bytes, read_ns: int) -> None:
        sink.on_message(message.sequence, has_data=bool(message.parts))
        for part in message.parts:
            if part.type_id == DATA_CHANGE:
                sink.on_changes(data, part.start, part.end, read_ns=read_ns)
            elif part.type_id == STATUS_CHANGE:
                name = name_of(read_status_change(data, part))
                self.remove(message.subscription_id)
                sink.end(SessionLost(f"the server ended the subscription: {name}"))

    def _refused(self, code: int) -> bool:
        name = name_of(code)
        if name not in _HARMLESS:
            self._lose(SessionLost(f"Publish: the server answered {name}"))
            return False
        if name == "BadTooManyPublishRequests":
            return self._make_do()
        if name == "BadNoSubscription":
            return self._orphan()
        return True  # BadTimeout: the request grew old, the session lives

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
