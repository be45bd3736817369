"""What is asked for when only one element of an array is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds

if TYPE_CHECKING:
    from drivers.opcua.structures.part import Indexes


class RangedNode(ua.NodeId):
    """A node of whose array one element is asked for; equal to the node itself."""

    __slots__ = ("index_range",)

    def __init__(self, node: ua.NodeId, indexes: Indexes) -> None:
        super().__init__(node.Identifier, node.NamespaceIndex, node.NodeIdType)
        self.index_range = ",".join(map(str, indexes))
        """The element, as the standard's NumericRange. Source: OPC 10000-4, 7.27."""


def range_of(node: ua.NodeId) -> str | None:
    """Give the element that is asked for; None for the whole value."""
    return node.index_range if isinstance(node, RangedNode) else None


def value_of(node: ua.NodeId) -> ua.ReadValueId:
    """Ask for the value of a node, or of one element of it."""
    return ua.ReadValueId(node, AttributeIds.Value, range_of(node))
