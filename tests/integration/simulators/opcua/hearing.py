"""A client that is asyncua's own, and what a subscription told it, message by message."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from itertools import count

from asyncua import Client, ua


@asynccontextmanager
async def connected(url, *, prepare=None):
    """Connect; `prepare` may set security and login on the client first."""
    client = Client(url, timeout=4)
    client.session_timeout = 60_000
    if prepare is not None:
        await prepare(client)
    async with client:
        yield client


class Subscription:
    """Every message of one subscription; `wait` until a condition holds of them."""

    def __init__(self, session):
        self._session = session
        self._handles = count(1)
        self._came = asyncio.Event()
        self.messages = []
        self.created = None

    @property
    def values(self):
        """Every data change so far, as (handle, DataValue)."""
        return [
            (each.ClientHandle, each.Value)
            for message in self.messages
            for data in message.NotificationData or []
            if isinstance(data, ua.DataChangeNotification)
            for each in data.MonitoredItems
        ]

    @property
    def events(self):
        """The fields of every event so far."""
        return [
            [field.Value for field in each.EventFields]
            for message in self.messages
            for data in message.NotificationData or []
            if isinstance(data, ua.EventNotificationList)
            for each in data.Events
        ]

    async def open(self, *, period_ms=50.0, keepalive=3):
        params = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=period_ms,
            RequestedLifetimeCount=1_000,
            RequestedMaxKeepAliveCount=keepalive,
            PublishingEnabled=True,
        )
        self.created = await self._session.create_subscription(params, self._hear)
        return self

    async def add(self, *node_ids, queue=10, sampling_ms=0.0, filtered=None, events=False):
        """Monitor nodes; give each item's answer."""
        attribute = ua.AttributeIds.EventNotifier if events else ua.AttributeIds.Value
        items = [
            ua.MonitoredItemCreateRequest(
                ua.ReadValueId(ua.NodeId.from_string(node_id), attribute),
                ua.MonitoringMode.Reporting,
                ua.MonitoringParameters(
                    next(self._handles), sampling_ms, filtered, queue, DiscardOldest=True
                ),
            )
            for node_id in node_ids
        ]
        return await self._session.create_monitored_items(
            ua.CreateMonitoredItemsParameters(
                self.created.SubscriptionId, ua.TimestampsToReturn.Both, items
            )
        )

    async def wait(self, until, *, within_s=4):
        async with asyncio.timeout(within_s):
            while not until(self):
                self._came.clear()
                await self._came.wait()

    async def _hear(self, result):
        self.messages.append(result.NotificationMessage)
        self._came.set()


async def subscribe(client, **settings):
    """Open a subscription."""
    return await Subscription(client.uaclient.session).open(**settings)


async def read(client, *node_ids):
    """Read values in one request, whatever their status."""
    params = ua.ReadParameters(
        TimestampsToReturn=ua.TimestampsToReturn.Both,
        NodesToRead=[
            ua.ReadValueId(ua.NodeId.from_string(each), ua.AttributeIds.Value) for each in node_ids
        ],
    )
    return await client.uaclient.session.read(params)


async def keep_alives(subscription, *, more=2):
    """Wait for that many further messages without content."""

    def silent(each):
        return sum(not message.NotificationData for message in each.messages)

    before = silent(subscription)
    await subscription.wait(lambda each: silent(each) >= before + more)
