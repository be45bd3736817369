"""Reading many nodes in as few requests as the server takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from drivers.opcua.calls import TooLarge, TooMany
from drivers.opcua.decoding.items import Columns
from drivers.opcua.decoding.values import NO_DATA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncua import ua

    from drivers.api import Value
    from drivers.opcua.services import Services

TOO_LARGE: Final = "BadResponseTooLarge"
"""Reason of a node whose value alone is longer than any answer may be."""


async def read_nodes(
    services: Services, nodes: Sequence[ua.NodeId | None], *, most: int, unknown: str
) -> Columns:
    """Read nodes in batches; one column entry per node, `unknown` for those that are None.

    Raises:
        Busy: the server does not even take one node now.
        NoReply, SessionLost: the session is over.
    """
    wanted = [node for node in nodes if node is not None]
    parts: list[Columns] = []
    start = 0
    while start < len(wanted):
        batch = wanted[start : start + min(most, services.limits.read)]
        try:
            parts.append(await services.read(batch))
        except TooLarge:
            parts += await _apart(services, batch)
        except TooMany:
            if len(batch) == 1:
                raise
            services.limits.read = len(batch) // 2
            continue
        start += len(batch)
    if len(parts) == 1 and len(wanted) == len(nodes):
        return parts[0]
    places = [place for place, node in enumerate(nodes) if node is not None]
    return _spread(parts, places, total=len(nodes), unknown=unknown)


async def _apart(services: Services, nodes: Sequence[ua.NodeId]) -> list[Columns]:
    """Read nodes in halves whose answer is too long; one that is so alone has no value."""
    if len(nodes) == 1:
        return [Columns((), [None], unfit={0: TOO_LARGE})]
    parts: list[Columns] = []
    half = len(nodes) // 2
    for some in (nodes[:half], nodes[half:]):
        try:
            parts.append(await services.read(some))
        except TooLarge:
            parts += await _apart(services, some)
    return parts


def _spread(parts: list[Columns], places: list[int], *, total: int, unknown: str) -> Columns:
    """Put the answers of several requests at the places of their nodes."""
    values: list[Value] = [None] * total
    statuses = [0] * total
    sources = [0] * total
    unfit = dict.fromkeys(range(total), unknown)
    target = iter(places)
    for part in parts:
        for position, value in enumerate(part.values):
            place = next(target)
            values[place] = value
            statuses[place] = part.statuses[position] if part.statuses is not None else 0
            sources[place] = part.sources[position] if part.sources is not None else 0
            if position in part.unfit:
                unfit[place] = part.unfit[position] or NO_DATA
            else:
                del unfit[place]
    return Columns(
        (),
        values,
        statuses if any(statuses) else None,
        sources if any(sources) else None,
        unfit,
    )
