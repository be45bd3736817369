"""Who gets which message: sessions, subscriptions, retained messages and Wills.

Guarantees: a message is retained or queued completely or the publisher is told 0x97; a Will is sent
once, unless its client said goodbye or the broker itself stopped. It never touches a socket.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from simulators.mqtt.packets import Publish, Version
from simulators.mqtt.session import NEVER_EXPIRES, Link, Session
from simulators.mqtt.topics import levels_of, matches
from simulators.mqtt.wire import Property, Reason, number_property

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulators.mqtt.faults import BrokerStats, Faults, Limits
    from simulators.mqtt.packets import Connect, Subscription


class Router:
    """The state of a broker; `changed` is called when something happened by itself."""

    def __init__(
        self, *, faults: Faults, limits: Limits, stats: BrokerStats, changed: Callable[[], None]
    ) -> None:
        self.stopping = False
        self._faults, self._limits, self._stats = faults, limits, stats
        self._changed = changed
        self._sessions: dict[str, Session] = {}
        self._subscribers: dict[str, Session] = {}
        self._retained: dict[str, Publish] = {}

    @property
    def sessions(self) -> Mapping[str, Session]:
        """Sessions by client id, connected or not."""
        return self._sessions

    @property
    def retained(self) -> Mapping[str, Publish]:
        """Retained messages by topic."""
        return self._retained

    def attach(self, link: Link, packet: Connect) -> tuple[Session, bool]:
        """Give a new connection its session, and whether it was there before."""
        client_id = packet.client_id or f"auto-{uuid.uuid4().hex[:16]}"
        session = self._sessions.get(client_id)
        if session is not None:
            self._take_over(session, keeps_session=not packet.clean_start)
        if session is not None and packet.clean_start:
            self._end(session)
            session = None
        present = session is not None
        if session is None:
            session = self._sessions[client_id] = self._new_session(client_id)
        session.will = packet.will
        session.expiry_s = _expiry_s(packet)
        session.link = link
        return session, present

    def detach(self, session: Session) -> None:
        """Take note that a session's connection is gone; its Will and its end may follow."""
        session.link = None
        if self.stopping:
            session.will = None
            return
        delay_s = min(_will_delay_s(session), session.expiry_s)
        if not delay_s:
            self._send_will(session)
        elif session.will is not None:
            self._later(session, delay_s, self._send_will)
        if session.expiry_s == 0:
            self._end(session)
        elif session.expiry_s != NEVER_EXPIRES:
            self._later(session, session.expiry_s, self._end)

    def subscribed(self, session: Session) -> None:
        """Take note that a session has filters now."""
        if session.subscribed:
            self._subscribers[session.client_id] = session

    def send_retained(self, session: Session, wanted: Subscription) -> None:
        """Give a new subscriber what is retained under its filter."""
        levels = levels_of(wanted.topic_filter)
        for topic, message in self._retained.items():
            if matches(levels, levels_of(topic)):
                qos = min(message.qos, wanted.qos)
                copy = replace(message, qos=qos, dup=False, packet_id=0)
                self._stats.dropped += not session.offer(copy)

    def route(self, packet: Publish, sender: str) -> Reason:
        """Retain and queue a message; gives the PUBACK reason."""
        if packet.retain and not self._retain(packet):
            return Reason.QUOTA_EXCEEDED
        levels, matched, full = levels_of(packet.topic), False, False
        for session in tuple(self._subscribers.values()):
            wanted = session.match(levels, sender)
            if wanted is None:
                continue
            matched = True
            retain = packet.retain and wanted.retain_as_published
            qos = min(packet.qos, wanted.qos)
            copy = replace(packet, qos=qos, retain=retain, dup=False, packet_id=0)
            full = not session.offer(copy) or full
        if full:
            return Reason.QUOTA_EXCEEDED
        self._stats.routed += matched
        return Reason.SUCCESS if matched else Reason.NO_MATCHING_SUBSCRIBERS

    def forget(self) -> None:
        """Lose every session without a connection and every retained message."""
        self._retained.clear()
        for session in [item for item in self._sessions.values() if item.link is None]:
            session.will = None
            self._end(session)

    def stop_timers(self) -> None:
        """Let no Will and no expiry happen while the broker is stopped."""
        for session in self._sessions.values():
            _cancel_timers(session)

    def _take_over(self, session: Session, *, keeps_session: bool) -> None:
        _cancel_timers(session)
        link, session.link = session.link, None
        if link is not None:
            self._stats.takeovers += 1
            link.end(Reason.SESSION_TAKEN_OVER)
        if keeps_session and (link is None or _will_delay_s(session)):
            session.will = None
        else:
            self._send_will(session)

    def _retain(self, packet: Publish) -> bool:
        if not packet.payload:
            self._retained.pop(packet.topic, None)
            return True
        new = packet.topic not in self._retained
        if new and len(self._retained) >= self._limits.retained_messages:
            return False
        self._retained[packet.topic] = packet
        return True

    def _new_session(self, client_id: str) -> Session:
        return Session(
            client_id,
            faults=self._faults,
            limits=self._limits,
            stats=self._stats,
            clock=asyncio.get_running_loop().time,
        )

    def _end(self, session: Session) -> None:
        _cancel_timers(session)
        self._send_will(session)
        if self._sessions.get(session.client_id) is session:
            del self._sessions[session.client_id]
            self._subscribers.pop(session.client_id, None)

    def _later(self, session: Session, delay_s: int, act: Callable[[Session], None]) -> None:
        session.timers.append(asyncio.get_running_loop().call_later(delay_s, act, session))

    def _send_will(self, session: Session) -> None:
        will, session.will = session.will, None
        if will is None:
            return
        kept = {**will.properties}
        kept.pop(Property.WILL_DELAY_S, None)
        self._stats.wills += 1
        message = Publish(will.topic, will.payload, will.qos, will.retain, properties=kept)
        self.route(message, session.client_id)
        self._changed()


def _expiry_s(packet: Connect) -> int:
    if packet.version is Version.V311:
        return 0 if packet.clean_start else NEVER_EXPIRES
    return number_property(packet.properties, Property.SESSION_EXPIRY_S, 0)


def _will_delay_s(session: Session) -> int:
    if session.will is None:
        return 0
    return number_property(session.will.properties, Property.WILL_DELAY_S, 0)


def _cancel_timers(session: Session) -> None:
    for timer in session.timers:
        timer.cancel()
    session.timers.clear()
