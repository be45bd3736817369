"""The events of one device as a subscription of its own: asked for, watched, told as alerts.

First come the conditions that already hold, then events as they happen. What is lost on the way
is counted and followed by a new look at what holds; what ended unseen is told as ended.
Never acknowledges, confirms or shelves.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from drivers.api import SessionLost
from drivers.opcua.alerts.inbox import Inbox
from drivers.opcua.alerts.plan import PUBLISH_S
from drivers.opcua.alerts.reports import MOST_EVENTS, NodeKey, Report, count_events, read_events
from drivers.opcua.alerts.standing import Look
from drivers.opcua.alerts.telling import Teller, mark
from drivers.opcua.subscribing.lifeline import CLOSE_TIMEOUT_S, Numbering, Vigil, keepalives_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from asyncua import ua

    from drivers.api import Alert, DriverError, Remark
    from drivers.opcua.alerts.plan import AlertPlan
    from drivers.opcua.services import Services
    from drivers.opcua.subscribing.notify import PublishLoop

LOOK_AGAIN_S: Final = 10.0
"""What holds is asked for no more often than this, however much is lost."""

REFRESH_START, REFRESH_END, REFRESH_REQUIRED, QUEUE_OVERFLOW = (
    NodeKey(0, number) for number in (2787, 2788, 2789, 3035)
)
"""Events about the reporting itself. Source: OPC 10000-9, 5.11; OPC 10000-5, 6.4.29."""

_ABOUT_REPORTING: Final = {REFRESH_START, REFRESH_END, REFRESH_REQUIRED, QUEUE_OVERFLOW}


class AlertStream:
    """The alerts of one plan, from one subscription of a session."""

    def __init__(self, plan: AlertPlan, services: Services, namespaces: Sequence[str]) -> None:
        self.plan = plan
        """What the stream gives."""
        self._services = services
        self._teller = Teller(services, namespaces)
        self._inbox = Inbox()
        self._look = Look()
        self._ended: deque[Alert] = deque()
        self._subscription_id: int | None = None
        self._publishes: PublishLoop | None = None
        self._remarks: list[Remark] = []
        self._begun = False
        self._numbering = Numbering()
        self._vigil = Vigil(self._silent)
        self._looked_s = -LOOK_AGAIN_S
        self._look_timer: asyncio.TimerHandle | None = None

    async def start(self, publishes: PublishLoop | None, nodes: Sequence[ua.NodeId | None]) -> None:
        """Subscribe to the notifiers and ask for what already holds.

        Raises:
            Busy: the server has no room for it now.
            NoReply, SessionLost: the session is over.
            DriverError: the device reports no events.
        """
        from drivers.opcua.alerts.asking import ask_for_events

        keepalives, lifetime = keepalives_of(self.plan.keepalive_s, publishing_s=PUBLISH_S)
        made = await self._services.create_subscription(
            publishing_s=PUBLISH_S, keepalives=keepalives, lifetime=lifetime
        )
        self._subscription_id, self._publishes = made.subscription_id, publishes
        if publishes is not None:
            publishes.add(made.subscription_id, self)
        self._vigil.keep(made)
        known = [node for node in nodes if node is not None]
        asked = await ask_for_events(self._services, self.plan, made.subscription_id, known)
        self._remarks = asked.remarks
        self._look.expect(asked.notifiers)
        self._inbox.look_again()

    async def retry(self, resolve: Callable[[], Awaitable[Sequence[ua.NodeId | None]]]) -> None:
        """Do nothing: refused notifiers are asked again by the next session."""

    def remarks(self) -> list[Remark]:
        """Tell how the alerts are served."""
        return self._remarks

    async def get(self) -> Alert:
        """Give the next alert, waiting for one.

        Raises:
            NoReply, SessionLost: the subscription or the session is over.
        """
        while True:
            alert = self._ended.popleft() if self._ended else await self._next()
            if alert is not None:
                self.plan.standing.note(alert)
                return alert

    async def _next(self) -> Alert | None:
        """Take what waits longest, waiting for it; None where it makes no alert."""
        news = await self._inbox.get()
        if isinstance(news, Report):
            return await self._teller.alert(news)
        if news is not None:
            self._ended.extend(self.plan.standing.ended(news, now_ns=time.time_ns()))
            return None
        await self._look_again()
        lost = self._inbox.take_lost()
        if not lost and self._begun:
            return None
        self._begun = True
        return mark(lost)

    async def close(self, *, polite: bool) -> None:
        """End the subscription; on the server too if `polite`.

        Raises:
            NoReply, SessionLost: the server did not confirm it.
        """
        self._vigil.close()
        if self._look_timer is not None:
            self._look_timer.cancel()
        ended, self._subscription_id = self._subscription_id, None
        if ended is None:
            return
        if self._publishes is not None:
            self._publishes.remove(ended)
        if polite:
            await self._services.delete_subscription(ended, timeout_s=CLOSE_TIMEOUT_S)

    # what the publish loop tells

    def on_message(
        self,
        sequence: int,
        *,
        has_data: bool,
        read_ns: int,  # noqa: ARG002 - events bear their own time
        more: bool = False,  # noqa: ARG002 - and are told one by one
    ) -> bool:
        """Take notice that the subscription lives; count messages that never came.

        Raises:
            SessionLost: the server numbers its messages anew.
        """
        self._vigil.heard()
        missing = self._numbering.take(sequence, has_data=has_data)
        if missing > 0:
            self._lose(missing)
        return True  # one that comes late was counted as lost, and is welcome all the same

    def on_changes(self, data: bytes, start: int, end: int, *, read_ns: int) -> None:
        """Take no values: this subscription has no points."""

    def on_events(self, data: bytes, start: int, end: int) -> None:
        """Decode and queue the body of an EventNotificationList.

        Raises:
            DecodeError: the bytes are torn or false.
        """
        unseen = count_events(data, start) - MOST_EVENTS
        for report in read_events(data, start, end):
            if report.kind in _ABOUT_REPORTING:
                self._heed(report)
                continue
            self._look.see((report.source, self._teller.key(report)))
            if not 0 < report.severity < self.plan.min_severity:
                self._inbox.put(report)
        if unseen > 0:
            self._lose(unseen)

    def _heed(self, report: Report) -> None:
        """Take notice of an event about the reporting itself."""
        if report.kind == QUEUE_OVERFLOW:
            self._lose(1)
        elif report.kind == REFRESH_REQUIRED:
            self._inbox.look_again()
        elif report.kind == REFRESH_START:
            self._look.begin(report.handle)
        else:
            seen = self._look.end(report.handle)
            if seen is not None:
                self._inbox.put_look(seen)

    def _lose(self, events: int) -> None:
        """Count events that were lost; a look they were part of shows not all."""
        self._look.tear()
        self._inbox.lose(events)

    def end(self, error: DriverError) -> None:
        """Give nothing more but this error, once the waiting events are taken."""
        self._inbox.end(error)

    # what holds, and whether it lives

    async def _look_again(self) -> None:
        """Ask for what holds, now or when it is time again."""
        from drivers.opcua.alerts.asking import ask_what_holds

        loop = asyncio.get_running_loop()
        left_s = self._looked_s + LOOK_AGAIN_S - loop.time()
        if self._subscription_id is None:
            return
        if left_s > 0:
            if self._look_timer is not None:
                self._look_timer.cancel()
            self._look_timer = loop.call_later(left_s, self._inbox.look_again)
            return
        self._looked_s = loop.time()
        await ask_what_holds(self._services, self.plan, self._subscription_id)

    def _silent(self, silence_s: float) -> None:
        self.end(SessionLost(f"the subscription of events kept silent for {silence_s:.1f} s"))
