"""How a companion model is written down: types, branches and leaves, with nothing of a server.

Facts of the specifications (names, ids, units, enumerations) stand in the modules beside this one;
what a live value is computed from stands with the leaf.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

Reading: TypeAlias = Callable[[Mapping[str, Any]], Any]
"""What a leaf shows, from the metrics of its machine; None where it has no value."""

UA: Final = "http://opcfoundation.org/UA/"
COMPONENT: Final = 47
PROPERTY: Final = 46
ORGANIZES: Final = 35
ORDERED: Final = 49
ADD_IN: Final = 17_604
"""Reference types of namespace 0: HasComponent, HasProperty, Organizes, HasOrderedComponent,
HasAddIn."""


@dataclass(frozen=True, slots=True)
class TypeRef:
    """A type of a specification: an object, a variable or a data type."""

    uri: str
    number: int
    """Numeric identifier in the namespace."""
    name: str = ""
    kind: Literal["object", "variable", "enumeration", "structure"] = "object"
    base: TypeRef | None = None
    """Its supertype; None only for types of namespace 0, which every server has."""
    values: Mapping[int, str] = field(default_factory=dict, hash=False)
    """Enumeration: number -> name."""
    states: Mapping[str, tuple[int, int]] = field(default_factory=dict, hash=False)
    """State machine: state -> (numeric identifier of its node, StateNumber)."""
    members: tuple[tuple[str, str], ...] = ()
    """Structure: name and built-in type of each field, in order."""
    encoding: int = 0
    """Structure: numeric identifier of its Default Binary encoding."""


def base_type(number: int) -> TypeRef:
    """Give a type of namespace 0."""
    return TypeRef(UA, number)


OBJECT: Final = base_type(58)
FOLDER: Final = base_type(61)
DATA: Final = base_type(63)
DATA_ITEM: Final = base_type(2_365)
ANALOG: Final = base_type(2_368)
ANALOG_UNIT: Final = base_type(17_570)
PROPERTY_TYPE: Final = base_type(68)
STATE_VARIABLE: Final = base_type(2_760)
STATE_MACHINE: Final = base_type(2_771)
"""BaseObjectType, FolderType, BaseDataVariableType, DataItemType, AnalogItemType,
AnalogUnitRangeType, PropertyType, FiniteStateVariableType, FiniteStateMachineType."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """An engineering unit of UNECE Recommendation 20."""

    code: str
    symbol: str
    english: str

    @property
    def number(self) -> int:
        """UnitId: the characters of the code as one number. Source: OPC 10000-8, 5.6.4.3."""
        return int.from_bytes(self.code.encode("ascii"), "big")


PERCENT: Final = Unit(code="P1", symbol="%", english="percent")
MM: Final = Unit(code="MMT", symbol="mm", english="millimetre")
MM_PER_MIN: Final = Unit(code="H81", symbol="mm/min", english="millimetre per minute")
RPM: Final = Unit(code="RPM", symbol="r/min", english="revolutions per minute")
SECOND: Final = Unit(code="SEC", symbol="s", english="second")
WATT: Final = Unit(code="WTT", symbol="W", english="watt")
PIECE: Final = Unit(code="H87", symbol="pc", english="piece")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A variable or property."""

    uri: str
    """Namespace of the browse name."""
    name: str
    type: str = "Double"
    """Built-in type of the value."""
    shows: Reading | None = None
    """Live value; None: it always holds `value`."""
    value: Any = None
    data_type: TypeRef | None = None
    """Data type where it is not the built-in one: an enumeration, a structure, a narrower type."""
    definition: TypeRef = DATA
    unit: Unit | None = None
    range: tuple[float, float] | None = None
    """EURange."""
    unit_uri: str = UA
    """Namespace of the browse names EngineeringUnits and EURange."""
    leaves: tuple[Leaf, ...] = ()
    rank: int = -1
    """-1 a scalar, 1 an array."""

    @property
    def reference(self) -> int:
        """How its parent refers to it."""
        return PROPERTY if self.definition == PROPERTY_TYPE else COMPONENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """An object."""

    uri: str
    """Namespace of the browse name."""
    name: str
    definition: TypeRef = OBJECT
    children: tuple[Branch | Leaf, ...] = ()
    reference: int = COMPONENT
    """How its parent refers to it."""


def prop(uri: str, name: str, value: Any, type: str = "String") -> Leaf:  # noqa: A002 - the field's own word
    """Give a property that never changes."""
    return Leaf(uri=uri, name=name, value=value, type=type, definition=PROPERTY_TYPE)


def metric(name: str) -> Reading:
    """Show a metric of the machine as it is."""
    return lambda metrics: metrics[name]


def state_machine(
    uri: str,
    name: str,
    machine: TypeRef,
    state: Reading,
    *,
    reference: int = ADD_IN,
    states_of: TypeRef | None = None,
) -> Branch:
    """Give a state machine whose CurrentState, Id and Number follow a reading of state names."""
    holder = states_of or machine
    current = Leaf(
        uri=UA,
        name="CurrentState",
        type="LocalizedText",
        shows=state,
        definition=STATE_VARIABLE,
        leaves=(
            Leaf(
                uri=UA, name="Id", type="NodeId", definition=PROPERTY_TYPE,
                shows=lambda metrics: (holder.uri, holder.states[state(metrics)][0]),
            ),
            Leaf(
                uri=UA, name="Number", type="UInt32", definition=PROPERTY_TYPE,
                shows=lambda metrics: holder.states[state(metrics)][1],
            ),
        ),
    )  # fmt: skip
    return Branch(uri=uri, name=name, definition=machine, children=(current,), reference=reference)


def enumeration(
    uri: str, name: str, kind: TypeRef, shows: Reading, *, definition: TypeRef = DATA
) -> Leaf:
    """Give a variable of an enumeration; the reading gives names of its values."""
    numbers = {text: number for number, text in kind.values.items()}
    return Leaf(
        uri=uri, name=name, type="Int32", data_type=kind, definition=definition,
        shows=lambda metrics: numbers[shows(metrics)],
    )  # fmt: skip
