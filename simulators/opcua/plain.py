"""A device without a companion model: variables of every type, and node ids of every kind.

`V<n>` count: with generation g, variable n holds h = (g + n) mod 120, as its type can say it. They
all change at once and carry the generation's own time. `Still.<type>` never change.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import asyncua

from simulators.opcua.space import MACHINES_NAMESPACE, object_item, variable_item

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulators.opcua.device import Device
    from simulators.opcua.space import Space

ua: Any = asyncua.ua  # its annotations contradict its own documented use; not checked

TURN: Final = (
    "Boolean", "SByte", "Byte", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64",
    "Float", "Double", "String",
)  # fmt: skip
"""Types of the counting variables, in turn."""
MODULUS: Final = 120
BLOCK: Final = 100
"""Most counting variables of one folder; with more, asyncua takes quadratic time to add them."""

_STILL: Final[dict[str, Any]] = {
    "Boolean": True,
    "SByte": -128,
    "Byte": 255,
    "Int16": -32_768,
    "UInt16": 65_535,
    "Int32": -(2**31),
    "UInt32": 2**32 - 1,
    "Int64": -(2**63),
    "UInt64": 2**64 - 1,
    "Float": 0.5,
    "Double": -1.0e300,
    "String": "主轴转速",
    "DateTime": datetime(2024, 2, 29, 12, 34, 56, 789_000, UTC),
    "Guid": UUID("72962b91-fa75-4ae6-8d28-b404dc7daf63"),
    "ByteString": bytes((0, 1, 254, 255)),
    "XmlElement": ua.XmlElement("<a/>"),
    "NodeId": ua.NodeId("x", 1),
    "StatusCode": ua.StatusCode(ua.StatusCodes.BadTimeout),
    "QualifiedName": ua.QualifiedName("Name", 1),
    "LocalizedText": ua.LocalizedText("车间", "zh"),
}
_ARRAYS: Final[dict[str, Any]] = {
    "Array": ([1, 2, 3], "Int32", None),
    "Empty": ([], "Double", None),
    "Texts": (["甲", "乙", None], "String", None),
    "Matrix": ([[1.5, 2.5, 3.5], [4.5, 5.5, 6.5]], "Double", [2, 3]),
}
_BY_IDENTIFIER: Final[dict[str, Any]] = {
    "Numeric": 4_711,
    "Guid": UUID("00000000-0000-0000-0000-00000000cafe"),
    "Opaque": b"\x00\xff opaque",
}


def held(n: int, generation: int, type_name: str) -> Any:
    """Tell what variable n holds in a generation."""
    h = (generation + n) % MODULUS
    if type_name == "Boolean":
        return h % 2 == 1
    if type_name in {"Float", "Double"}:
        return h / 4
    return str(h) if type_name == "String" else h


class Plain:
    """The content of a plain device."""

    namespaces: Sequence[str] = ()

    def __init__(self, size: int = len(TURN), *, types: Sequence[str] = TURN) -> None:
        """Have `size` counting variables of these types in turn."""
        self.types = tuple(types[n % len(types)] for n in range(size))
        """Type of each counting variable."""
        self.generation = 0

    async def build(self, space: Space, *, history: bool) -> None:
        """Add the folder `Plain` and everything in it."""
        top = space.own("Plain")
        name = space.name(MACHINES_NAMESPACE, "Plain")
        objects = ua.NodeId(ua.ObjectIds.ObjectsFolder)
        kind = ua.NodeId(ua.ObjectIds.FolderType)
        items = [object_item(top, name, parent=objects, reference=35, kind=kind)]
        for n, type_name in enumerate(self.types):
            block = "Plain" if len(self.types) <= BLOCK else f"Block{n // BLOCK}"
            if n % BLOCK == 0 and block != "Plain":
                title = space.name(MACHINES_NAMESPACE, block)
                items.append(
                    object_item(space.own(block), title, parent=top, reference=35, kind=kind)
                )
            value = _variant(held(n, self.generation, type_name), type_name)
            items.append(_variable(space, f"V{n}", value, parent=block, history=history))
        items += [
            _variable(space, f"Still.{each}", _variant(value, each))
            for each, value in _STILL.items()
        ]
        for each, (value, type_name, dimensions) in _ARRAYS.items():
            made = ua.Variant(
                value, ua.VariantType[type_name], is_array=True, Dimensions=dimensions
            )
            items.append(_variable(space, each, made))
        items += [
            _variable(space, each, _variant(7, "Int32"), identifier=identifier)
            for each, identifier in _BY_IDENTIFIER.items()
        ]
        await space.add(items)
        space.nodes |= {f"V{n}": space.own(f"V{n}") for n in range(len(self.types))}

    def encode(self, identifier: str, value: Any, space: Space | None) -> Any:  # noqa: ARG002 - the protocol's
        """Give a value as the variable's type."""
        return _variant(value, self.types[int(identifier[1:])])

    def kept(self, identifier: str) -> bool:
        """Keep the history of every counting variable."""
        return identifier.startswith("V")

    async def advance(
        self,
        device: Device,
        elapsed_s: float,  # noqa: ARG002 - a generation is a generation
        *,
        time_ns: int,
    ) -> None:
        """Hold the next generation, whatever time has passed."""
        await self.count(device, time_ns=time_ns)

    async def count(self, device: Device, *, time_ns: int) -> None:
        """Hold the next generation since a true moment."""
        self.generation += 1
        for n, type_name in enumerate(self.types):
            value = held(n, self.generation, type_name)
            await device.write(f"V{n}", value, time_ns=time_ns)


def _variant(value: Any, type_name: str) -> Any:
    return ua.Variant(value, ua.VariantType[type_name])


def _variable(
    space: Space,
    name: str,
    value: Any,
    *,
    identifier: Any = None,
    parent: str = "Plain",
    history: bool = False,
) -> Any:
    index = space.index(MACHINES_NAMESPACE)
    return variable_item(
        ua.NodeId(name if identifier is None else identifier, index),
        ua.QualifiedName(name, index),
        value,
        parent=space.own(parent),
        reference=47,
        kind=ua.NodeId(ua.ObjectIds.BaseDataVariableType),
        data_type=ua.NodeId(value.VariantType.value),
        history=history,
    )
