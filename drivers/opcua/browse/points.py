"""Points from variables: one for a value, one for each element and each field.

A point's address is the node's by namespace URI, so that it holds on every start of the server.
What can be no tag's value (a node id, a structure the server does not explain) gives no point.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from drivers.api import Access, DataType, FoundPoint, Quality
from drivers.opcua.address import IdKind, NodeAddress, parse
from drivers.opcua.browse.describe import named
from drivers.opcua.browse.names import MOST_TEXT, clean
from drivers.opcua.browse.path import STANDARD_URI
from drivers.opcua.decoding.binary import DecodeError, count_at
from drivers.opcua.decoding.status import quality_of
from drivers.opcua.decoding.values import Compound
from drivers.opcua.frames import source_times
from drivers.opcua.structures.extract import take_part
from drivers.opcua.structures.layout import EXTENSION_OBJECT, VARIANT
from drivers.opcua.structures.part import format_part

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from drivers.opcua.browse.describe import Facts
    from drivers.opcua.decoding.items import Columns
    from drivers.opcua.structures.definitions import DataTypes
    from drivers.opcua.structures.layout import Key, Layouts
    from drivers.opcua.structures.part import Part

MOST_ELEMENTS: Final = 16
"""Elements of an array that become points; a longer one is told in the description."""
MOST_FIELDS: Final = 64
"""Points of one structure, or of one array of them."""
MOST_DEPTH: Final = 4

TYPES: Final = {
    1: DataType.BOOL, 2: DataType.INT8, 3: DataType.UINT8, 4: DataType.INT16, 5: DataType.UINT16,
    6: DataType.INT32, 7: DataType.UINT32, 8: DataType.INT64, 9: DataType.UINT64,
    10: DataType.FLOAT32, 11: DataType.FLOAT64, 12: DataType.STRING, 13: DataType.DATETIME,
    14: DataType.STRING, 15: DataType.STRING, 16: DataType.STRING, 19: DataType.UINT32,
    20: DataType.STRING, 21: DataType.STRING, VARIANT: DataType.AUTO,
}  # fmt: skip
"""Built-in type -> type of a tag; those missing can be no tag's value."""


_MEASURED: Final = frozenset({DataType.FLOAT32, DataType.FLOAT64})


def address_of(node: Any, namespaces: Sequence[str]) -> NodeAddress | None:
    """Give the address of a node; None where the driver would not take it back."""
    index, identifier = int(node.NamespaceIndex), node.Identifier
    uri = namespaces[index] if index < len(namespaces) else ""
    kind = _kind(identifier)
    if not uri or (index == 0) != (uri == STANDARD_URI) or kind is None:
        return None
    found = NodeAddress(None if index == 0 else uri, 0, kind, identifier)
    try:
        return found if parse(str(found)) == found else None  # blanks at its end would be lost
    except ValueError:
        return None


def _kind(identifier: object) -> IdKind | None:
    if isinstance(identifier, int):
        return IdKind.NUMERIC
    if isinstance(identifier, UUID):
        return IdKind.GUID
    if isinstance(identifier, str):
        return IdKind.STRING
    return IdKind.OPAQUE if isinstance(identifier, bytes) else None


def points_of(
    base: FoundPoint,
    address: NodeAddress,
    facts: Facts,
    *,
    types: DataTypes,
    layouts: Layouts,
    sample: tuple[Any, int | None],
) -> Iterator[FoundPoint]:
    """Give the points of one variable; `base` holds what they share, `sample` value and time."""
    if facts.access is None:
        return
    value, time_ns = sample
    key = facts.type_key
    states = facts.states or (named(types.states(key)) if key is not None else ())
    base = replace(
        base, access=facts.access, unit=facts.unit, low=facts.low, high=facts.high, states=states,
        description=facts.description, time_ns=time_ns,
    )  # fmt: skip
    for part, kind in _parts(facts, value, types, layouts):
        data_type = TYPES.get(kind)
        if data_type is None:
            continue
        held = value
        if part:
            held, _ = take_part(value, part, layouts) if isinstance(value, Compound) else (None, "")
        elif isinstance(value, Compound):
            continue  # more than its type says
        written = format_part(part)
        shared = base
        if any(isinstance(step, str) for step in part):  # the unit is that of what is measured
            unit = base.unit if data_type in _MEASURED else ""
            shared = replace(base, unit=unit, low=None, high=None, states=())
        yield replace(
            shared,
            address=f"{address}{written}",
            name=f"{base.name}{written}",
            path=f"{base.path}{written}",
            role=f"{base.role}{written}" if base.role else "",
            data_type=data_type,
            value=clean(held, most=MOST_TEXT) if isinstance(held, str) else held,
            access=Access.READ if part else base.access,
        )


def _parts(
    facts: Facts, value: Any, types: DataTypes, layouts: Layouts
) -> Iterator[tuple[Part, int]]:
    """Give every part of a variable that is a value, and its built-in type."""
    key = facts.type_key
    structure = key if key is not None and key in layouts.by_type else None
    kind = types.builtin(key) if key is not None else VARIANT
    starts: Sequence[Part] = ((),)
    if facts.rank != -1 and isinstance(value, Compound):
        starts = _elements(value)
    if structure is None:
        for part in starts:
            yield part, kind or VARIANT
        return
    count = 0
    for start in starts:
        for part, one in _fields(structure, layouts, start, depth=0):
            count += 1
            if count > MOST_FIELDS:
                return
            yield part, one


def _fields(key: Key, layouts: Layouts, start: Part, *, depth: int) -> Iterator[tuple[Part, int]]:
    """Give the fields of a structure that are values, those of its own structures among them."""
    for field in layouts.by_type[key].fields:
        if field.rank:
            continue  # how many elements there are is told by each value anew
        part = (*start, field.name)
        if field.structure is None:
            if field.kind != EXTENSION_OBJECT:
                yield part, field.kind
        elif depth < MOST_DEPTH and field.structure in layouts.by_type:
            yield from _fields(field.structure, layouts, part, depth=depth + 1)


def _elements(value: Compound) -> list[Part]:
    """Give the elements of an array or a matrix as it is now, the first of many."""
    sizes = sizes_of(value)
    found: list[Part] = []
    for at in range(min(prod(sizes), MOST_ELEMENTS) if sizes else 0):
        indexes: list[int] = []
        rest = at
        for size in reversed(sizes):
            rest, index = divmod(rest, size)
            indexes.insert(0, index)
        found.append((tuple(indexes),))
    return found


def sizes_of(value: Compound) -> tuple[int, ...]:
    """Give the dimensions of an array; empty for what is none."""
    encoding = value.data[value.pos]
    if not encoding & 0x80:
        return ()
    try:
        count, start = count_at(value.data, value.pos + 1, least_bytes=0)
        if not encoding & 0x40:
            return (count,)
        from drivers.opcua.structures.extract import dimensions_of

        return dimensions_of(value.data, start, encoding & 0x3F, count)
    except (DecodeError, IndexError, ValueError):
        return ()


def samples_of(columns: Columns, *, read_ns: int) -> list[tuple[Any, int | None]]:
    """Give the value and the device's time of each of some variables; None where there is none."""
    times_ns, _ = source_times(columns.sources, len(columns.values), read_ns)
    statuses = columns.statuses or (0,) * len(columns.values)
    return [
        (
            None if quality_of(statuses[at]) is Quality.BAD else value,
            None if times_ns is None else times_ns[at],
        )
        for at, value in enumerate(columns.values)
    ]
