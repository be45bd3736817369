"""How a server's data types are made, asked of the server itself: once per session, in batches.

Structures and enumerations come from the attribute DataTypeDefinition (OPC UA 1.04 and later) or,
for enumerations, from EnumStrings and EnumValues. Type dictionaries in XML are never read. A type
that is not wholly understood is left out: its values are BAD, never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds

from drivers.opcua.browse.asking import below, browse, held, read_attributes
from drivers.opcua.structures.layout import (
    EXTENSION_OBJECT,
    VARIANT,
    FieldLayout,
    Form,
    Key,
    Layout,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from drivers.opcua.services import Services

MOST_TYPES: Final = 2_000
"""Data types that are looked at in one go."""
MOST_FIELDS: Final = 1_000
MOST_STATES: Final = 500
MOST_DIMENSIONS: Final = 8
MOST_ROUNDS: Final = 24
"""Depth of supertypes and fields together."""

_REFERENCES, _HAS_SUBTYPE, _HAS_ENCODING, _HAS_PROPERTY = 31, 45, 38, 46
_STANDARD: Final = {
    26: VARIANT, 27: VARIANT, 28: VARIANT, 29: 6, 30: 15, 288: 7, 289: 7, 290: 11, 294: 13, 295: 12,
}  # fmt: skip
"""Types of namespace 0 that need no asking: Number, Integer, UInteger, Enumeration, Image,
IntegerId, Counter, Duration, UtcTime, LocaleId."""
_FORMS: Final = {0: Form.PLAIN, 1: Form.OPTIONAL, 2: Form.UNION, 3: Form.PLAIN, 4: Form.UNION}
_SUBTYPED: Final = frozenset({3, 4})
_BINARY: Final = "Default Binary"
_ANY_STRUCTURE: Final = (0, EXTENSION_OBJECT)
"""Type of a field that holds any structure, with its own head."""


@dataclass(slots=True)
class TypeFacts:
    """What a server says of one data type."""

    name: str = ""
    supertype: Key | None = None
    encoding: Key | None = None
    states: tuple[tuple[int, str], ...] = ()
    """Number and name of each value of an enumeration."""
    definition: Any = None
    """The StructureDefinition; None where it is no structure."""
    states_at: ua.NodeId | None = field(default=None, repr=False)


def key_of(node: ua.NodeId) -> Key:
    """Give what tells a node apart on its server."""
    return int(node.NamespaceIndex), node.Identifier


class DataTypes:
    """The data types met so far in one session."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._facts: dict[Key, TypeFacts] = {}
        self._wide: set[Key] = set()
        """Types in whose place one of their subtypes may stand."""

    async def learn(self, wanted: Iterable[ua.NodeId], *, subtypes: bool = False) -> None:
        """Ask about data types, those they derive from, those of their fields, and subtypes.

        With `subtypes` also about those that may stand in the place of a type: of the wanted
        ones, and of fields that allow it.

        Raises:
            DriverError: the server does not answer such questions now.
            NoReply, SessionLost: the session is over.
        """
        asked = {key_of(node): node for node in wanted}
        self._wide.update(asked if subtypes else ())
        for _ in range(MOST_ROUNDS):
            new = [node for key, node in asked.items() if self._unknown(key)]
            new = new[: MOST_TYPES - len(self._facts)]
            if not new:
                break
            asked = await self._round(new)
        self._lay_out()

    def builtin(self, key: Key) -> int:
        """Give the built-in type that values have on the wire; 0 where it is not known."""
        for _ in range(MOST_ROUNDS):
            space, number = key
            if space == 0 and isinstance(number, int):
                if number <= 25:
                    return number
                if number in _STANDARD:
                    return _STANDARD[number]
            facts = self._facts.get(key)
            if facts is None or facts.supertype is None:
                return 0
            key = facts.supertype
        return 0

    def states(self, key: Key) -> tuple[tuple[int, str], ...]:
        """Give number and name of each value of an enumeration; empty for other types."""
        facts = self._facts.get(key)
        return facts.states if facts is not None else ()

    def _unknown(self, key: Key) -> bool:
        space, number = key
        known = space == 0 and isinstance(number, int) and (number <= 25 or number in _STANDARD)
        known = known and not (key == _ANY_STRUCTURE and key in self._wide)
        return not (known or key in self._facts or key in self._services.layouts.by_type)

    async def _round(self, nodes: Sequence[ua.NodeId]) -> dict[Key, ua.NodeId]:
        """Ask about some types; give those they refer to."""
        attributes = (AttributeIds.DataTypeDefinition, AttributeIds.BrowseName)
        answers = await read_attributes(self._services, [(n, a) for n in nodes for a in attributes])
        asked = [below(node, reference=_REFERENCES) for node in nodes]
        for one in asked:
            one.BrowseDirection = ua.BrowseDirection.Both
        references = await browse(self._services, asked)
        following: dict[Key, ua.NodeId] = {}
        for at, node in enumerate(nodes):
            facts = self._facts[key_of(node)] = TypeFacts()
            name = held(answers[2 * at + 1])
            facts.name = str(name.Name or "") if isinstance(name, ua.QualifiedName) else ""
            for reference in references[at][0]:
                _note(facts, reference, following)
            if key_of(node) in self._wide:  # only `subtypes` makes types wide
                subtypes = _subtypes(references[at][0])
                self._wide.update(subtypes)
                following |= subtypes
            wide = _define(facts, held(answers[2 * at]), following)
            self._wide |= wide if key_of(node) in self._wide else set()
        await self._read_states()
        return following

    async def _read_states(self) -> None:
        """Read EnumStrings or EnumValues where a definition did not tell the names."""
        waiting = [one for one in self._facts.values() if one.states_at and not one.states]
        nodes = [one.states_at for one in waiting if one.states_at is not None]
        wanted = [(node, AttributeIds.Value) for node in nodes]
        for facts, answer in zip(
            waiting, await read_attributes(self._services, wanted), strict=True
        ):
            facts.states, facts.states_at = states_of(held(answer)), None

    def _lay_out(self) -> None:
        """Make layouts of all structures whose fields are understood."""
        layouts = self._services.layouts
        for key, facts in self._facts.items():
            if facts.definition is None or key in layouts.by_type:
                continue
            fields = self._fields(facts.definition)
            if fields is None:
                continue
            form = _FORMS[int(facts.definition.StructureType)]
            layouts.by_type[key] = Layout(facts.name, fields, form)
            told = facts.definition.DefaultEncodingId
            encoding = key_of(told) if told is not None and not told.is_null() else facts.encoding
            if encoding is not None:
                layouts.encodings[encoding] = key

    def _fields(self, definition: Any) -> tuple[FieldLayout, ...] | None:
        found = []
        for one in definition.Fields or ():
            key, rank = key_of(one.DataType), int(one.ValueRank)
            mine = self._facts.get(key)
            defined = mine is not None and mine.definition is not None
            structure = key if defined or key in self._services.layouts.by_type else None
            kind = EXTENSION_OBJECT if structure else self.builtin(key)
            optional = bool(one.IsOptional)
            if int(definition.StructureType) in _SUBTYPED and optional:
                kind = EXTENSION_OBJECT if kind == EXTENSION_OBJECT else VARIANT
                key, structure, optional = _ANY_STRUCTURE, None, False
            unexplained = kind == EXTENSION_OBJECT and structure is None and key != _ANY_STRUCTURE
            if not kind or unexplained or not (rank == -1 or 1 <= rank <= MOST_DIMENSIONS):
                return None
            found.append(
                FieldLayout(str(one.Name or ""), kind, structure, max(rank, 0), optional=optional)
            )
        named = {field.name for field in found}
        return tuple(found) if len(named) == len(found) <= MOST_FIELDS else None


async def learn_structures(services: Services, nodes: Sequence[ua.NodeId]) -> None:
    """Ask how the structures are made that variables hold.

    Raises:
        NoReply, SessionLost: the session is over.
    """
    answers = await read_attributes(services, [(node, AttributeIds.DataType) for node in nodes])
    types = [found for one in answers if isinstance(found := held(one), ua.NodeId)]
    await DataTypes(services).learn(types, subtypes=True)


def states_of(names: Any) -> tuple[tuple[int, str], ...]:
    """Give number and name from EnumStrings, EnumValues or an EnumDefinition's fields."""
    found = []
    for number, one in enumerate(names[:MOST_STATES] if isinstance(names, list) else ()):
        text = getattr(one, "Name", None) or getattr(one, "DisplayName", one)
        text = getattr(text, "Text", text)
        if text:
            found.append((int(getattr(one, "Value", number)), str(text)))
    return tuple(found)


def _note(
    facts: TypeFacts, reference: ua.ReferenceDescription, following: dict[Key, ua.NodeId]
) -> None:
    """Take from one reference what it says of a type."""
    kind, target = key_of(reference.ReferenceTypeId), reference.NodeId
    name = reference.BrowseName.Name if reference.BrowseName is not None else None
    if kind == (0, _HAS_SUBTYPE) and not reference.IsForward:
        facts.supertype = key_of(target)
        following[facts.supertype] = target
    elif kind == (0, _HAS_ENCODING) and reference.IsForward and name == _BINARY:
        facts.encoding = key_of(target)
    elif kind == (0, _HAS_PROPERTY) and name in {"EnumStrings", "EnumValues"}:
        facts.states_at = ua.NodeId(target.Identifier, target.NamespaceIndex, target.NodeIdType)


def _subtypes(references: Iterable[ua.ReferenceDescription]) -> dict[Key, ua.NodeId]:
    """Give the types that derive directly from one."""
    return {
        key_of(one.NodeId): one.NodeId
        for one in references
        if one.IsForward and key_of(one.ReferenceTypeId) == (0, _HAS_SUBTYPE)
    }


def _define(facts: TypeFacts, definition: Any, following: dict[Key, ua.NodeId]) -> set[Key]:
    """Take from a DataTypeDefinition what it says; give the types that allow subtypes there."""
    wide: set[Key] = set()
    if isinstance(definition, ua.EnumDefinition):
        facts.states = states_of(definition.Fields)
    elif isinstance(definition, ua.StructureDefinition):
        if (
            len(definition.Fields or ()) > MOST_FIELDS
            or int(definition.StructureType) not in _FORMS
        ):
            return wide
        facts.definition = definition
        for one in definition.Fields or ():
            following[key_of(one.DataType)] = one.DataType
            if one.IsOptional and int(definition.StructureType) in _SUBTYPED:
                wide.add(key_of(one.DataType))
    return wide
