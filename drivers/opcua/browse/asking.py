"""Reads, browses and path translations of many nodes, in as few requests as the server takes.

What a server refuses as too much is halved and asked for again; the answer to one node never fails
the others. Continuation points are followed up to a bound, and given back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from asyncua import ua

from drivers.api import SessionLost
from drivers.opcua.calls import TooMany

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from asyncua.ua.attribute_ids import AttributeIds

    from drivers.opcua.services import Services

BATCH: Final = 100
"""Most nodes in one request, whatever the server takes: an answer stays small and soon."""
MOST_REFERENCES: Final = 1_000
"""References of one node that are asked for at once."""

_NO_POINTS: Final = 0x804B_0000  # BadNoContinuationPoints

_Question = TypeVar("_Question")
_Answer = TypeVar("_Answer")


async def read_attributes(
    services: Services, wanted: Sequence[tuple[ua.NodeId, AttributeIds]]
) -> list[ua.DataValue]:
    """Read attributes of nodes.

    Raises:
        DriverError: the server does not read now; SessionLost: the session is over.
    """

    async def read(batch: Sequence[ua.ReadValueId]) -> list[ua.DataValue]:
        parameters = ua.ReadParameters(
            TimestampsToReturn=ua.TimestampsToReturn.Neither, NodesToRead=list(batch)
        )
        request = ua.ReadRequest(Parameters=parameters)
        return (await services.ask(request, ua.ReadResponse, what="Read")).Results

    asked = [ua.ReadValueId(node, attribute) for node, attribute in wanted]
    return await _batched(services, asked, read, limit="read", what="Read")


async def browse(
    services: Services, wanted: Sequence[ua.BrowseDescription], *, most: int = MOST_REFERENCES
) -> list[tuple[list[ua.ReferenceDescription], bool]]:
    """Give the references of each node, `most` at most, and whether these are all.

    Raises:
        DriverError: the server does not browse now; SessionLost: the session is over.
    """

    async def ask(batch: Sequence[ua.BrowseDescription]) -> list[ua.BrowseResult]:
        results = await begin(batch)
        if len(results) != len(batch):
            return results
        for at, one in enumerate(results):
            result = one
            if one.StatusCode.value == _NO_POINTS and len(batch) > 1:
                (result,) = await begin(batch[at : at + 1])  # the points before are given back
            results[at] = await _continued(services, result, most=most)
        return results

    async def begin(batch: Sequence[ua.BrowseDescription]) -> list[ua.BrowseResult]:
        parameters = ua.BrowseParameters(
            RequestedMaxReferencesPerNode=MOST_REFERENCES, NodesToBrowse=list(batch)
        )
        parameters.View = ua.ViewDescription()
        request = ua.BrowseRequest(Parameters=parameters)
        return (await services.ask(request, ua.BrowseResponse, what="Browse")).Results

    results = await _batched(services, wanted, ask, limit="browse", what="Browse")
    return [
        ((one.References or [])[:most], not one.ContinuationPoint and len(one.References) <= most)
        for one in results
    ]


async def translate(
    services: Services, paths: Sequence[ua.BrowsePath]
) -> list[ua.BrowsePathResult]:
    """Ask which nodes browse paths lead to.

    Raises:
        DriverError: the server does not translate now; SessionLost: the session is over.
    """
    what = "TranslateBrowsePathsToNodeIds"

    async def ask(batch: Sequence[ua.BrowsePath]) -> list[ua.BrowsePathResult]:
        parameters = ua.TranslateBrowsePathsToNodeIdsParameters(list(batch))
        request = ua.TranslateBrowsePathsToNodeIdsRequest(Parameters=parameters)
        kind = ua.TranslateBrowsePathsToNodeIdsResponse
        return (await services.ask(request, kind, what=what)).Results

    return await _batched(services, paths, ask, limit="translate", what=what)


def below(node: ua.NodeId, *, reference: int, inverse: bool = False) -> ua.BrowseDescription:
    """Ask for the nodes a kind of reference, or one derived from it, leads to."""
    return ua.BrowseDescription(
        NodeId=node,
        BrowseDirection=ua.BrowseDirection.Inverse if inverse else ua.BrowseDirection.Forward,
        ReferenceTypeId=ua.NodeId(ua.Int32(reference)),
        IncludeSubtypes=True,
        NodeClassMask=0,
        ResultMask=ua.BrowseResultMask.All,
    )


def held(answer: ua.DataValue) -> Any:
    """Give what an attribute holds; None where the server does not say."""
    bad = answer.StatusCode is not None and not answer.StatusCode.is_good()
    return None if bad or answer.Value is None else answer.Value.Value


async def _continued(services: Services, first: ua.BrowseResult, *, most: int) -> ua.BrowseResult:
    """Follow the continuation point of one node; one that is not followed is given back."""
    found = list(first.References or [])
    point = first.ContinuationPoint
    try:
        while point and len(found) < most:
            result = await _next(services, point, release=False)
            if result is None:
                break
            point = result.ContinuationPoint
            if not result.References:
                break  # a server that goes on with nothing would do so for ever
            found += result.References
    finally:
        if point:
            await _next(services, point, release=True)
    first.References, first.ContinuationPoint = found, point
    return first


async def _next(services: Services, point: Any, *, release: bool) -> ua.BrowseResult | None:
    request = ua.BrowseNextRequest(
        Parameters=ua.BrowseNextParameters(
            ReleaseContinuationPoints=release, ContinuationPoints=[point]
        )
    )
    answer = await services.ask(request, ua.BrowseNextResponse, what="BrowseNext")
    results = answer.Parameters.Results
    return results[0] if results else None


async def _batched(
    services: Services,
    wanted: Sequence[_Question],
    ask: Callable[[Sequence[_Question]], Awaitable[list[_Answer]]],
    *,
    limit: Literal["read", "browse", "translate"],
    what: str,
) -> list[_Answer]:
    """Ask in batches, halving what is too much; one answer for each question."""
    found: list[_Answer] = []
    while len(found) < len(wanted):
        most = max(1, min(BATCH, getattr(services.limits, limit)))
        batch = wanted[len(found) : len(found) + most]
        try:
            answers = await ask(batch)
        except TooMany:
            if len(batch) == 1:
                raise
            setattr(services.limits, limit, len(batch) // 2)
            continue
        if len(answers) != len(batch):
            raise SessionLost(f"{what}: {len(answers)} answers to {len(batch)} questions")
        found += answers
    return found
