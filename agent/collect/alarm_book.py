"""The alarms of one device over its sessions: told as events, counted, the last ones kept to show.

Every loss is told as an `alarm_gap`: what the device lost, what was too much, and the spans in
which nobody listened. Texts are made fit to be stored, never refused.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from math import inf
from typing import TYPE_CHECKING, Any, Final, Protocol

from agent.collect.chatter import Chatter
from agent.collect.said import said
from agent.losses.spans import LossSpan
from agent.store.events import event_body
from agent.telemetry.alarms import AlarmsStatus, AlarmStatus
from drivers.api import PlansAlerts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.config.plan import DevicePlan
    from agent.telemetry.status import Message
    from drivers.api import Alert

SHOWN: Final = 20
"""Alarms of a device that are kept to be shown."""
TELL_EVERY_S: Final = 10.0
"""Losses are told no more often than this."""
PER_MINUTE: Final = 120
"""Most alarms told in a minute where the device's settings do not say."""

MESSAGE_CHARS: Final = 1024
SOURCE_CHARS: Final = 256
KIND_CHARS: Final = 128
KEY_CHARS: Final = 256
_MOST_MS: Final = 2**53 - 1


class Events(Protocol):
    """Where event rows go."""

    def put_event(self, t_ms: int, body: bytes) -> None:
        """Hand in an event row."""

    def put_losses(self, losses: Sequence[LossSpan]) -> None:
        """Hand in what is missing."""


class AlarmBook:
    """What one device reported; outlives sessions. `open_book` makes it."""

    def __init__(self, device: str, plan: Any, sink: Events, *, per_minute: int) -> None:
        self.plan = plan
        """What `alerts` of a session takes."""
        self.problem: Message | None = None
        """Why the device is not asked for alarms; None when all is well."""
        self._device = device
        self._sink = sink
        self._chatter = Chatter(per_minute=per_minute)
        self._timer: asyncio.TimerHandle | None = None
        self._watched = False
        self._deaf_since_ms: int | None = None
        self._told = self._repeats = self._lost = 0
        self._untold: dict[str, tuple[int, int]] = {}
        self._told_loss_s = -inf
        self._last: deque[AlarmStatus] = deque(maxlen=SHOWN)

    def take(self, alert: Alert) -> bool:
        """Take what a session gave; tell whether it ended a time in which nobody listened."""
        first = not self._watched
        if first:
            self._hear(_now_ms())
        if alert.lost:
            self._lose(alert.lost, reason="device_queue")
        if alert.kind or alert.message:
            self._chatter.offer(alert)
        self._tell_due()
        return first

    def deafen(self) -> None:
        """Note that from now on nobody listens."""
        if self._watched:
            self._watched = False
            self._deaf_since_ms = _now_ms()

    def close(self) -> None:
        """Tell what waits and what was counted (before the end)."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for alert, repeats in self._chatter.rest():
            self._tell(alert, repeats)
        self._tell_losses(now=True)

    def status(self) -> AlarmsStatus:
        """Give a snapshot."""
        return AlarmsStatus(
            self._watched,
            self._told,
            self._repeats,
            self._lost,
            tuple(reversed(self._last)),
            self.problem,
        )

    def _hear(self, now_ms: int) -> None:
        self._watched, self.problem = True, None
        since_ms, self._deaf_since_ms = self._deaf_since_ms, None
        if since_ms is not None:
            span = {"from": min(since_ms, now_ms), "to": now_ms}
            self._put("alarm_gap", now_ms, span | {"reason": "not_connected"})
            self._note("not_connected", since_ms, now_ms)

    def _tell_due(self) -> None:
        """Tell what may be told, and come back when more may be."""
        now_s = time.monotonic()
        for alert, repeats in self._chatter.due(now_s):
            self._tell(alert, repeats)
        dropped = self._chatter.take_dropped()
        if dropped:
            self._lose(dropped, reason="rate_limit")
        self._tell_losses()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        next_s = self._chatter.next_s(now_s)
        if self._untold:
            next_s = min(next_s, self._told_loss_s + TELL_EVERY_S)
        if next_s < inf:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.0, next_s - now_s), self._tell_due)

    def _tell(self, alert: Alert, repeats: int) -> None:
        now_ms = _now_ms()
        self._told += 1
        self._repeats += repeats
        shown = _shown(alert, now_ms)
        self._last.append(shown)
        facts = {
            "src": shown.source, "kind": shown.kind, "sev": shown.severity, "msg": shown.message,
            "active": shown.active, "acked": shown.acked, "at": shown.at_ms,
            "key": said(alert.key, most_chars=KEY_CHARS) or None, "repeats": repeats or None,
            "unseen": alert.unseen or None,
        }  # fmt: skip
        self._put("alarm", now_ms, {key: fact for key, fact in facts.items() if fact is not None})

    def _lose(self, alarms: int, *, reason: str) -> None:
        self._lost += alarms
        lost, since_ms = self._untold.get(reason, (0, _now_ms()))
        self._untold[reason] = lost + alarms, since_ms

    def _tell_losses(self, *, now: bool = False) -> None:
        """Tell what was lost, at once or when it is time again."""
        now_s = time.monotonic()
        if not self._untold or not (now or now_s >= self._told_loss_s + TELL_EVERY_S):
            return
        self._told_loss_s, now_ms = now_s, _now_ms()
        for reason, (lost, since_ms) in self._untold.items():
            span = {"from": min(since_ms, now_ms), "to": now_ms}
            self._put("alarm_gap", now_ms, span | {"reason": reason, "lost": lost})
            self._note(reason, since_ms, now_ms, lost)
        self._untold.clear()

    def _note(self, reason: str, from_ms: int, to_ms: int, lost: int = 0) -> None:
        loss = LossSpan(f"alarms_{reason}", self._device, min(from_ms, to_ms), to_ms, 1, lost)
        self._sink.put_losses([loss])

    def _put(self, kind: str, now_ms: int, facts: dict[str, Any]) -> None:
        body = event_body(kind, t_ms=now_ms, d=self._device, **facts)
        self._sink.put_event(now_ms, body)


def open_book(plan: DevicePlan, sink: Events) -> AlarmBook | None:
    """Open the book of a device; None where it is not to be asked for alarms."""
    if not isinstance(plan.driver, PlansAlerts):
        return None
    wanted = plan.driver.plan_alerts(plan.config, device=plan.id)
    if wanted is None:
        return None
    settings = getattr(plan.config, "alerts", None)
    per_minute = int(getattr(settings, "max_per_minute", PER_MINUTE))
    return AlarmBook(plan.id, wanted, sink, per_minute=per_minute)


def _shown(alert: Alert, now_ms: int) -> AlarmStatus:
    at_ms = alert.time_ns // 1_000_000
    return AlarmStatus(
        now_ms,
        at_ms if 0 <= at_ms <= _MOST_MS and not alert.unseen else None,
        min(max(alert.severity, 0), 1000),
        said(alert.source, most_chars=SOURCE_CHARS),
        said(alert.kind, most_chars=KIND_CHARS),
        said(alert.message, most_chars=MESSAGE_CHARS),
        alert.active,
        alert.acked,
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
