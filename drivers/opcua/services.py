"""The services of one session that the driver uses, with the host's errors.

One request at a time per caller, each with its deadline. What the server limits is remembered for
the life of the session: `limits` starts from what it declares and shrinks with what it refuses.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from asyncua import ua
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.uaerrors import UaStatusCodeError

from drivers.api import Busy
from drivers.opcua.address import IdKind
from drivers.opcua.calls import Limits, Revised, ServiceRefused
from drivers.opcua.decoding.binary import DecodeError
from drivers.opcua.decoding.items import Columns, read_results, read_text_array
from drivers.opcua.failures import refusal, service_error, translated
from drivers.opcua.structures.layout import Layouts
from drivers.opcua.structures.ranged import value_of
from drivers.opcua.subscribing.publish import READ_RESPONSE, SERVICE_FAULT, read_again, read_answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.opcua.address import NodeAddress
    from drivers.opcua.subscribing.publish import Notification
    from drivers.opcua.wire.client import WireClient


_Answer = TypeVar("_Answer")


def _standard(number: int) -> ua.NodeId:
    """Give a node of the standard's own namespace."""
    return ua.NodeId(ua.Int32(number))


NAMESPACES: Final = _standard(ObjectIds.Server_NamespaceArray)
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

    def __init__(self, client: WireClient, *, timeout_s: float) -> None:
        self.client = client
        self.timeout_s = timeout_s
        self.limits = Limits()
        self.layouts = Layouts()
        """What the server's structures are made of, as far as it was asked."""

    async def read(self, nodes: Sequence[ua.NodeId]) -> Columns:
        """Read the values of nodes in one request.

        Raises:
            TooMany: the server does not take as many at once.
            NoReply, SessionLost: the session is over.
        """
        data, start = await self._read_bytes(nodes)
        with translated("Read"):
            return read_results(data, start, expected=len(nodes))

    async def namespaces(self, *, timeout_s: float | None = None) -> list[str]:
        """Read the server's namespace URIs, in the order of their indexes; empty if it tells none.

        Raises:
            NoReply, SessionLost: the session is over.
        """
        data, start = await self._read_bytes((NAMESPACES,), timeout_s=timeout_s)
        with translated("Read"):
            return read_text_array(data, start)

    async def build_info(self) -> dict[str, str]:
        """Read who made the server; without what it does not say."""
        found: dict[str, str] = {}
        for name, node in BUILD_INFO.items():
            (value,) = (await self.read((node,))).values
            if isinstance(value, str) and value:
                found[name] = value
        return found

    async def renew_channel(self) -> float:
        """Renew the channel's keys; give for how long, in seconds."""
        with translated("renewing the channel"):
            async with asyncio.timeout(self.timeout_s):
                await self.client.open_channel(renew=True)
        return self.channel_life_s

    @property
    def channel_life_s(self) -> float:
        """How long the server keeps the channel without renewal."""
        return self.client.channel_life_ms / 1000

    @property
    def session_life_s(self) -> float:
        """How long the server keeps the session without a request."""
        return self.client.session_life_ms / 1000

    async def create_subscription(
        self, *, publishing_s: float, keepalives: int, lifetime: int
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
        request = ua.CreateSubscriptionRequest(Parameters=parameters)
        what = "CreateSubscription"
        made = (await self._asked(request, ua.CreateSubscriptionResponse, what=what)).Parameters
        publishing_s = float(made.RevisedPublishingInterval) / 1000
        return Revised(
            int(made.SubscriptionId),
            publishing_s,
            publishing_s * int(made.RevisedMaxKeepAliveCount),
        )

    async def republish(
        self, subscription_id: int, number: int
    ) -> tuple[Notification, bytes] | None:
        """Have a message sent again; give it with its bytes, None where the server has it no more.

        Raises:
            NoReply, SessionLost: the session is over.
        """
        wanted = ua.RepublishParameters(subscription_id, number)
        with suppress(ServiceRefused, Busy), translated("Republish"):
            async with asyncio.timeout(self.timeout_s):
                request = ua.RepublishRequest(Parameters=wanted)
                data = await self.client.send(request, timeout_s=self.timeout_s)
            answer = read_answer(data)
            if answer.type_id == SERVICE_FAULT or answer.status >> 30:
                raise refusal(answer.status, "Republish")
            message = read_again(data, subscription_id)
            return (message, data) if message.sequence == number else None
        return None

    async def delete_subscription(self, subscription_id: int, *, timeout_s: float) -> None:
        """End a subscription on the server."""
        request = ua.DeleteSubscriptionsRequest()
        request.Parameters.SubscriptionIds = [ua.UInt32(subscription_id)]
        what = "DeleteSubscriptions"
        await self._asked(request, ua.DeleteSubscriptionsResponse, what=what, timeout_s=timeout_s)

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
            try:
                async with asyncio.timeout(limit_s):
                    return await self.client.ask(request, answer, timeout_s=limit_s)
            except UaStatusCodeError as error:
                raise refusal(error.code, what) from error

    def publish(self, acknowledged: list[tuple[int, int]]) -> asyncio.Future[bytes]:
        """Ask for the next notification; acknowledge (subscription, sequence) pairs.

        Raises:
            ConnectionError: there is no connection.
        """
        return self.client.publish(acknowledged)

    def rest(self) -> None:
        """Read nothing for a moment: messages that are on their way are then taken together."""
        self.client.connection.rest()

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
            NodesToRead=[value_of(node) for node in nodes],
        )
        limit_s = timeout_s or self.timeout_s
        with translated("Read"):
            async with asyncio.timeout(limit_s):
                request = ua.ReadRequest(Parameters=parameters)
                data = await self.client.send(request, timeout_s=limit_s)
            return data, _body_of(data)

    async def _asked(
        self, request: Any, answer: type[_Answer], *, what: str, timeout_s: float | None = None
    ) -> _Answer:
        """Send a request within its deadline; a refusal ends the session."""
        limit_s = timeout_s or self.timeout_s
        with translated(what):
            async with asyncio.timeout(limit_s):
                return await self.client.ask(request, answer, timeout_s=limit_s)


def _body_of(data: bytes) -> int:
    """Give where the results of a ReadResponse begin."""
    answer = read_answer(data)
    if answer.type_id == SERVICE_FAULT or answer.status >> 30:
        raise service_error(answer.status, "Read")
    if answer.type_id != READ_RESPONSE:
        raise DecodeError(f"a message of type {answer.type_id} answers a Read")
    return answer.body
