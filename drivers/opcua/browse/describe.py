"""What a server tells of its variables: type, unit, range, names of states, access, a sample.

One read for the attributes of many variables, one for their properties, one for their values.
A question the server does not answer leaves its field empty; nothing is made up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds

from drivers.api import Access, DriverError, SessionLost
from drivers.opcua.browse.asking import held, read_attributes
from drivers.opcua.browse.names import MOST_TEXT, clean
from drivers.opcua.browse.units import ucum_of
from drivers.opcua.structures.definitions import key_of, states_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drivers.opcua.services import Services
    from drivers.opcua.structures.layout import Key

METADATA: Final = frozenset(
    {
        "EngineeringUnits", "EURange", "InstrumentRange", "EnumStrings", "EnumValues",
        "TrueState", "FalseState", "ValuePrecision", "Definition", "ValueAsText", "LocalTime",
        "InputArguments", "OutputArguments", "NodeVersion", "AxisScaleType", "AxisDefinition",
        "XAxisDefinition", "YAxisDefinition", "ZAxisDefinition", "Title", "DictionaryFragment",
        "NamingRule", "Icon", "MaxStringLength", "MaxArrayLength", "MaxByteStringLength",
    }
)  # fmt: skip
"""Properties that tell of the variable they belong to, and are no points themselves."""

_ASKED: Final = ("EngineeringUnits", "EURange", "EnumStrings", "EnumValues")
_ATTRIBUTES: Final = (
    AttributeIds.DataType,
    AttributeIds.ValueRank,
    AttributeIds.UserAccessLevel,
    AttributeIds.Description,
)
_READ, _WRITE = 1, 2  # bits of an access level. Source: OPC 10000-3, 8.57


@dataclass(slots=True)
class Facts:
    """What was told of one variable."""

    data_type: ua.NodeId | None = None
    rank: int = -1
    """-1 one value, from 1 the dimensions of an array."""
    access: Access | None = Access.READ
    """None where it cannot be read."""
    description: str = ""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    states: tuple[tuple[int, str], ...] = ()

    @property
    def type_key(self) -> Key | None:
        """What tells its data type apart; None where it was not told."""
        return None if self.data_type is None else key_of(self.data_type)


@dataclass(slots=True)
class Asked:
    """One variable, and those of its properties that tell of it."""

    node: ua.NodeId
    properties: dict[str, ua.NodeId] = field(default_factory=dict)


async def facts_of(services: Services, variables: Sequence[Asked]) -> list[Facts]:
    """Ask for the facts of variables.

    Raises:
        NoReply, SessionLost: the session is over.
    """
    wanted = [(one.node, attribute) for one in variables for attribute in _ATTRIBUTES]
    properties = [
        (at, name, node)
        for at, one in enumerate(variables)
        for name, node in one.properties.items()
        if name in _ASKED
    ]
    wanted += [(node, AttributeIds.Value) for _, _, node in properties]
    try:
        answers = [held(one) for one in await read_attributes(services, wanted)]
    except SessionLost:
        raise
    except DriverError:
        return [Facts() for _ in variables]
    found = [
        _facts(answers[at : at + len(_ATTRIBUTES)])
        for at in range(0, len(variables) * len(_ATTRIBUTES), len(_ATTRIBUTES))
    ]
    told = answers[len(variables) * len(_ATTRIBUTES) :]
    for (at, name, _), value in zip(properties, told, strict=True):
        _add(found[at], {name: value})
    return found


def _facts(answers: Sequence[Any]) -> Facts:
    data_type, rank, level, description = answers
    access: Access | None = Access.READ
    if isinstance(level, int):
        access = (Access.READ_WRITE if level & _WRITE else Access.READ) if level & _READ else None
    return Facts(
        data_type=data_type if isinstance(data_type, ua.NodeId) else None,
        rank=rank if isinstance(rank, int) else -1,
        access=access,
        description=clean(getattr(description, "Text", None), most=MOST_TEXT),
    )


def _add(facts: Facts, told: Mapping[str, Any]) -> None:
    """Take what one property says."""
    for name, value in told.items():
        if name == "EngineeringUnits" and isinstance(value, ua.EUInformation):
            text = getattr(value.DisplayName, "Text", None)
            facts.unit = ucum_of(int(value.UnitId), text)
        elif name == "EURange" and isinstance(value, ua.Range):
            low, high = float(value.Low), float(value.High)
            if high > low and high - low < float("inf"):
                facts.low, facts.high = low, high
        elif name in {"EnumStrings", "EnumValues"}:
            facts.states = named(states_of(value))


def named(states: tuple[tuple[int, str], ...]) -> tuple[tuple[int, str], ...]:
    """Give states with names fit to be shown."""
    return tuple((number, clean(name)) for number, name in states)
