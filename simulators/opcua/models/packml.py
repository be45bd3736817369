"""OPC 30050 PackML 1.01: status, state machines and counters of a machine in a line.

Ids and names are those of the published node set; a foreign test compares them. `StateCurrent` is a
PackTag of ISA-TR88.00.02 that OPC 30050 left out in favour of its state machines; it is here
because PLC programs that serve PackTags have it, and its numbers are those of these machines.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

from simulators.machine import State
from simulators.opcua.models.shape import (
    ANALOG,
    OBJECT,
    PIECE,
    STATE_MACHINE,
    Branch,
    Leaf,
    TypeRef,
    base_type,
    enumeration,
    prop,
    state_machine,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

URI: Final = "http://opcfoundation.org/UA/PackML/"

BASE: Final = TypeRef(URI, 6, "PackMLBaseObjectType", base=OBJECT)
STATUS: Final = TypeRef(URI, 4, "PackMLStatusObjectType", base=OBJECT)
ADMIN: Final = TypeRef(URI, 5, "PackMLAdminObjectType", base=OBJECT)
BASE_STATES: Final = TypeRef(
    URI, 3, "PackMLBaseStateMachineType", base=STATE_MACHINE,
    states={"Aborting": (61, 8), "Aborted": (62, 9), "Cleared": (71, 19)},
)  # fmt: skip
MACHINE_STATES: Final = TypeRef(
    URI, 2, "PackMLMachineStateMachineType", base=STATE_MACHINE,
    states={
        "Clearing": (55, 1), "Stopped": (53, 2), "Stopping": (54, 7), "Running": (75, 18),
    },
)  # fmt: skip
EXECUTE_STATES: Final = TypeRef(
    URI, 1, "PackMLExecuteStateMachineType", base=STATE_MACHINE,
    states={
        "Starting": (29, 3), "Idle": (28, 4), "Suspended": (31, 5), "Execute": (36, 6),
        "Holding": (33, 10), "Held": (34, 11), "Unholding": (35, 12), "Suspending": (30, 13),
        "Unsuspending": (32, 14), "Resetting": (27, 15), "Completing": (37, 16),
        "Complete": (38, 17),
    },
)  # fmt: skip
MODES: Final = TypeRef(
    URI, 11, "ProductionMaintenanceModeEnum", kind="enumeration", base=base_type(29),
    values=dict(enumerate(("Invalid", "Produce", "Maintenance", "Manual"))),
)  # fmt: skip
COUNT: Final = TypeRef(
    URI, 14, "PackMLCountDataType", kind="structure", base=base_type(22),
    members=(
        ("ID", "Int32"), ("Name", "String"), ("Unit", "EUInformation"), ("Count", "Int32"),
        ("AccCount", "Int32"),
    ),
    encoding=69,
)  # fmt: skip

_NUMBERS: Final = {State.OFF: 2, State.IDLE: 4, State.RUNNING: 6, State.ALARM: 9, State.SETUP: 11}
"""State of our machines -> PackML state number: stopped, idle, execute, aborted, held."""


def _state(metrics: Mapping[str, Any]) -> State:
    return State(metrics["machine.state"])


def packml_machine(machine: str) -> Branch:
    """Give one machine with its PackML objects."""
    return Branch(
        uri="urn:chulian:simulator:workshop",
        name=machine,
        definition=BASE,
        children=(
            prop(URI, "PackMLVersion", "1.01"),
            prop(URI, "TagID", machine),
            _status(),
            _admin(),
            _states(),
        ),
    )


def _status() -> Branch:
    return Branch(
        uri=URI,
        name="Status",
        definition=STATUS,
        children=(
            Leaf(
                uri=URI, name="StateCurrent", type="Int32",
                shows=lambda metrics: _NUMBERS[_state(metrics)],
            ),
            enumeration(
                URI,
                "UnitModeCurrent",
                MODES,
                lambda metrics: "Manual" if _state(metrics) is State.SETUP else "Produce",
            ),
            Leaf(
                uri=URI, name="CurMachSpeed", type="Float", definition=ANALOG, range=(0.0, 30.0),
                shows=lambda metrics: 12.0 if _state(metrics) is State.RUNNING else 0.0,
            ),
            Leaf(
                uri=URI, name="MachSpeed", type="Float", definition=ANALOG, range=(0.0, 30.0),
                value=12.0,
            ),
            Leaf(uri=URI, name="EquipmentBlocked", type="Boolean", value=False),
            Leaf(
                uri=URI, name="EquipmentStarved", type="Boolean",
                shows=lambda metrics: _state(metrics) is State.IDLE,
            ),
        ),
    )  # fmt: skip


def _admin() -> Branch:
    return Branch(
        uri=URI,
        name="Admin",
        definition=ADMIN,
        children=(
            Leaf(
                uri=URI, name="ProdProcessedCount", type="ExtensionObject", data_type=COUNT, rank=1,
                shows=lambda metrics: [_count(metrics["part.count"])],
            ),
            Leaf(uri=URI, name="MachDesignSpeed", type="Float", value=30.0),
            Leaf(
                uri=URI, name="AccTimeSinceReset", type="Int32",
                shows=lambda metrics: metrics["time.power_on"],
            ),
        ),
    )  # fmt: skip


def _states() -> Branch:
    execute = state_machine(
        URI,
        "ExecuteState",
        EXECUTE_STATES,
        lambda metrics: {State.RUNNING: "Execute", State.SETUP: "Held"}.get(
            _state(metrics), "Idle"
        ),
        reference=47,
    )
    machine = state_machine(
        URI,
        "MachineState",
        MACHINE_STATES,
        lambda metrics: "Stopped" if _state(metrics) is State.OFF else "Running",
        reference=47,
    )
    base = state_machine(
        URI,
        "BaseStateMachine",
        BASE_STATES,
        lambda metrics: "Aborted" if _state(metrics) is State.ALARM else "Cleared",
        reference=47,
    )
    inner = Branch(
        uri=URI, name=machine.name, definition=machine.definition,
        children=(*machine.children, execute),
    )  # fmt: skip
    return Branch(
        uri=URI, name=base.name, definition=base.definition, children=(*base.children, inner)
    )


def _count(parts: int) -> bytes:
    """Encode one PackMLCountDataType. Source: OPC 10000-6, 5.2."""
    texts = ("http://www.opcfoundation.org/UA/units/un/cefact", PIECE.symbol, PIECE.english)
    uri, symbol, english = (struct.pack("<i", len(t.encode())) + t.encode() for t in texts)
    unit = uri + struct.pack("<i", PIECE.number) + b"\x02" + symbol + b"\x02" + english
    name = b"parts"
    return struct.pack("<ii", 1, len(name)) + name + unit + struct.pack("<ii", parts, parts)
