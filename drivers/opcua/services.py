"""The services of one session that the driver uses, with the host's errors.

One request at a time per caller, each with its deadline. What the server limits is remembered for
the life of the session: `limits` starts from what it declares and shrinks with what it refuses.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.ua_binary import struct_from_binary

from drivers.api import SessionLost
from drivers.opcua import pinned
from drivers.opcua.address import IdKind
from drivers.opcua.binary import DecodeError
from drivers.opcua.calls import Limits, Revised
from drivers.opcua.failures import service_error, translated
from drivers.opcua.items import Columns, read_results, read_text_array
from drivers.opcua.publish import READ_RESPONSE, SERVICE_FAULT, read_answer
from drivers.opcua.stock import result_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from asyncua.client.client import Client

    from drivers.opcua.address import NodeAddress
    from drivers.opcua.calls import Item


_Answer = TypeVar("_Answer")


def _standard(number: int) -> ua.NodeId:
    """Give a node of the standard's own namespace."""
    return ua.NodeId(ua.Int32(number))


NAMESPACES: Final = _standard(ObjectIds.Server_NamespaceArray)
SERVER_STATE: Final = _standard(ObjectIds.Server_ServerStatus_State)
LIMIT_NODES: Final = (
    _standard(ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead),
    _standard(ObjectIds.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall),
)
MOST_PER_PUBLISH: Final = 10_000
"""Notifications in one message: about half a megabyte."""

BUILD_INFO: Final = {
    "ManufacturerName": _standard(ObjectIds.Server_ServerStatus_BuildInfo_ManufacturerName),
    "ProductName": _standard(ObjectIds.Server_ServerStatus_BuildInfo_ProductName),
    "ProductUri": _standard(ObjectIds.Server_ServerStatus_BuildInfo_ProductUri),
    "SoftwareVersion": _standard(ObjectIds.Server_ServerStatus_BuildInfo_SoftwareVersion),
    "BuildNumber": _standard(ObjectIds.Server_ServerStatus_BuildInfo_BuildNumber),
}

_KINDS: Final = {
    IdKind.NUMERIC: ua.NodeIdType.Numeric,
    IdKind.STRING: ua.NodeIdType.String,
    IdKind.GUID: ua.NodeIdType.Guid,
    IdKind.OPAQUE: ua.NodeIdType.ByteString,
}


class Services:
    """Typed requests over one connected client."""

    def __init__(self, client: Client, *, timeout_s: float, fast: bool) -> None:
        self.client = client
        self.timeout_s = timeout_s
        self.fast = fast
        """Whether answers are decoded from their bytes, or by the library."""
        self.limits = Limits()

    async def read(self, nodes: Sequence[ua.NodeId]) -> Columns:
        """Read the values of nodes in one request.

        Raises:
            TooMany: the server does not take as many at once.
            NoReply, SessionLost: the session is over.
        """
        data, start = await self._read_bytes(nodes)
        with translated("Read"):
            return read_results(data, start, expected=len(nodes))

    async def namespaces(self) -> list[str]:
        """Read the server's namespace URIs, in the order of their indexes."""
        data, start = await self._read_bytes((NAMESPACES,))
        with translated("Read"):
            return read_text_array(data, start)

    async def learn_limits(self) -> None:
        """Ask what the server takes in one call; 0 or no answer leaves our own cap."""
        for node, name in zip(LIMIT_NODES, ("read", "monitor"), strict=True):
            (value,) = (await self.read((node,))).values
            if isinstance(value, int) and value > 0:
                setattr(self.limits, name, value)

    async def build_info(self) -> dict[str, str]:
        """Read who made the server; without what it does not say."""
        found: dict[str, str] = {}
        for name, node in BUILD_INFO.items():
            (value,) = (await self.read((node,))).values
            if isinstance(value, str) and value:
                found[name] = value
        return found

    async def probe(self, *, timeout_s: float) -> None:
        """Ask the server for its state, with a deadline of its own.

        Raises:
            NoReply, SessionLost: it did not answer.
        """
        await self._read_bytes((SERVER_STATE,), timeout_s=timeout_s)

    async def renew_channel(self) -> float:
        """Renew the channel's keys; give for how long, in seconds."""
        with translated("renewing the channel"):
            async with asyncio.timeout(self.timeout_s):
                await self.client.open_secure_channel(renew=True)
            self.client.uaclient.revolve_security_token()
        return self.channel_life_s

    @property
    def channel_life_s(self) -> float:
        """How long the server keeps the channel without renewal."""
        return float(self.client.secure_channel_timeout) / 1000

    @property
    def session_life_s(self) -> float:
        """How long the server keeps the session without a request."""
        return float(self.client.session_timeout) / 1000

    async def create_subscription(
        self, *, publishing_s: float, keepalives: int, lifetime: int, on_publish: Callable[..., Any]
    ) -> Revised:
        """Create an empty subscription; counts are in publishing intervals."""
        parameters = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=publishing_s * 1000,
            RequestedLifetimeCount=lifetime,
            RequestedMaxKeepAliveCount=keepalives,
            MaxNotificationsPerPublish=MOST_PER_PUBLISH,
            PublishingEnabled=True,
            Priority=0,
        )
        with translated("CreateSubscription"):
            async with asyncio.timeout(self.timeout_s):
                made = await self.client.uaclient.session.create_subscription(
                    parameters, on_publish
                )
        publishing_s = float(made.RevisedPublishingInterval) / 1000
        return Revised(
            int(made.SubscriptionId),
            publishing_s,
            publishing_s * int(made.RevisedMaxKeepAliveCount),
        )

    async def create_items(
        self, subscription_id: int, items: Sequence[Item], *, sampling_s: float, queue_size: int
    ) -> list[int]:
        """Monitor nodes in one request; give one status code per item, 0 where all is well.

        Raises:
            TooMany: the server does not take as many at once.
            NoReply, SessionLost: the session is over.
        """
        parameters = ua.CreateMonitoredItemsParameters(
            SubscriptionId=subscription_id,
            TimestampsToReturn=ua.TimestampsToReturn.Source,
            ItemsToCreate=[
                _item_request(item, sampling_s=sampling_s, queue_size=queue_size) for item in items
            ],
        )
        with translated("CreateMonitoredItems"):
            async with asyncio.timeout(self.timeout_s):
                made = await self.client.uaclient.session.create_monitored_items(parameters)
        if len(made) != len(items):
            raise SessionLost(f"the server answered {len(made)} of {len(items)} monitored items")
        return [int(result.StatusCode.value) for result in made]

    async def delete_subscription(self, subscription_id: int, *, timeout_s: float) -> None:
        """End a subscription on the server."""
        with translated("DeleteSubscriptions"):
            async with asyncio.timeout(timeout_s):
                await self.client.uaclient.session.delete_subscriptions([subscription_id])

    async def ask(
        self, request: Any, answer: type[_Answer], *, what: str, timeout_s: float | None = None
    ) -> _Answer:
        """Send any request of the session; give its decoded answer. `what` names the service.

        Raises:
            TooMany: the server does not take as much at once.
            NoReply, SessionLost: the session is over.
            DriverError: the server refuses it.
        """
        limit_s = timeout_s or self.timeout_s
        with translated(what):
            async with asyncio.timeout(limit_s):
                data = bytes(await pinned.send(self.client, request, timeout_s=limit_s))
            told = read_answer(data)
            if told.type_id == SERVICE_FAULT or told.status >> 30:
                raise service_error(told.status, what)
            return struct_from_binary(answer, Buffer(data))

    def publish(self, acknowledged: list[tuple[int, int]]) -> asyncio.Future[Buffer]:
        """Ask for the next notification; acknowledge (subscription, sequence) pairs.

        Raises:
            ConnectionError: there is no connection.
        """
        request = ua.PublishRequest()
        request.Parameters.SubscriptionAcknowledgements = [
            ua.SubscriptionAcknowledgement(*pair) for pair in acknowledged
        ]
        return pinned.send(self.client, request, timeout_s=0)

    def node_ids(
        self, addresses: Sequence[NodeAddress], namespaces: Sequence[str]
    ) -> list[ua.NodeId | None]:
        """Give each address's NodeId on this server; None where it lacks the namespace."""
        index = {uri: number for number, uri in reversed(list(enumerate(namespaces)))}
        found: list[ua.NodeId | None] = []
        for address in addresses:
            number = address.index if address.uri is None else index.get(address.uri)
            found.append(
                None
                if number is None
                else ua.NodeId(
                    cast("Any", address.identifier), ua.Int16(number), _KINDS[address.kind]
                )
            )
        return found

    async def _read_bytes(
        self, nodes: Sequence[ua.NodeId], *, timeout_s: float | None = None
    ) -> tuple[bytes, int]:
        """Read values; give the answer's bytes and where its results begin."""
        parameters = ua.ReadParameters(
            TimestampsToReturn=ua.TimestampsToReturn.Source,
            NodesToRead=[ua.ReadValueId(node, AttributeIds.Value) for node in nodes],
        )
        limit_s = timeout_s or self.timeout_s
        with translated("Read"):
            async with asyncio.timeout(limit_s):
                if not self.fast:
                    return result_bytes(await self.client.uaclient.session.read(parameters)), 0
                request = ua.ReadRequest(Parameters=parameters)
                data = bytes(await pinned.send(self.client, request, timeout_s=limit_s))
            return data, _body_of(data)


def _body_of(data: bytes) -> int:
    """Give where the results of a ReadResponse begin."""
    answer = read_answer(data)
    if answer.type_id == SERVICE_FAULT or answer.status >> 30:
        raise service_error(answer.status, "Read")
    if answer.type_id != READ_RESPONSE:
        raise DecodeError(f"a message of type {answer.type_id} answers a Read")
    return answer.body


def _item_request(
    item: Item, *, sampling_s: float, queue_size: int
) -> ua.MonitoredItemCreateRequest:
    return ua.MonitoredItemCreateRequest(
        ItemToMonitor=ua.ReadValueId(item.node, AttributeIds.Value),
        MonitoringMode=ua.MonitoringMode.Reporting,
        RequestedParameters=ua.MonitoringParameters(
            ClientHandle=item.handle,
            SamplingInterval=sampling_s * 1000,
            QueueSize=queue_size,
            DiscardOldest=True,
        ),
    )
