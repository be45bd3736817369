"""What a server takes at once: asked in one read, with who it is; the rest is learned.

Servers declare 0, nothing, or what is not true. So a declared limit only starts the figure; what
the server refuses halves it, and that holds for the life of the session, for all its groups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from asyncua import ua
from asyncua.ua.object_ids import ObjectIds

from drivers.opcua.calls import UNKNOWN_NODE, UNLIMITED
from drivers.opcua.poll import read_nodes
from drivers.opcua.profiles import PROFILES, UNKNOWN, profile_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from drivers.api import Value
    from drivers.opcua.calls import Limits
    from drivers.opcua.profiles import Profile
    from drivers.opcua.services import Services

_CAPABILITIES = "Server_ServerCapabilities_"
_PER_CALL = f"{_CAPABILITIES}OperationLimits_"
_BUILD = "Server_ServerStatus_BuildInfo_"

DECLARED: Final = {
    "read": f"{_PER_CALL}MaxNodesPerRead",
    "monitor": f"{_PER_CALL}MaxMonitoredItemsPerCall",
    "browse": f"{_PER_CALL}MaxNodesPerBrowse",
    "translate": f"{_PER_CALL}MaxNodesPerTranslateBrowsePathsToNodeIds",
    "history": f"{_PER_CALL}MaxNodesPerHistoryReadData",
    "items_per_subscription": f"{_CAPABILITIES}MaxMonitoredItemsPerSubscription",
    "queue": f"{_CAPABILITIES}MaxMonitoredItemsQueueSize",
}
"""Field of `Limits` -> node that declares it; the last two since 1.05. Source: OPC 10000-5, 6.3."""

_NAMES: Final = (f"{_BUILD}ManufacturerName", f"{_BUILD}ProductName", f"{_BUILD}ProductUri")
_NUMBERS: Final = tuple(int(getattr(ObjectIds, name)) for name in (*DECLARED.values(), *_NAMES))


async def learn(services: Services, *, known: Iterable[str], profile: str) -> None:
    """Fill in the limits of a session; `known` is what the server said of itself before.

    Raises:
        NoReply, SessionLost: the session is over.
    """
    wanted = [ua.NodeId(ua.Int32(number)) for number in _NUMBERS]
    columns = await read_nodes(services, wanted, most=len(wanted), unknown=UNKNOWN_NODE)
    values = columns.values
    declare(services.limits, dict(zip(DECLARED, values[: len(DECLARED)], strict=True)))
    names = [text for text in values[len(DECLARED) :] if isinstance(text, str)]
    chosen = profile_of((*known, *names)) if profile == "auto" else PROFILES[profile]
    services.limits.profile = chosen.name
    services.limits.monitor = _batch(services.limits.monitor, chosen)


def declare(limits: Limits, told: dict[str, Value]) -> None:
    """Take what a server declares, field -> value; 0, text or nothing says nothing."""
    for field, value in told.items():
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            setattr(limits, field, min(getattr(limits, field), value))


def met(limits: Limits) -> dict[str, int]:
    """Give the limits that are one, by field."""
    return {field: most for field in DECLARED if (most := int(getattr(limits, field))) < UNLIMITED}


def _batch(declared: int, profile: Profile) -> int:
    """Give the first batch of items: known servers bear less than they declare."""
    if profile.items_per_call is None or (profile is UNKNOWN and declared < UNLIMITED):
        return declared
    return min(declared, int(profile.items_per_call.value))
