"""OPC 40501-1 Machine Tools 1.02: monitoring, production and notification of a machine tool.

Ids and names are those of the published node set; a foreign test compares them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from simulators.machine import State
from simulators.opcua.models import machinery
from simulators.opcua.models.shape import (
    ANALOG_UNIT,
    OBJECT,
    ORDERED,
    PERCENT,
    PROPERTY_TYPE,
    STATE_MACHINE,
    UA,
    Branch,
    Leaf,
    TypeRef,
    base_type,
    enumeration,
    metric,
    prop,
    state_machine,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

URI: Final = "http://opcfoundation.org/UA/MachineTool/"

MACHINE_TOOL: Final = TypeRef(URI, 13, "MachineToolType", base=OBJECT)
IDENTIFICATION: Final = TypeRef(
    URI, 11, "MachineToolIdentificationType", base=machinery.MACHINE_IDENTIFICATION
)
MONITORING: Final = TypeRef(URI, 14, "MonitoringType", base=OBJECT)
OPERATION_MONITORING: Final = TypeRef(URI, 26, "MachineOperationMonitoringType", base=OBJECT)
ELEMENT_MONITORING: Final = TypeRef(URI, 23, "ElementMonitoringType", base=OBJECT)
CHANNEL_MONITORING: Final = TypeRef(URI, 16, "ChannelMonitoringType", base=ELEMENT_MONITORING)
WORKING_UNIT: Final = TypeRef(URI, 41, "WorkingUnitMonitoringType", base=ELEMENT_MONITORING)
SPINDLE_MONITORING: Final = TypeRef(URI, 22, "SpindleMonitoringType", base=WORKING_UNIT)
PRODUCTION: Final = TypeRef(URI, 21, "ProductionType", base=OBJECT)
PROGRAM: Final = TypeRef(URI, 59, "ProductionProgramType", base=OBJECT)
ACTIVE_PROGRAM: Final = TypeRef(URI, 32, "ProductionActiveProgramType", base=PROGRAM)
STATISTICS: Final = TypeRef(URI, 20, "ProductionStatisticsType", base=OBJECT)
JOB_LIST: Final = TypeRef(URI, 30, "ProductionJobListType", base=base_type(23_518))
JOB: Final = TypeRef(URI, 29, "ProductionJobType", base=OBJECT)
NOTIFICATION: Final = TypeRef(URI, 7, "NotificationType", base=OBJECT)
MESSAGES: Final = TypeRef(URI, 38, "MessagesType", base=OBJECT)
MESSAGE_EVENT: Final = TypeRef(URI, 35, "NotificationEventType", base=base_type(2_041))
"""An event with an Identifier; what we send for an alarm, see `simulators.opcua.events`."""
MODE_MACHINE: Final = TypeRef(
    URI, 1_003, "MachineOperationModeStateMachineType", base=machinery.OPERATION_MODE
)
PRODUCTION_STATES: Final = TypeRef(URI, 24, "ProductionStateMachineType", base=STATE_MACHINE)
PROGRAM_STATES: Final = TypeRef(
    URI,
    15,
    "ProductionProgramStateMachineType",
    base=PRODUCTION_STATES,
    states={
        "Initializing": (5_039, 0),
        "Running": (5_041, 1),
        "Ended": (5_038, 2),
        "Interrupted": (5_040, 3),
        "Aborted": (5_037, 4),
    },
)
MACHINE_OPERATION_MODE: Final = TypeRef(
    URI,
    65,
    "MachineOperationMode",
    kind="enumeration",
    base=base_type(29),
    values=dict(
        enumerate(
            ("Manual", "Automatic", "Setup", "AutoWithManualIntervention", "Service", "Other")
        )
    ),
)
CHANNEL_STATE: Final = TypeRef(
    URI,
    64,
    "ChannelState",
    kind="enumeration",
    base=base_type(29),
    values=dict(enumerate(("Active", "Interrupted", "Reset"))),
)
CHANNEL_MODE: Final = TypeRef(
    URI,
    67,
    "ChannelMode",
    kind="enumeration",
    base=base_type(29),
    values=dict(
        enumerate(
            (
                "Automatic", "MdaMdi", "JogManual", "JogIncrement", "TeachingHandle", "Remote",
                "Reference", "Other",
            )
        )
    ),
)  # fmt: skip

_MODES: Final = {State.SETUP: "Setup", State.OFF: "Other", State.ALARM: "Manual"}
_CHANNEL: Final = {State.RUNNING: "Active", State.ALARM: "Interrupted"}
_PROGRAM: Final = {
    State.RUNNING: "Running",
    State.ALARM: "Interrupted",
    State.OFF: "Aborted",
    State.SETUP: "Initializing",
}


def _state(metrics: Mapping[str, Any]) -> State:
    return State(metrics["machine.state"])


def machine_tool(machine: str, model: str, *, more: tuple[Branch, ...] = ()) -> Branch:
    """Give one machine tool; `more` stands beside what the specification puts into it."""
    return Branch(
        uri="urn:chulian:simulator:workshop",
        name=machine,
        definition=MACHINE_TOOL,
        children=(
            machinery.identification(machine, model, definition=IDENTIFICATION),
            machinery.building_blocks(mode_type=MODE_MACHINE),
            _monitoring(),
            _production(),
            Branch(
                uri=URI,
                name="Notification",
                definition=NOTIFICATION,
                children=(Branch(uri=URI, name="Messages", definition=MESSAGES),),
            ),
            *more,
        ),
    )


def _monitoring() -> Branch:
    operation = Branch(
        uri=URI,
        name="MachineTool",
        definition=OPERATION_MONITORING,
        children=(
            enumeration(
                URI,
                "OperationMode",
                MACHINE_OPERATION_MODE,
                lambda metrics: _MODES.get(_state(metrics), "Automatic"),
            ),
            _override("FeedOverride", "feed.override"),
            Leaf(
                uri=URI,
                name="PowerOnDuration",
                type="UInt32",
                shows=lambda metrics: metrics["time.power_on"] // 3_600,  # full hours, from memory
            ),
        ),
    )
    return Branch(
        uri=URI,
        name="Monitoring",
        definition=MONITORING,
        children=(operation, _channel(), _spindle()),
    )


def _channel() -> Branch:
    return Branch(
        uri=URI,
        name="Channel1",
        definition=CHANNEL_MONITORING,
        children=(
            prop(URI, "Name", "Channel1"),
            enumeration(
                URI,
                "ChannelState",
                CHANNEL_STATE,
                lambda metrics: _CHANNEL.get(_state(metrics), "Reset"),
            ),
            enumeration(
                URI,
                "ChannelMode",
                CHANNEL_MODE,
                lambda metrics: "JogManual" if _state(metrics) is State.SETUP else "Automatic",
            ),
            _override("FeedOverride", "feed.override"),
        ),
    )


def _spindle() -> Branch:
    return Branch(
        uri=URI,
        name="Spindle1",
        definition=SPINDLE_MONITORING,
        children=(
            prop(URI, "Name", "S1"),
            Leaf(
                uri=URI,
                name="IsRotating",
                type="Boolean",
                shows=lambda metrics: metrics["spindle.speed"] > 1,
            ),
            Leaf(
                uri=URI, name="Override", definition=ANALOG_UNIT, unit=PERCENT,
                range=(50.0, 120.0), value=100.0,
            ),
        ),
    )  # fmt: skip


def _override(name: str, source: str) -> Leaf:
    return Leaf(
        uri=URI, name=name, definition=ANALOG_UNIT, unit=PERCENT, range=(0.0, 150.0),
        shows=lambda metrics: float(metrics[source]),
    )  # fmt: skip


def _production() -> Branch:
    program = Branch(
        uri=URI,
        name="ActiveProgram",
        definition=ACTIVE_PROGRAM,
        children=(
            Leaf(
                uri=URI, name="Name", type="String", definition=PROPERTY_TYPE,
                shows=metric("program.name"),
            ),
            prop(UA, "NumberInList", 0, "UInt16"),
            state_machine(
                URI,
                "State",
                PROGRAM_STATES,
                lambda metrics: _PROGRAM.get(_state(metrics), "Ended"),
                reference=47,
            ),
        ),
    )  # fmt: skip
    statistics = Branch(
        uri=URI,
        name="Statistics",
        definition=STATISTICS,
        children=(_count("PartsProducedInLifetime", "part.count"),),
    )
    return Branch(
        uri=URI, name="Production", definition=PRODUCTION, children=(program, _plan(), statistics)
    )


def _plan() -> Branch:
    job = Branch(
        uri=URI,
        name="Job1",
        definition=JOB,
        reference=ORDERED,
        children=(
            prop(URI, "Identifier", "JOB-1"),
            prop(UA, "NumberInList", 0, "UInt16"),
            _count("RunsPlanned", "part.target"),
            _count("PartsCompleted", "part.count"),
        ),
    )
    return Branch(uri=URI, name="ProductionPlan", definition=JOB_LIST, children=(job,))


def _count(name: str, source: str) -> Leaf:
    return Leaf(uri=URI, name=name, type="UInt32", shows=metric(source))
