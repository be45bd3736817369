"""The node ids of plans on one server: namespaces by their URI, looked for again while missing."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, NamedTuple

from drivers.api import SessionLost
from drivers.opcua.browse.names import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncua import ua

    from drivers.opcua.alerts.plan import AlertPlan
    from drivers.opcua.plan import OpcuaPlan
    from drivers.opcua.services import Services

NAMESPACE_RETRY_S: Final = 10.0
"""A namespace that is missing is looked for again this often: servers load them after starting."""

MOST_NAMED: Final = 20
"""Namespaces that a warning names."""

_log = logging.getLogger(__name__)


class _Resolved(NamedTuple):
    """What a plan means, and when that was found, by the loop's clock."""

    plan: OpcuaPlan | AlertPlan
    nodes: list[ua.NodeId | None]
    at_s: float


class Nodes:
    """What the plans of one session mean on its server; good for as long as the session."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._resolved: dict[int, _Resolved] = {}
        self.namespaces: list[str] = []
        """The server's namespace URIs, in the order of their indexes."""

    async def read_namespaces(self, *, timeout_s: float | None = None) -> None:
        """Ask the server for its namespaces; new ones may follow those that were known.

        Raises:
            NoReply, SessionLost: the session is over, or the indexes mean something else now.
        """
        before, found = self.namespaces, await self._services.namespaces(timeout_s=timeout_s)
        if found and found[: len(before)] != before:
            raise SessionLost(
                "the server changed the indexes of its namespaces",
                zh="服务器的命名空间序号变了",
            )
        self.namespaces = found or before

    async def of(self, plan: OpcuaPlan | AlertPlan) -> list[ua.NodeId | None]:
        """Give the node ids of a plan on this server; None where the namespace is unknown.

        Raises:
            NoReply, SessionLost: the session is over.
        """
        now_s = asyncio.get_running_loop().time()
        known = self._resolved.get(id(plan))
        if known is not None and known.plan is plan:
            if None not in known.nodes or now_s < known.at_s + NAMESPACE_RETRY_S:
                return known.nodes
            await self.read_namespaces()
        nodes = self._services.node_ids(plan.nodes, self.namespaces)
        if any(node.path or node.part for node in plan.nodes):
            from drivers.opcua.browse.resolve import resolve  # late: it needs the library

            nodes = await resolve(self._services, plan.nodes, nodes, self.namespaces)
        self._resolved[id(plan)] = _Resolved(plan, nodes, now_s)
        missing = sorted({node.uri for node in plan.nodes if node.uri} - set(self.namespaces))
        if missing and known is None:
            _log.warning(
                "device %s: the server has no namespace %s; it has %s",
                plan.device,
                _named(missing),
                _named(self.namespaces),
            )
        return nodes


def _named(uris: Sequence[str]) -> str:
    """List some of the namespaces; the server's own words are not to be trusted in a log."""
    shown = ", ".join(clean(uri) for uri in uris[:MOST_NAMED])
    more = len(uris) - MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown
