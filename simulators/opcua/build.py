"""Builds written-down companion models into a server, and keeps their live values up.

Types are added as far as instances need them: node, name, supertype, enumeration and structure
definitions, states; without the instance declarations of the full node sets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncua

from simulators.opcua.models.shape import (
    COMPONENT,
    OBJECT,
    PROPERTY,
    UA,
    Branch,
    Leaf,
    TypeRef,
)
from simulators.opcua.space import object_item, variable_item

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from simulators.opcua.space import Space

ua: Any = asyncua.ua  # its annotations contradict its own documented use; not checked

UNITS_URI = "http://www.opcfoundation.org/UA/units/un/cefact"


def walk(branch: Branch, path: str) -> Iterator[tuple[str, Branch | Leaf]]:
    """Yield every node of a branch with its identifier, parents first."""
    yield path, branch
    for child in branch.children:
        below = f"{path}.{child.name}"
        if isinstance(child, Branch):
            yield from walk(child, below)
        else:
            yield from _walk_leaf(child, below)


def _walk_leaf(leaf: Leaf, path: str) -> Iterator[tuple[str, Leaf]]:
    yield path, leaf
    for each in leaf.leaves:
        yield from _walk_leaf(each, f"{path}.{each.name}")


def live(branch: Branch, path: str) -> dict[str, Leaf]:
    """Give the leaves that change, by identifier."""
    return {
        identifier: each
        for identifier, each in walk(branch, path)
        if isinstance(each, Leaf) and each.shows is not None
    }


def types_of(branch: Branch) -> list[TypeRef]:
    """List the types a branch uses, supertypes first, without those of namespace 0."""
    found: dict[TypeRef, None] = {}
    for _, each in walk(branch, ""):
        for used in (each.definition, each.data_type if isinstance(each, Leaf) else None):
            _collect(used, found)
    return list(found)


def _collect(used: TypeRef | None, found: dict[TypeRef, None]) -> None:
    if used is None or used.uri == UA:
        return
    _collect(used.base, found)
    found[used] = None


async def add_branch(
    space: Space, branch: Branch, *, parent: Any, path: str, history: bool
) -> None:
    """Add a branch and everything below it; its types must stand already."""
    parents = {"": parent}
    items = []
    for identifier, each in walk(branch, path):
        above = parents.get(identifier.rpartition(".")[0], parent)
        node_id = parents[identifier] = space.own(identifier)
        name = space.name(each.uri, each.name)
        if isinstance(each, Branch):
            kind = space.node_id(each.definition.uri, each.definition.number)
            items.append(
                object_item(node_id, name, parent=above, reference=each.reference, kind=kind)
            )
        else:
            items += _leaf_items(space, each, node_id, above, history=history)
            space.nodes[identifier] = node_id
    await space.add(items)


def _leaf_items(
    space: Space, leaf: Leaf, node_id: Any, parent: Any, *, history: bool
) -> Iterator[Any]:
    yield variable_item(
        node_id,
        space.name(leaf.uri, leaf.name),
        variant(space, leaf, leaf.value),
        parent=parent,
        reference=leaf.reference,
        kind=space.node_id(leaf.definition.uri, leaf.definition.number),
        data_type=_data_type(space, leaf),
        history=history and is_kept(leaf),
    )
    if leaf.unit is not None:
        unit = ua.EUInformation(
            UNITS_URI,
            leaf.unit.number,
            ua.LocalizedText(leaf.unit.symbol),
            ua.LocalizedText(leaf.unit.english),
        )
        yield _property(space, leaf, node_id, "EngineeringUnits", value=unit)
    if leaf.range is not None:
        yield _property(space, leaf, node_id, "EURange", value=ua.Range(*leaf.range))


def _property(space: Space, leaf: Leaf, owner: Any, name: str, *, value: Any) -> Any:
    return variable_item(
        ua.NodeId(f"{owner.Identifier}.{name}", owner.NamespaceIndex),
        space.name(leaf.unit_uri, name),
        ua.Variant(value, ua.VariantType.ExtensionObject),
        parent=owner,
        reference=PROPERTY,
        kind=ua.NodeId(ua.ObjectIds.PropertyType),
        data_type=value.data_type,
    )


def _data_type(space: Space, leaf: Leaf) -> Any:
    if leaf.data_type is not None:
        return space.node_id(leaf.data_type.uri, leaf.data_type.number)
    return ua.NodeId(ua.VariantType[leaf.type].value)


def variant(space: Space | None, leaf: Leaf, value: Any) -> Any:
    """Give a value as the leaf's type; None as the type's default."""
    kind = ua.VariantType[leaf.type]
    if leaf.rank == 1:
        return ua.Variant([_plain(space, leaf, each) for each in value or ()], kind, is_array=True)
    return ua.Variant(_plain(space, leaf, value), kind)


def _plain(space: Space | None, leaf: Leaf, value: Any) -> Any:
    if leaf.type == "ExtensionObject":
        if value is None or leaf.data_type is None or space is None:
            return None
        encoding = space.node_id(leaf.data_type.uri, leaf.data_type.encoding)
        return ua.ExtensionObject(encoding, value)
    if leaf.type == "LocalizedText":
        text, locale = value if isinstance(value, tuple) else (value, None)
        return ua.LocalizedText(text, locale or None)
    if leaf.type == "NodeId":
        return ua.NodeId() if value is None or space is None else space.node_id(*value)
    return ua.get_default_value(ua.VariantType[leaf.type]) if value is None else value


def is_kept(leaf: Leaf) -> bool:
    """Tell whether the history of a leaf is kept: live, and the same in every start."""
    return leaf.shows is not None and leaf.reference != PROPERTY and not needs_space(leaf)


def needs_space(leaf: Leaf) -> bool:
    """Tell whether a value of the leaf carries a namespace index."""
    return leaf.type in {"ExtensionObject", "NodeId"}


async def add_types(space: Space, types: Sequence[TypeRef]) -> None:
    """Add types, supertypes first, with their definitions and states."""
    for each in types:
        node_id = space.node_id(each.uri, each.number)
        base = each.base or OBJECT
        item = ua.AddNodesItem(
            ParentNodeId=space.node_id(base.uri, base.number),
            ReferenceTypeId=ua.NodeId(ua.ObjectIds.HasSubtype),
            RequestedNewNodeId=node_id,
            BrowseName=space.name(each.uri, each.name),
            NodeClass=_CLASSES[each.kind],
            NodeAttributes=_type_attributes(each),
        )
        states = (
            object_item(
                space.node_id(each.uri, number),
                space.name(each.uri, name),
                parent=node_id,
                reference=COMPONENT,
                kind=ua.NodeId(ua.ObjectIds.StateType),
            )
            for name, (number, _) in each.states.items()
        )
        await space.add([item, *states])
        await _define(space, each, node_id)


def _type_attributes(each: TypeRef) -> Any:
    name = ua.LocalizedText(each.name)
    made: Any
    if each.kind == "object":
        made = ua.ObjectTypeAttributes(DisplayName=name, IsAbstract=False)
    elif each.kind == "variable":
        made = ua.VariableTypeAttributes(DisplayName=name, IsAbstract=False)
    else:
        made = ua.DataTypeAttributes(DisplayName=name, IsAbstract=False)
    made.SpecifiedAttributes = ua.NodeAttributesMask.DisplayName | ua.NodeAttributesMask.IsAbstract
    return made


async def _define(space: Space, each: TypeRef, node_id: Any) -> None:
    """Add what tells a client how to decode a data type."""
    if each.kind == "enumeration":
        fields = [
            ua.EnumField(value, ua.LocalizedText(name), ua.LocalizedText(), name)
            for value, name in each.values.items()
        ]
        definition = ua.EnumDefinition(fields)
        names = ua.Variant([field.DisplayName for field in fields], is_array=True)
        await space.add([
            variable_item(
                ua.NodeId(f"{each.name}.EnumStrings", node_id.NamespaceIndex),
                ua.QualifiedName("EnumStrings", 0), names, parent=node_id, reference=PROPERTY,
                kind=ua.NodeId(ua.ObjectIds.PropertyType),
                data_type=ua.NodeId(ua.ObjectIds.LocalizedText),
            )
        ])  # fmt: skip
    elif each.kind == "structure":
        encoding = space.node_id(each.uri, each.encoding)
        definition = ua.StructureDefinition(
            encoding, ua.NodeId(ua.ObjectIds.Structure), ua.StructureType.Structure,
            [_field(name, kind) for name, kind in each.members],
        )  # fmt: skip
        await space.add([
            object_item(
                encoding, ua.QualifiedName("Default Binary", 0), parent=node_id,
                reference=ua.ObjectIds.HasEncoding,
                kind=ua.NodeId(ua.ObjectIds.DataTypeEncodingType),
            )
        ])  # fmt: skip
    else:
        return
    space.define(node_id, ua.DataValue(ua.Variant(definition, ua.VariantType.ExtensionObject)))


def _field(name: str, kind: str) -> Any:
    data_type = ua.NodeId(887) if kind == "EUInformation" else ua.NodeId(ua.VariantType[kind].value)
    return ua.StructureField(Name=name, DataType=data_type, ValueRank=-1, IsOptional=False)


_CLASSES = {
    "object": ua.NodeClass.ObjectType,
    "variable": ua.NodeClass.VariableType,
    "enumeration": ua.NodeClass.DataType,
    "structure": ua.NodeClass.DataType,
}
