"""The address space of one start: namespaces, nodes by browse path, and where values stand.

Node ids of the machine are strings in a namespace of its own; an index is the server's business
and may differ from start to start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import asyncua

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asyncua.server.server import Server

ua: Any = asyncua.ua  # its annotations contradict its own documented use; not checked

MACHINES_NAMESPACE: Final = "urn:chulian:simulator:workshop"
"""Namespace of every simulated variable, as in the workshop."""
FILLER: Final = "urn:chulian:simulator:filler"
"""A namespace with nothing in it, that shifts the others when they are shuffled."""


class Space:
    """Nodes of one running server."""

    def __init__(self, server: Server, indexes: dict[str, int]) -> None:
        """Build in a server whose namespaces stand at these indexes."""
        self.server = server
        self._indexes = indexes
        self.nodes: dict[str, Any] = {}
        """Identifier -> node id of every variable that can be written."""

    @classmethod
    async def open(cls, server: Server, uris: Sequence[str], *, turn: int = 0) -> Space:
        """Register namespaces; each turn puts them in another order."""
        shift = turn % max(1, len(uris))
        ordered = [*uris[shift:], *uris[:shift]]
        fill = [f"{FILLER}:{n}" for n in range(turn % 3)]
        indexes = {"http://opcfoundation.org/UA/": 0}
        for uri in (*fill, *ordered):
            indexes[uri] = await server.register_namespace(uri)
        return cls(server, indexes)

    def index(self, uri: str) -> int:
        """Give the index of a registered namespace."""
        return self._indexes[uri]

    def node_id(self, uri: str, identifier: str | int) -> Any:
        """Give the node id of an identifier in a namespace."""
        return ua.NodeId(identifier, self._indexes[uri])

    def own(self, identifier: str) -> Any:
        """Give the node id of an identifier of the machine."""
        return ua.NodeId(identifier, self._indexes[MACHINES_NAMESPACE])

    def identify(self, node_id: Any) -> str | None:
        """Give the identifier of a node of the machine; None for every other."""
        if node_id.NamespaceIndex != self._indexes[MACHINES_NAMESPACE]:
            return None
        found = node_id.Identifier
        return found if isinstance(found, str) else None

    def name(self, uri: str, text: str) -> Any:
        """Give a browse name."""
        return ua.QualifiedName(text, self._indexes[uri])

    async def add(self, items: Iterable[Any]) -> None:
        """Add prepared nodes, parents first; raises when one is refused."""
        for result in await self.server.iserver.isession.add_nodes(list(items)):
            result.StatusCode.check()

    def define(self, node_id: Any, value: Any) -> None:
        """Give a data type its DataTypeDefinition, so that a client can decode it."""
        from asyncua.server.address_space import AttributeValue

        attribute = ua.AttributeIds.DataTypeDefinition
        self.server.iserver.aspace[node_id].attributes[attribute] = AttributeValue(value)

    async def write(self, identifier: str, value: Any) -> None:
        """Put a DataValue where a variable stands; what is not there is nowhere written."""
        node_id = self.nodes.get(identifier)
        if node_id is None:
            return
        kept: Any = self.server.iserver.aspace[node_id].attributes[ua.AttributeIds.Value]
        if kept.value is not None and kept.value.Value.VariantType != value.Value.VariantType:
            kept.value = None  # asyncua refuses a change of type, even from inside
        await self.server.write_attribute_value(node_id, value)


def object_item(node_id: Any, name: Any, *, parent: Any, reference: int, kind: Any) -> Any:
    """Prepare an object below a parent, of a type definition."""
    attributes = ua.ObjectAttributes(DisplayName=ua.LocalizedText(name.Name))
    attributes.SpecifiedAttributes = (
        ua.NodeAttributesMask.DisplayName | ua.NodeAttributesMask.EventNotifier
    )
    return _item(node_id, name, parent=parent, reference=reference, kind=kind,
                 node_class=ua.NodeClass.Object, attributes=attributes)  # fmt: skip


def variable_item(
    node_id: Any,
    name: Any,
    value: Any,
    *,
    parent: Any,
    reference: int,
    kind: Any,
    data_type: Any,
    history: bool = False,
    description: Any = None,
) -> Any:
    """Prepare a variable below a parent, with its first value."""
    level = ua.AccessLevel.CurrentRead.mask | (ua.AccessLevel.HistoryRead.mask if history else 0)
    attributes = ua.VariableAttributes(
        DisplayName=ua.LocalizedText(name.Name),
        Description=description or ua.LocalizedText(),
        Value=value,
        DataType=data_type,
        ValueRank=_rank(value),
        ArrayDimensions=[0] * max(0, _rank(value)),
        AccessLevel=level,
        UserAccessLevel=level,
        Historizing=history,
    )
    attributes.SpecifiedAttributes = sum(
        getattr(ua.NodeAttributesMask, each)
        for each in (
            "DisplayName", "Description", "Value", "DataType", "ValueRank", "ArrayDimensions",
            "AccessLevel", "UserAccessLevel", "MinimumSamplingInterval", "Historizing",
        )
    )  # fmt: skip
    return _item(node_id, name, parent=parent, reference=reference, kind=kind,
                 node_class=ua.NodeClass.Variable, attributes=attributes)  # fmt: skip


def _rank(value: Any) -> int:
    if not value.is_array:
        return -1
    return len(value.Dimensions or ()) or 1


def _item(
    node_id: Any,
    name: Any,
    *,
    parent: Any,
    reference: int,
    kind: Any,
    node_class: Any,
    attributes: Any,
) -> Any:
    return ua.AddNodesItem(
        ParentNodeId=parent,
        ReferenceTypeId=ua.NodeId(reference),
        RequestedNewNodeId=node_id,
        BrowseName=name,
        NodeClass=node_class,
        NodeAttributes=attributes,
        TypeDefinition=kind,
    )
