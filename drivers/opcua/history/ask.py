"""HistoryRead as the driver uses it: raw values of many nodes, in portions, nothing left behind.

A continuation point that is not followed to its end is given back: servers have few of them.
Source: OPC 10000-4, 5.11.3 (HistoryRead); OPC 10000-11, 6.5.3 (ReadRawModifiedDetails).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds

from drivers.api import DriverError, NoReply
from drivers.opcua.calls import ServiceRefused
from drivers.opcua.decoding.status import name_of
from drivers.opcua.structures.ranged import range_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.opcua.services import Services

PATIENCE_S: Final = 20.0
"""How long one answer of a historian may take; values of now go on meanwhile."""
PORTION: Final = 200
"""Values of one node in one answer."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HISTORY_READ: Final = 4  # bit of the access level. Source: OPC 10000-3, 8.57
_NAME: Final = "HistoryRead"


@dataclass(frozen=True, slots=True)
class Portion:
    """What one answer holds of one node."""

    status: str
    """Symbolic name of the node's status code."""
    good: bool
    values: Sequence[ua.DataValue]
    point: bytes | None
    """Continuation point; None where this is the end."""


def moment(time_ns: int) -> datetime:
    """Give a time as the library takes it, to the microsecond."""
    return _EPOCH + timedelta(microseconds=time_ns // 1000)


def nanoseconds(time: datetime) -> int:
    """Give UTC nanoseconds of a time the library gave."""
    aware = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    passed = aware - _EPOCH
    return ((passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds) * 1000


async def keeps(services: Services, nodes: Sequence[ua.NodeId]) -> tuple[list[bool], datetime]:
    """Tell of each node whether we may read its history, and what the server's clock says.

    Raises:
        DriverError: the server does not tell.
    """
    answer = await _ask(
        services,
        ua.ReadRequest(
            Parameters=ua.ReadParameters(
                TimestampsToReturn=ua.TimestampsToReturn.Neither,
                NodesToRead=[ua.ReadValueId(node, AttributeIds.UserAccessLevel) for node in nodes],
            )
        ),
        ua.ReadResponse,
        what="Read",
    )
    levels = [result.Value.Value if result.Value is not None else None for result in answer.Results]
    if len(levels) != len(nodes):
        raise DriverError(f"Read: the server answered {len(levels)} of {len(nodes)} access levels")
    found = [isinstance(level, int) and bool(level & _HISTORY_READ) for level in levels]
    return found, answer.ResponseHeader.Timestamp


async def read_portions(
    services: Services,
    wanted: Sequence[tuple[ua.NodeId, bytes | None]],
    *,
    from_ns: int,
    to_ns: int,
) -> list[Portion]:
    """Read one portion per (node, continuation point) of [from, to) of the server's clock.

    Raises:
        TooMany: the server does not take as many nodes at once.
        ServiceRefused: it reads no history at all.
        DriverError: it did not answer in time, or not as asked.
        SessionLost: the session is over.
    """
    details = ua.ReadRawModifiedDetails(
        IsReadModified=False,
        StartTime=moment(from_ns),
        EndTime=moment(to_ns),
        NumValuesPerNode=PORTION,
        ReturnBounds=False,
    )
    answer = await _ask(services, _request(details, wanted), ua.HistoryReadResponse, what=_NAME)
    if len(answer.Results) != len(wanted):
        raise DriverError(f"{_NAME}: {len(answer.Results)} answers for {len(wanted)} nodes")
    return [_portion(result) for result in answer.Results]


async def release(services: Services, wanted: Sequence[tuple[ua.NodeId, bytes | None]]) -> None:
    """Give continuation points back; a server that refuses that forgets them by itself."""
    held = [each for each in wanted if each[1]]
    if not held:
        return
    request = _request(ua.ReadRawModifiedDetails(IsReadModified=False), held)
    request.Parameters.ReleaseContinuationPoints = True
    with suppress(ServiceRefused, DriverError):
        await _ask(services, request, ua.HistoryReadResponse, what=_NAME)


def _request(
    details: ua.ReadRawModifiedDetails, wanted: Sequence[tuple[ua.NodeId, bytes | None]]
) -> ua.HistoryReadRequest:
    return ua.HistoryReadRequest(
        Parameters=ua.HistoryReadParameters(
            HistoryReadDetails=cast("Any", details),
            TimestampsToReturn=ua.TimestampsToReturn.Source,
            ReleaseContinuationPoints=False,
            NodesToRead=[
                ua.HistoryReadValueId(
                    NodeId=node,
                    IndexRange=cast("Any", range_of(node)),
                    ContinuationPoint=point,
                )
                for node, point in wanted
            ],
        )
    )


def _portion(result: Any) -> Portion:
    code = int(result.StatusCode.value)
    values = getattr(result.HistoryData, "DataValues", None) or ()
    point = bytes(result.ContinuationPoint) if result.ContinuationPoint else None
    return Portion(name_of(code), not code >> 31, values, point)


async def _ask(services: Services, request: Any, answer: Any, *, what: str) -> Any:
    """Ask with a historian's patience; silence is no reason to end the session."""
    try:
        return await services.ask(request, answer, what=what, timeout_s=PATIENCE_S)
    except NoReply as error:
        raise DriverError(f"{what}: no answer within {PATIENCE_S:.0f} s") from error
