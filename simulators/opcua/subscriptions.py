"""Subscriptions as servers with limits and faults keep them.

On top of asyncua's: revised intervals and queue sizes, the overflow bit, items refused one by one,
messages of bounded size, messages that get lost. A change is queued when it is written; sampling
intervals are revised and told, not imitated.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import asyncua
from asyncua.common.utils import ServiceError
from asyncua.server.internal_subscription import InternalSubscription
from asyncua.server.monitored_item_service import MonitoredItemService
from asyncua.server.subscription_service import SubscriptionService

if TYPE_CHECKING:
    from asyncua.server.internal_server import InternalServer

    from simulators.opcua.faults import Faults
    from simulators.opcua.limits import Limits

ua: Any = asyncua.ua  # its annotations contradict its own documented use; not checked

OVERFLOW: Final = 0x480
"""Bits of a status code: info type DataValue, overflow. Source: OPC 10000-4, 7.39."""


class Subscriptions(SubscriptionService):
    """All subscriptions of a server."""

    def __init__(self, iserver: InternalServer, limits: Limits, faults: Faults) -> None:
        super().__init__(iserver.aspace, iserver=iserver)
        self.limits = limits
        self.faults = faults

    @property
    def items(self) -> int:
        """Number of monitored items of all subscriptions."""
        return sum(len(each.monitored_item_srv._monitored_items) for each in self._all())  # noqa: SLF001 - asyncua has no public count

    async def create_subscription(
        self, params: Any, callback: Any, session_id: Any, request_callback: Any = None
    ) -> Any:
        """Make a subscription with the interval this server can keep, or refuse it."""
        full = self.limits.subscriptions and len(self.subscriptions) >= self.limits.subscriptions
        if full or self.faults.acts("no-subscriptions"):
            self.faults.counts["subscriptions refused"] += 1
            raise ServiceError(ua.StatusCodes.BadTooManySubscriptions)
        self._sub_id_counter += 1
        found = ua.CreateSubscriptionResult()
        found.SubscriptionId = self._sub_id_counter
        found.RevisedPublishingInterval = max(
            params.RequestedPublishingInterval, self.limits.publishing_ms
        )
        found.RevisedLifetimeCount = self._clamp_lifetime_count(params.RequestedLifetimeCount)
        found.RevisedMaxKeepAliveCount = self._clamp_keep_alive_count(
            params.RequestedMaxKeepAliveCount
        )
        made = Subscription(
            found,
            self.aspace,
            callback,
            session_id,
            request_callback=request_callback,
            delete_callback=lambda: self.subscriptions.pop(found.SubscriptionId, None),
            max_queue_size=self.limits.queue,
            publishing_enabled=params.PublishingEnabled,
        )
        most = (self.limits.notifications, int(params.MaxNotificationsPerPublish))
        made.attend(self, most=min((n for n in most if n), default=0))
        await made.start()
        self.subscriptions[found.SubscriptionId] = made
        return found

    def modify_subscription(self, params: Any) -> Any:
        """Publish at another interval from the next message on."""
        if params.SubscriptionId not in self.subscriptions:
            raise ServiceError(ua.StatusCodes.BadSubscriptionIdInvalid)
        data = self.subscriptions[params.SubscriptionId].data
        data.RevisedPublishingInterval = max(
            params.RequestedPublishingInterval, self.limits.publishing_ms
        )
        data.RevisedLifetimeCount = self._clamp_lifetime_count(params.RequestedLifetimeCount)
        data.RevisedMaxKeepAliveCount = self._clamp_keep_alive_count(
            params.RequestedMaxKeepAliveCount
        )
        return ua.ModifySubscriptionResult(
            data.RevisedPublishingInterval,
            data.RevisedLifetimeCount,
            data.RevisedMaxKeepAliveCount,
        )

    def republish(self, params: Any) -> Any:
        """Give a lost message again while it is kept."""
        if params.SubscriptionId not in self.subscriptions:
            raise ServiceError(ua.StatusCodes.BadSubscriptionIdInvalid)
        message = super().republish(params)
        if self.faults.acts("no-republish") or not message.SequenceNumber:
            self.faults.counts["republish refused"] += 1
            raise ServiceError(ua.StatusCodes.BadMessageNotAvailable)
        return message

    def _all(self) -> list[InternalSubscription]:
        return list(self.subscriptions.values())


class Subscription(InternalSubscription):
    """One subscription."""

    _all: Subscriptions
    _most = 0

    def attend(self, everything: Subscriptions, *, most: int) -> None:
        """Learn the limits and faults, and how many notifications a message may have (0: any)."""
        self._all = everything
        self._most = most
        self.monitored_item_srv = Items(self, self.monitored_item_srv.aspace, everything)

    async def _subscription_loop(self) -> None:
        """Publish at the interval, which may change meanwhile."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while not self._closing:
            await self.publish_results()
            due_s += self.data.RevisedPublishingInterval / 1000
            await asyncio.sleep(max(due_s - loop.time(), 0))

    async def publish_results(self, requestdata: Any = None) -> bool:
        """Publish what is queued, unless the server is frozen or the message gets lost."""
        faults = self._all.faults
        if faults.acts("freeze"):
            return False
        if self._triggered_datachanges and faults.takes_loss():
            self._pop_publish_result()
            return False
        return await super().publish_results(requestdata)

    def _pop_publish_result(self) -> Any:
        result = super()._pop_publish_result()
        result.MoreNotifications = bool(self._triggered_datachanges)
        if self._all.faults.acts("repeat-sequence"):
            message = result.NotificationMessage
            message.SequenceNumber = max(1, message.SequenceNumber - 1)
        return result

    def _pop_triggered_datachanges(self, result: Any) -> None:
        """Take what fits into one message; the rest stays for the next."""
        later: dict[int, list[Any]] = {}
        room = self._most
        if room:
            for item, queued in list(self._triggered_datachanges.items()):
                if len(queued) > room:
                    later[item] = queued[room:]
                    self._triggered_datachanges[item] = queued[:room]
                room -= min(room, len(queued))
            self._triggered_datachanges = {
                i: q for i, q in self._triggered_datachanges.items() if q
            }
        super()._pop_triggered_datachanges(result)
        self._triggered_datachanges.update(later)

    async def _enqueue_event(
        self, mid: int, eventdata: Any, size: int, queue: dict[int, list[Any]]
    ) -> None:
        """Queue a value; when the oldest is pushed out, the next one says so."""
        if self._all.faults.acts("deaf"):
            self._all.faults.counts["unnoticed"] += 1
            return
        overflows = 0 < size <= len(queue.get(mid, ()))
        await super()._enqueue_event(mid, eventdata, size, queue)
        if overflows:
            self._all.faults.counts["overflowed"] += 1
            if size > 1 and queue is self._triggered_datachanges:
                queue[mid][0] = _overflowed(queue[mid][0])


class Items(MonitoredItemService):
    """The monitored items of one subscription."""

    def __init__(self, isub: Subscription, aspace: Any, everything: Subscriptions) -> None:
        super().__init__(isub, aspace)
        self._all = everything

    async def create_monitored_items(self, params: Any) -> list[Any]:
        """Make what can be made; each item has its own answer."""
        found = []
        for item in params.ItemsToCreate:
            refusal = self._refusal(item)
            if refusal is None:
                params.ItemsToCreate = [item]
                found += await super().create_monitored_items(params)
            else:
                self._all.faults.counts["items refused"] += 1
                found.append(ua.MonitoredItemCreateResult(StatusCode=ua.StatusCode(refusal)))
        return found

    def _refusal(self, item: Any) -> int | None:
        limits, faults = self._all.limits, self._all.faults
        node_id = item.ItemToMonitor.NodeId
        code: int | None = None
        most = limits.items_per_subscription
        full = limits.items and self._all.items >= limits.items
        if full or (most and len(self._monitored_items) >= most):
            code = ua.StatusCodes.BadTooManyMonitoredItems
        elif faults.refuses(str(node_id.Identifier)):
            code = ua.StatusCodes.BadNotSupported
        elif node_id.NamespaceIndex and not faults.knows_nodes():
            code = ua.StatusCodes.BadNodeIdUnknown
        elif _percent(item.RequestedParameters.Filter):
            code = ua.StatusCodes.BadMonitoredItemFilterUnsupported
        return code

    def _make_monitored_item_common(self, params: Any) -> Any:
        result, data = super()._make_monitored_item_common(params)
        asked_ms = params.RequestedParameters.SamplingInterval
        if asked_ms < 0:  # "as often as is published". Source: OPC 10000-4, 5.13.2
            asked_ms = self.isub.data.RevisedPublishingInterval
        result.RevisedSamplingInterval = max(asked_ms, self._all.limits.sampling_ms)
        return result, data

    def _revise_queue_size(self, requested: int) -> int:
        return max(1, min(int(requested), self._all.limits.queue or 1))

    def _is_deadband_exceeded(self, values: Any, flt: Any) -> bool:
        """Compare with the last value told, not with the last one seen."""
        exceeded = super()._is_deadband_exceeded(values, flt)
        if not exceeded:
            values.current_dvalue = values.old_dvalue
        return exceeded


def _percent(wanted: Any) -> bool:
    return bool(getattr(wanted, "DeadbandType", 0) == ua.DeadbandType.Percent)


def _overflowed(notification: Any) -> Any:
    """Copy a notification with the overflow bit; values are shared between items."""
    value = notification.Value
    code = (value.StatusCode or ua.StatusCode()).value | OVERFLOW
    marked = replace(value, StatusCode=ua.StatusCode(code))
    return ua.MonitoredItemNotification(ClientHandle=notification.ClientHandle, Value=marked)
