"""Which nodes addresses mean on one server: paths translated, elements asked for alone.

Asked once per session and again while something is missing. A path that leads to several nodes
leads to none: no value may come from a neighbour.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from asyncua import ua

from drivers.api import DriverError, SessionLost
from drivers.opcua.address import ROOT
from drivers.opcua.browse.asking import translate
from drivers.opcua.decoding.values import Compound
from drivers.opcua.structures.definitions import learn_structures
from drivers.opcua.structures.extract import take_part
from drivers.opcua.structures.ranged import RangedNode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.opcua.address import NodeAddress
    from drivers.opcua.browse.path import PathName
    from drivers.opcua.services import Services

HIERARCHICAL: Final = 33
"""HierarchicalReferences. Source: OPC 10000-5, 11.3."""
_WHOLE: Final = 0xFFFF_FFFF
"""Remaining path of a translation that went all the way. Source: OPC 10000-4, 5.9.4."""
_NAMESPACES: Final = 2_255

_log = logging.getLogger(__name__)


async def resolve(
    services: Services,
    addresses: Sequence[NodeAddress],
    nodes: Sequence[ua.NodeId | None],
    namespaces: Sequence[str],
) -> list[ua.NodeId | None]:
    """Give the node each address means, None for those that are not there.

    `nodes` are those the addresses name outright, the beginnings of their paths among them.

    Raises:
        NoReply, SessionLost: the session is over.
    """
    found = list(nodes)
    walked = [at for at, address in enumerate(addresses) if address.path]
    if walked:
        targets = await _targets(services, [addresses[at].path for at in walked], namespaces)
        for at, target in zip(walked, targets, strict=True):
            found[at] = target
    await _learn(services, addresses, found, namespaces)
    if services.layouts.ranges:
        for at, address in enumerate(addresses):
            first, node = next(iter(address.part), None), found[at]
            if isinstance(first, tuple) and node is not None:
                found[at] = RangedNode(node, first)
    return found


async def _learn(
    services: Services,
    addresses: Sequence[NodeAddress],
    nodes: Sequence[ua.NodeId | None],
    namespaces: Sequence[str],
) -> None:
    """Ask how structures are made, and whether the server knows ranges, as far as needed."""
    parts = [(one.part, node) for one, node in zip(addresses, nodes, strict=True) if one.part]
    if any(isinstance(part[0], tuple) for part, _ in parts):
        services.layouts.ranges = await _knows_ranges(services, namespaces)
    structured = [
        node for part, node in parts if node and any(isinstance(step, str) for step in part)
    ]
    if structured:
        await learn_structures(services, structured)


async def _targets(
    services: Services, paths: Sequence[tuple[PathName, ...]], namespaces: Sequence[str]
) -> list[ua.NodeId | None]:
    asked = [_browse_path(path, namespaces) for path in paths]
    known = [one for one in asked if one is not None]
    try:
        answers = iter(await translate(services, known))
    except SessionLost:
        raise
    except DriverError as error:
        _log.warning("the server does not resolve browse paths: %s", error)
        return [None] * len(paths)
    return [None if one is None else _target(next(answers)) for one in asked]


def _browse_path(path: Sequence[PathName], namespaces: Sequence[str]) -> ua.BrowsePath | None:
    """Write a path for the server; None where it lacks a namespace."""
    elements = []
    for name in path:
        if name.uri is not None and name.uri not in namespaces:
            return None
        index = name.index if name.uri is None else namespaces.index(name.uri)
        elements.append(
            ua.RelativePathElement(
                ReferenceTypeId=ua.NodeId(ua.Int32(HIERARCHICAL)),
                IsInverse=False,  # type: ignore[arg-type]  # the library means a bool
                IncludeSubtypes=True,  # type: ignore[arg-type]  # the library means a bool
                TargetName=ua.QualifiedName(name.name, index),
            )
        )
    root = ua.NodeId(ua.Int32(ROOT))
    return ua.BrowsePath(StartingNode=root, RelativePath=ua.RelativePath(Elements=elements))


def _target(answer: ua.BrowsePathResult) -> ua.NodeId | None:
    """Give the one node a path leads to."""
    whole = [one.TargetId for one in answer.Targets or () if one.RemainingPathIndex == _WHOLE]
    here = {node_of(target) for target in whole}
    return next(iter(here)) if len(here) == 1 and not answer.StatusCode.is_bad() else None


def node_of(expanded: ua.NodeId) -> ua.NodeId:
    """Give the node id within an expanded one."""
    return ua.NodeId(expanded.Identifier, expanded.NamespaceIndex, expanded.NodeIdType)


async def _knows_ranges(services: Services, namespaces: Sequence[str]) -> bool:
    """Tell whether the server gives one element of an array for the asking.

    Asked of the namespaces, of which every server has two. One that ignores the range sends the
    whole array, of which the element is then taken here.
    """
    if len(namespaces) < 2:
        return False
    node = RangedNode(ua.NodeId(ua.Int32(_NAMESPACES)), (1,))
    columns = await services.read((node,))
    value: Any = columns.values[0]
    if not isinstance(value, Compound):
        return False
    count = int.from_bytes(value.data[value.pos + 1 : value.pos + 5], "little")
    taken, _ = take_part(value, ((0,),), services.layouts)
    return count == 1 and taken == namespaces[1]
