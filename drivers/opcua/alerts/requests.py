"""The requests behind alerts: the event filter, the monitored items, and ConditionRefresh.

ConditionRefresh is the one method this driver ever calls: it changes nothing at the server, which
only sends once more what already holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds

from drivers.api import SessionLost
from drivers.opcua.browse.asking import held, read_attributes
from drivers.opcua.decoding.status import name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.opcua.alerts.reports import NodeKey
    from drivers.opcua.services import Services

_EVENT: Final = ObjectIds.BaseEventType
_CONDITION: Final = ObjectIds.ConditionType

FIELDS: Final = (
    (_EVENT, "EventId"),
    (_EVENT, "EventType"),
    (_EVENT, "SourceName"),
    (_EVENT, "Time"),
    (_EVENT, "Message"),
    (_EVENT, "Severity"),
    (ObjectIds.AlarmConditionType, "ActiveState/Id"),
    (ObjectIds.AcknowledgeableConditionType, "AckedState/Id"),
    (_CONDITION, "ConditionName"),
    (_CONDITION, ""),
)
"""Type and browse path of every field asked for; the empty path is the condition's own NodeId."""

PLAIN_FIELDS: Final = 6
"""So many of `FIELDS` every event has; a server without alarms may refuse the others."""


def event_filter(*, min_severity: int, fields: int) -> ua.EventFilter:
    """Give the filter for the first `fields` of `FIELDS`; severity 1 needs no condition."""
    wanted = ua.EventFilter()
    wanted.SelectClauses = [_operand(kind, path) for kind, path in FIELDS[:fields]]
    if min_severity > 1:
        literal = ua.LiteralOperand(ua.Variant(min_severity, ua.VariantType.UInt16))
        wanted.WhereClause = ua.ContentFilter([
            ua.ContentFilterElement(
                ua.FilterOperator.GreaterThanOrEqual, [_operand(_EVENT, "Severity"), literal]
            )
        ])  # fmt: skip
    return wanted


async def create_items(
    services: Services,
    subscription_id: int,
    nodes: Sequence[ua.NodeId],
    *,
    wanted: ua.EventFilter,
    queue_size: int,
) -> list[str]:
    """Monitor the events of nodes; give one status name per node, empty where all is well.

    Raises:
        NoReply, SessionLost: the session is over.
    """
    parameters = ua.CreateMonitoredItemsParameters(
        SubscriptionId=subscription_id,
        TimestampsToReturn=ua.TimestampsToReturn.Neither,
        ItemsToCreate=[
            ua.MonitoredItemCreateRequest(
                ItemToMonitor=ua.ReadValueId(node, AttributeIds.EventNotifier),
                MonitoringMode=ua.MonitoringMode.Reporting,
                RequestedParameters=ua.MonitoringParameters(
                    ClientHandle=handle,
                    SamplingInterval=0.0,
                    Filter=wanted,
                    QueueSize=queue_size,
                    DiscardOldest=True,
                ),
            )
            for handle, node in enumerate(nodes)
        ],
    )
    answer = await services.ask(
        ua.CreateMonitoredItemsRequest(Parameters=parameters),
        ua.CreateMonitoredItemsResponse,
        what="CreateMonitoredItems",
    )
    results = answer.Results or []
    if len(results) != len(nodes):
        raise SessionLost(f"the server answered {len(results)} of {len(nodes)} event items")
    codes = [int(result.StatusCode.value) for result in results]
    return [name_of(code) if code >> 30 else "" for code in codes]


async def refresh(services: Services, subscription_id: int) -> str:
    """Ask for the conditions that already hold; give why not, empty where the server does it.

    Raises:
        NoReply, SessionLost: the session is over.
        DriverError: the server knows no methods.
    """
    call = ua.CallMethodRequest(
        ObjectId=_standard(_CONDITION),
        MethodId=_standard(ObjectIds.ConditionType_ConditionRefresh),
        InputArguments=[ua.Variant(subscription_id, ua.VariantType.UInt32)],
    )
    request = ua.CallRequest(Parameters=ua.CallParameters([call]))
    answer = await services.ask(request, ua.CallResponse, what="ConditionRefresh")
    codes = [int(result.StatusCode.value) for result in answer.Results or []]
    return name_of(codes[0]) if codes and codes[0] >> 30 else ""


async def browse_name(services: Services, node: NodeKey) -> str:
    """Read the name of an event type; empty where the server does not tell.

    Raises:
        NoReply, SessionLost: the session is over.
    """
    (answer,) = await read_attributes(services, [(_node(node), AttributeIds.BrowseName)])
    told = held(answer)
    return str(told.Name or "") if isinstance(told, ua.QualifiedName) else ""


def _operand(kind: int, path: str) -> ua.SimpleAttributeOperand:
    """Name one field of an event: a value by its browse path, or the node itself."""
    return ua.SimpleAttributeOperand(
        TypeDefinitionId=_standard(kind),
        BrowsePath=[ua.QualifiedName(name, 0) for name in path.split("/") if path],
        AttributeId=AttributeIds.Value if path else AttributeIds.NodeId,
    )


def _standard(number: int) -> ua.NodeId:
    return ua.NodeId(ua.Int32(number))


_KINDS: Final = {
    int: ua.NodeIdType.Numeric,
    str: ua.NodeIdType.String,
    bytes: ua.NodeIdType.ByteString,
}


def _node(key: NodeKey) -> ua.NodeId:
    kind = _KINDS.get(type(key.identifier), ua.NodeIdType.Guid)
    return ua.NodeId(key.identifier, ua.Int16(key.namespace), kind)  # type: ignore[arg-type]  # its annotation knows numbers only
