"""Creating monitored items and changing subscriptions: the requests, and what the server revised.

Source: OPC 10000-4, 5.13.2 (CreateMonitoredItems), 5.14.3 (ModifySubscription), 7.22.2
(DataChangeFilter).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from asyncua import ua

from drivers.api import SessionLost
from drivers.opcua.calls import Revised
from drivers.opcua.services import MOST_PER_PUBLISH
from drivers.opcua.structures.ranged import value_of
from drivers.opcua.subscribing.served import Made

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.opcua.services import Services
    from drivers.opcua.subscribing.served import Wanted

_KINDS: Final = {False: ua.DeadbandType.Absolute, True: ua.DeadbandType.Percent}


async def create_items(
    services: Services, subscription_id: int, items: Sequence[Wanted]
) -> list[Made]:
    """Monitor nodes in one request; give what became of each.

    Raises:
        TooMany: the server does not take as many at once.
        NoReply, SessionLost: the session is over.
    """
    request = ua.CreateMonitoredItemsRequest()
    request.Parameters = ua.CreateMonitoredItemsParameters(
        SubscriptionId=subscription_id,
        TimestampsToReturn=ua.TimestampsToReturn.Source,
        ItemsToCreate=[_request(item) for item in items],
    )
    answer = await services.ask(
        request, ua.CreateMonitoredItemsResponse, what="CreateMonitoredItems"
    )
    results = answer.Results or ()
    if len(results) != len(items):
        raise SessionLost(f"the server answered {len(results)} of {len(items)} monitored items")
    return [
        Made(
            int(each.StatusCode.value),
            float(each.RevisedSamplingInterval) / 1000,
            int(each.RevisedQueueSize),
        )
        for each in results
    ]


async def publish_every(
    services: Services, made: Revised, *, publishing_s: float, keepalives: int, lifetime: int
) -> Revised:
    """Change how often a subscription publishes; counts are in publishing intervals.

    Raises:
        NoReply, SessionLost: the session is over.
    """
    request = ua.ModifySubscriptionRequest()
    request.Parameters = ua.ModifySubscriptionParameters(
        SubscriptionId=made.subscription_id,
        RequestedPublishingInterval=publishing_s * 1000,
        RequestedLifetimeCount=lifetime,
        RequestedMaxKeepAliveCount=keepalives,
        MaxNotificationsPerPublish=MOST_PER_PUBLISH,
        Priority=0,
    )
    answer = await services.ask(request, ua.ModifySubscriptionResponse, what="ModifySubscription")
    revised = answer.Parameters
    revised_s = float(revised.RevisedPublishingInterval) / 1000
    keepalive_s = revised_s * int(revised.RevisedMaxKeepAliveCount)
    return Revised(made.subscription_id, revised_s, keepalive_s)


def _request(item: Wanted) -> ua.MonitoredItemCreateRequest:
    wanted = ua.MonitoringParameters(
        ClientHandle=item.handle,
        SamplingInterval=item.sampling_s * 1000,
        QueueSize=item.queue_size,
        DiscardOldest=True,
    )
    if item.deadband:
        wanted.Filter = ua.DataChangeFilter(
            Trigger=ua.DataChangeTrigger.StatusValue,
            DeadbandType=_KINDS[item.percent],
            DeadbandValue=item.deadband,
        )
    return ua.MonitoredItemCreateRequest(
        ItemToMonitor=value_of(item.node),
        MonitoringMode=ua.MonitoringMode.Reporting,
        RequestedParameters=wanted,
    )
