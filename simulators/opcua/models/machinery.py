"""OPC 40001-1 Machinery 1.04 and what it takes from DI (OPC 10000-100): identification and state.

Ids and names are those of the published node sets; a foreign test compares them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from simulators.machine import State
from simulators.opcua.models.shape import (
    ADD_IN,
    FOLDER,
    PROPERTY_TYPE,
    STATE_MACHINE,
    Branch,
    Leaf,
    TypeRef,
    prop,
    state_machine,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

DI: Final = "http://opcfoundation.org/UA/DI/"
URI: Final = "http://opcfoundation.org/UA/Machinery/"

FUNCTIONAL_GROUP: Final = TypeRef(DI, 1_005, "FunctionalGroupType", base=FOLDER)
MACHINES_FOLDER: Final = 1_001
"""Numeric identifier of the folder Machines, below Objects."""
ITEM_IDENTIFICATION: Final = TypeRef(
    URI, 1_004, "MachineryItemIdentificationType", base=FUNCTIONAL_GROUP
)
MACHINE_IDENTIFICATION: Final = TypeRef(
    URI, 1_012, "MachineIdentificationType", base=ITEM_IDENTIFICATION
)
ITEM_STATE: Final = TypeRef(
    URI,
    1_002,
    "MachineryItemState_StateMachineType",
    base=STATE_MACHINE,
    states={
        "NotAvailable": (5_005, 0),
        "OutOfService": (5_004, 1),
        "NotExecuting": (5_007, 2),
        "Executing": (5_006, 3),
    },
)
OPERATION_MODE: Final = TypeRef(
    URI,
    1_008,
    "MachineryOperationModeStateMachineType",
    base=STATE_MACHINE,
    states={
        "None": (5_024, 0),
        "Maintenance": (5_025, 1),
        "Setup": (5_027, 2),
        "Processing": (5_026, 3),
    },
)
OPERATION_COUNTER: Final = TypeRef(
    URI, 1_009, "MachineryOperationCounterType", base=FUNCTIONAL_GROUP
)

_ITEM_STATES: Final = {
    State.OFF: "NotAvailable",
    State.ALARM: "OutOfService",
    State.IDLE: "NotExecuting",
    State.SETUP: "NotExecuting",
    State.RUNNING: "Executing",
}
_MODES: Final = {State.OFF: "None", State.SETUP: "Setup"}


def item_state(metrics: Mapping[str, Any]) -> str:
    """Name the MachineryItemState of a machine."""
    return _ITEM_STATES[State(metrics["machine.state"])]


def operation_mode(metrics: Mapping[str, Any]) -> str:
    """Name the MachineryOperationMode of a machine."""
    return _MODES.get(State(metrics["machine.state"]), "Processing")


def identification(machine: str, model: str, *, definition: TypeRef) -> Branch:
    """Give Identification: who made the machine, which type, which one."""
    return Branch(
        uri=DI,
        name="Identification",
        definition=definition,
        reference=ADD_IN,
        children=(
            prop(DI, "Manufacturer", ("楚联仿真机床", "zh"), "LocalizedText"),
            prop(DI, "ManufacturerUri", "urn:chulian:simulator"),
            prop(DI, "Model", (model, ""), "LocalizedText"),
            prop(DI, "SerialNumber", f"SIM-{machine}-0001"),
            prop(DI, "ProductInstanceUri", f"urn:chulian:simulator:{model}:{machine}"),
            prop(DI, "SoftwareRevision", "1.0.0"),
            prop(DI, "ComponentName", (machine, ""), "LocalizedText"),
            prop(URI, "YearOfConstruction", 2_019, "UInt16"),
            prop(URI, "Location", f"车间一 {machine}"),
        ),
    )


def building_blocks(*, mode_type: TypeRef = OPERATION_MODE) -> Branch:
    """Give MachineryBuildingBlocks: state, operation mode and counters."""
    return Branch(
        uri=URI,
        name="MachineryBuildingBlocks",
        definition=FOLDER,
        children=(
            state_machine(URI, "MachineryItemState", ITEM_STATE, item_state),
            state_machine(
                URI,
                "MachineryOperationMode",
                mode_type,
                operation_mode,
                states_of=OPERATION_MODE,
            ),
            counters(),
        ),
    )


def counters() -> Branch:
    """Give OperationCounters; durations are in ms, as the type Duration says."""
    return Branch(
        uri=DI,
        name="OperationCounters",
        definition=OPERATION_COUNTER,
        reference=ADD_IN,
        children=(
            _counter("PowerOnDuration", "Double", "time.power_on", factor=1_000.0),
            _counter("OperationDuration", "Double", "time.operating", factor=1_000.0),
            _counter("OperationCycleCounter", "UInt32", "part.count", factor=1),
        ),
    )


def _counter(name: str, type_name: str, source: str, *, factor: float) -> Leaf:
    return Leaf(
        uri=DI,
        name=name,
        type=type_name,
        definition=PROPERTY_TYPE,
        data_type=TypeRef("http://opcfoundation.org/UA/", 290) if type_name == "Double" else None,
        shows=lambda metrics: metrics[source] * factor,
    )
