"""What stands between the wire and asyncua's services: limits and faults are applied here.

A request too large is refused with the code the standard gives it, before the service sees it; a
fault acts on the request that meets it, never on the values.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import asyncua
from asyncua.common.utils import ServiceError
from asyncua.server.internal_session import SessionState
from asyncua.server.uaprocessor import UaProcessor
from asyncua.ua.ua_binary import struct_from_binary, uatcp_to_binary

from simulators.opcua.browsing import Portions

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncua.common.connection import TransportLimits
    from asyncua.server.internal_server import InternalServer

    from simulators.opcua.clock import DeviceClock
    from simulators.opcua.faults import Faults
    from simulators.opcua.limits import Limits

ua: Any = asyncua.ua  # its annotations contradict its own documented use; not checked

_LIMITED: Final = {
    "Read": ("read", lambda body: struct_from_binary(ua.ReadParameters, body).NodesToRead),
    "Write": ("write", lambda body: struct_from_binary(ua.WriteParameters, body).NodesToWrite),
    "Browse": ("browse", lambda body: struct_from_binary(ua.BrowseParameters, body).NodesToBrowse),
    "BrowseNext": (
        "browse",
        lambda body: struct_from_binary(ua.BrowseNextParameters, body).ContinuationPoints,
    ),
    "TranslateBrowsePathsToNodeIds": (
        "translate",
        lambda body: (
            struct_from_binary(ua.TranslateBrowsePathsToNodeIdsParameters, body).BrowsePaths
        ),
    ),
    "RegisterNodes": (
        "register",
        lambda body: struct_from_binary(ua.RegisterNodesParameters, body).NodesToRegister,
    ),
    "CreateMonitoredItems": (
        "items",
        lambda body: struct_from_binary(ua.CreateMonitoredItemsParameters, body).ItemsToCreate,
    ),
    "ModifyMonitoredItems": (
        "items",
        lambda body: struct_from_binary(ua.ModifyMonitoredItemsParameters, body).ItemsToModify,
    ),
    "DeleteMonitoredItems": (
        "items",
        lambda body: struct_from_binary(ua.DeleteMonitoredItemsParameters, body).MonitoredItemIds,
    ),
    "SetMonitoringMode": (
        "items",
        lambda body: struct_from_binary(ua.SetMonitoringModeParameters, body).MonitoredItemIds,
    ),
    "HistoryRead": (
        "history",
        lambda body: struct_from_binary(ua.HistoryReadParameters, body).NodesToRead,
    ),
}
"""Service -> operation of its limit, and what of its request is counted."""
_SERVICES: Final = {
    getattr(ua.ObjectIds, f"{name}Request_Encoding_DefaultBinary"): name
    for name in (*_LIMITED, "CreateSession", "Publish")
}


class Guard(UaProcessor):
    """The server's side of one connection."""

    def __init__(
        self,
        internal_server: InternalServer,
        transport: Any,
        wire: TransportLimits,
        *,
        limits: Limits,
        faults: Faults,
        clock: DeviceClock,
    ) -> None:
        super().__init__(internal_server, transport, wire)
        self._bounds = limits
        self._faults = faults
        self._clock = clock
        self._portions = Portions(most=limits.references)

    async def process(self, header: Any, body: Any) -> bool:
        """Answer one chunk; False closes the connection, after saying why where that is known."""
        if self._faults.acts("silent") and header.MessageType != ua.MessageType.SecureMessage:
            return True
        try:
            going: bool = await super().process(header, body)  # type: ignore[no-untyped-call]  # asyncua leaves it so
        except ua.UaError as error:
            code = getattr(error, "code", ua.StatusCodes.BadSecurityChecksFailed)
            said = ua.ErrorMessage(ua.StatusCode(code), str(error))
            self._transport.write(uatcp_to_binary(ua.MessageType.Error, said))
            return False
        return going

    def send_response(
        self, requesthandle: Any, seqhdr: Any, response: Any, msgtype: Any = None
    ) -> None:
        """Send an answer, stamped by the device's clock, while somebody is there to take it."""
        if self._transport.is_closing():
            return
        response.ResponseHeader.Timestamp = self._clock.now()
        kind = msgtype or ua.MessageType.SecureMessage
        super().send_response(requesthandle, seqhdr, response, kind)  # type: ignore[no-untyped-call]  # asyncua leaves it so

    def end_session(self) -> None:
        """Answer every waiting Publish with BadSessionClosed."""
        waiting = list(self._publish_requests)
        self._publish_requests.clear()
        for request in waiting:
            fault = ua.ServiceFault()
            fault.ResponseHeader.ServiceResult = ua.StatusCode(ua.StatusCodes.BadSessionClosed)
            self.send_response(request.requesthdr.RequestHandle, request.seqhdr, fault)

    async def _process_message(self, typeid: Any, requesthdr: Any, seqhdr: Any, body: Any) -> bool:
        if self._faults.acts("silent"):  # only now: the numbers of the chunks must go on
            return True
        service = _SERVICES.get(typeid.Identifier, "")
        if self._faults.slow_s:
            await asyncio.sleep(self._faults.slow_s)
        self._check(service, body)
        if service == "BrowseNext":
            self._browse_next(requesthdr, seqhdr, body)
            return True
        if service == "Browse":
            await self._browse(requesthdr, seqhdr, body)
            return True
        going: bool = await super()._process_message(typeid, requesthdr, seqhdr, body)  # type: ignore[no-untyped-call]  # asyncua leaves it so
        return going

    def _check(self, service: str, body: Any) -> None:
        """Refuse what is too much or comes at the wrong time.

        Raises:
            ServiceError: with the code of the refusal.
        """
        if service == "CreateSession":
            self._check_sessions()
        elif self.session is not None and self.session.state is SessionState.Closed:
            raise ServiceError(ua.StatusCodes.BadSessionIdInvalid)
        operation, counted = _LIMITED.get(service, ("", None))
        most = self._bounds.per_call.get(operation, 0)
        if counted is not None and most and _size(counted, body) > most:
            self._faults.counts["too many operations"] += 1
            raise ServiceError(ua.StatusCodes.BadTooManyOperations)

    def _check_sessions(self) -> None:
        full = (
            self._bounds.sessions and len(self.iserver._external_sessions) >= self._bounds.sessions  # noqa: SLF001 - asyncua has no public count
        )
        if full or self._faults.acts("no-sessions"):
            self._faults.counts["sessions refused"] += 1
            raise ServiceError(ua.StatusCodes.BadTooManySessions)

    async def _browse(self, requesthdr: Any, seqhdr: Any, body: Any) -> None:
        session = self._active()
        asked = struct_from_binary(ua.BrowseParameters, body)
        response = ua.BrowseResponse()
        found = await session.browse(asked)
        response.Results = self._portions.cut(found, asked=asked.RequestedMaxReferencesPerNode)
        self.send_response(requesthdr.RequestHandle, seqhdr, response)

    def _browse_next(self, requesthdr: Any, seqhdr: Any, body: Any) -> None:
        self._active()
        asked = struct_from_binary(ua.BrowseNextParameters, body)
        response = ua.BrowseNextResponse()
        response.Parameters.Results = self._portions.resume(
            asked.ContinuationPoints, release=asked.ReleaseContinuationPoints
        )
        self.send_response(requesthdr.RequestHandle, seqhdr, response)

    def _active(self) -> Any:
        if self.session is None or not self.session.is_activated():
            raise ServiceError(ua.StatusCodes.BadSessionNotActivated)
        self.session.touch()
        return self.session


def _size(counted: Callable[[Any], list[Any]], body: Any) -> int:
    return len(counted(body.copy()) or ())
