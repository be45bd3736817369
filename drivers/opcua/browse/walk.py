"""A walk through what a server offers: level by level, lazily, within bounds.

Every node is met once, whatever the server's references say: cycles end, and a server without end
is left after `MOST_NODES` nodes, `MOST_DEPTH` levels, `MOST_BYTES` of names, or `MOST_SECONDS`. The
server's own diagnostics are left out unless the walk begins there. Methods are not looked at.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds

from drivers.api import (
    AddressError,
    AddressProblem,
    DataType,
    DriverError,
    FoundPoint,
    SessionLost,
    Tag,
)
from drivers.opcua.address import MAX_TEXT, NodeAddress, parse_tag
from drivers.opcua.browse.asking import below, browse, held, read_attributes
from drivers.opcua.browse.describe import METADATA, Asked, facts_of
from drivers.opcua.browse.models import Models, Role
from drivers.opcua.browse.names import level
from drivers.opcua.browse.points import address_of, points_of, samples_of
from drivers.opcua.browse.resolve import HIERARCHICAL, node_of, resolve
from drivers.opcua.calls import UNKNOWN_NODE
from drivers.opcua.poll import read_nodes
from drivers.opcua.structures.definitions import DataTypes, key_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from drivers.opcua.services import Services
    from drivers.opcua.structures.layout import Key

MOST_NODES: Final = 200_000
MOST_DEPTH: Final = 24
MOST_CHILDREN: Final = 20_000
"""References of one node that are followed."""
MOST_BYTES: Final = 32 * 1024 * 1024
"""Names and identifiers that wait or are remembered, and what it costs to."""
MOST_SECONDS: Final = 1_800.0
TOGETHER: Final = 50
"""Nodes that are asked about at once."""

_NODE_BYTES: Final = 120
_OBJECTS: Final = 85
_PASSED_OVER: Final = frozenset({2_253, 23_470, 31_915})
"""Server, Aliases and Locations: not of the machine. Source: OPC 10000-5, 8.2 and 8.3."""
_HAS_TYPE, _HAS_PROPERTY = 40, 46
_FOLLOWED: Final = (ua.NodeClass.Object, ua.NodeClass.Variable)

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Node:
    node: ua.NodeId
    name: str
    path: str
    depth: int
    variable: bool
    role: Role = field(default_factory=Role)
    properties: dict[str, ua.NodeId] = field(default_factory=dict)


async def walk(
    services: Services, namespaces: Sequence[str], *, at: str | None = None
) -> AsyncGenerator[FoundPoint, None]:
    """Give every point below an address, the Objects folder without one; nearest first.

    Raises:
        AddressError: the address is none, or the server has no such node.
        NoReply, SessionLost: the session is over.
    """
    start = await _start(services, namespaces, at)
    going = _Walk(services, namespaces)
    async for point in going.points(start):
        yield point


async def _start(services: Services, namespaces: Sequence[str], at: str | None) -> _Node:
    """Find where to begin."""
    address = parse_tag(Tag("at", at)) if at is not None else None
    if isinstance(address, AddressProblem):
        raise AddressError([address])
    node: ua.NodeId | None = ua.NodeId(ua.Int32(_OBJECTS))
    if address is not None:
        nodes = services.node_ids([address], namespaces)
        (node,) = await resolve(services, [_whole(address)], nodes, namespaces)
    name = kind = None
    if node is not None:
        wanted = [AttributeIds.BrowseName, AttributeIds.NodeClass]
        answers = await read_attributes(services, [(node, one) for one in wanted])
        name, kind = (held(one) for one in answers)
    if node is None or kind is None:
        raise AddressError([
            AddressProblem(
                "at", at or "", "the server has no such node",
                "Browse without an address, and copy one from what is shown.",
                "服务器上没有这个节点", "请先不带 --at 浏览，再从结果中复制地址。",
            )
        ])  # fmt: skip
    shown = level(getattr(name, "Name", None))
    variable = kind == ua.NodeClass.Variable
    return _Node(node, shown, shown if variable else "", 0, variable)


def _whole(address: NodeAddress) -> NodeAddress:
    return NodeAddress(address.uri, address.index, address.kind, address.identifier, address.path)


class _Walk:
    """One walk: what was met, what waits, and what the types are."""

    def __init__(self, services: Services, namespaces: Sequence[str]) -> None:
        self._services = services
        self._namespaces = namespaces
        self._types = DataTypes(services)
        self._models = Models(services, namespaces)
        self._waiting: deque[_Node] = deque()
        self._met: set[Key] = set()
        self._bytes = 0
        self._cut = ""
        self._end_s = asyncio.get_running_loop().time() + MOST_SECONDS

    async def points(self, start: _Node) -> AsyncGenerator[FoundPoint, None]:
        """Give points until nothing waits, or a bound is met."""
        self._met.add(key_of(start.node))
        start.role = await self._begins(start)
        self._waiting.append(start)
        while self._waiting:
            if asyncio.get_running_loop().time() > self._end_s:
                self._cut = "time"
                break
            count = min(TOGETHER, len(self._waiting))
            for point in await self._visit([self._waiting.popleft() for _ in range(count)]):
                yield point
        if self._cut:
            _log.warning("the walk through the server was cut short: %s", self._cut)

    async def _begins(self, start: _Node) -> Role:
        """Tell which model the start belongs to by its own type."""
        asked = below(start.node, reference=_HAS_TYPE)
        try:
            ((references, _),) = await browse(self._services, [asked])
        except SessionLost:
            raise
        except DriverError:
            return Role()
        types = [one.NodeId for one in references]
        await self._learn_models(types)
        return self._models.role(Role(), start.name, key_of(types[0]) if types else None)

    async def _visit(self, nodes: Sequence[_Node]) -> list[FoundPoint]:
        """Look at some nodes: queue what is below them, give the points of the variables."""
        asked = [below(one.node, reference=HIERARCHICAL) for one in nodes]
        try:
            answers = await browse(self._services, asked, most=MOST_CHILDREN)
        except SessionLost:
            raise
        except DriverError as error:
            self._cut = str(error)
            return []
        children = []
        for parent, (references, complete) in zip(nodes, answers, strict=True):
            if not complete:
                self._cut = f"more than {MOST_CHILDREN} nodes below {parent.path or parent.name}"
            children += [(parent, one) for one in references]
        types = [one.TypeDefinition for _, one in children if one.TypeDefinition is not None]
        await self._learn_models(types)
        for parent, reference in children:
            self._meet(parent, reference)
        variables = [one for one in nodes if one.variable]
        return [point async for point in self._described(variables)] if variables else []

    async def _learn_models(self, types: Sequence[ua.NodeId]) -> None:
        try:
            await self._models.learn(types)
        except SessionLost:
            raise
        except DriverError as error:
            _log.info("the server does not explain its types: %s", error)

    def _meet(self, parent: _Node, reference: ua.ReferenceDescription) -> None:
        """Queue a child, unless it was met before, is nothing to read, or a bound is met."""
        target = reference.NodeId
        name = getattr(reference.BrowseName, "Name", None)
        key = key_of(target)
        if getattr(target, "ServerIndex", 0) or getattr(target, "NamespaceUri", None):
            return  # on another server
        if reference.NodeClass not in _FOLLOWED or key in self._met or not _is_short(target):
            return
        if key[0] == 0 and key[1] in _PASSED_OVER:
            return
        if name in METADATA and key_of(reference.ReferenceTypeId) == (0, _HAS_PROPERTY):
            if parent.variable:
                parent.properties[str(name)] = node_of(target)
            return
        shown = level(name)
        path = f"{parent.path}/{shown}" if parent.path else shown
        self._bytes += _NODE_BYTES + len(path) + len(str(target.Identifier))
        if parent.depth >= MOST_DEPTH or len(self._met) >= MOST_NODES or self._bytes > MOST_BYTES:
            self._cut = f"it has more nodes than are looked at ({len(self._met)} were)"
            return
        self._met.add(key)
        kind = reference.TypeDefinition
        role = self._models.role(parent.role, shown, None if kind is None else key_of(kind))
        variable = reference.NodeClass == ua.NodeClass.Variable
        self._waiting.append(_Node(node_of(target), shown, path, parent.depth + 1, variable, role))

    async def _described(self, variables: Sequence[_Node]) -> AsyncGenerator[FoundPoint, None]:
        """Ask what variables are and hold, and give their points."""
        facts = await facts_of(
            self._services, [Asked(one.node, one.properties) for one in variables]
        )
        types = [one.data_type for one in facts if one.data_type is not None]
        try:
            await self._types.learn(types)
        except SessionLost:
            raise
        except DriverError as error:
            _log.info("the server does not explain its data types: %s", error)
        samples = await self._samples([one.node for one in variables])
        for node, told, sample in zip(variables, facts, samples, strict=True):
            address = address_of(node.node, self._namespaces)
            if address is None:
                continue
            base = FoundPoint("", node.name, DataType.AUTO, node.path, model=node.role.model,
                              role=node.role.path)  # fmt: skip
            found: Iterator[FoundPoint] = points_of(
                base, address, told, types=self._types, layouts=self._services.layouts,
                sample=sample,
            )  # fmt: skip
            for point in found:
                yield point

    async def _samples(self, nodes: Sequence[ua.NodeId]) -> list[tuple[Any, int | None]]:
        """Read the values now; none where the server does not give them."""
        try:
            columns = await read_nodes(self._services, nodes, most=len(nodes), unknown=UNKNOWN_NODE)
        except SessionLost:
            raise
        except DriverError:
            return [(None, None)] * len(nodes)
        return samples_of(columns, read_ns=time.time_ns())


def _is_short(target: ua.NodeId) -> bool:
    """Tell whether an identifier can stand in an address."""
    identifier: Any = target.Identifier
    if isinstance(identifier, str | bytes):
        return 0 < len(identifier) <= MAX_TEXT
    return identifier is not None
