"""OPC 40502 CNC Systems 1.0: interface, channel, axes and spindle of a numerical control.

Ids and names are those of the published node set; a foreign test compares them. The document leaves
open where CncInterface stands when one server shows several machines; here below each machine.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

from simulators.machine import State
from simulators.opcua.models.shape import (
    ANALOG,
    DATA,
    DATA_ITEM,
    MM,
    MM_PER_MIN,
    OBJECT,
    PERCENT,
    RPM,
    UA,
    WATT,
    Branch,
    Leaf,
    Reading,
    TypeRef,
    Unit,
    base_type,
    enumeration,
    metric,
    prop,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

URI: Final = "http://opcfoundation.org/UA/CNC"

COMPONENT: Final = TypeRef(URI, 1_001, "CncComponentType", base=OBJECT)
CHANNEL: Final = TypeRef(URI, 1_002, "CncChannelType", base=COMPONENT)
DRIVE: Final = TypeRef(URI, 1_003, "CncDriveType", base=COMPONENT)
AXIS: Final = TypeRef(URI, 1_004, "CncAxisType", base=DRIVE)
SPINDLE: Final = TypeRef(URI, 1_005, "CncSpindleType", base=DRIVE)
INTERFACE: Final = TypeRef(URI, 1_007, "CncInterfaceType", base=OBJECT)
AXIS_LIST: Final = TypeRef(URI, 1_008, "CncAxisListType", base=OBJECT)
SPINDLE_LIST: Final = TypeRef(URI, 1_009, "CncSpindleListType", base=OBJECT)
CHANNEL_LIST: Final = TypeRef(URI, 1_010, "CncChannelListType", base=OBJECT)
POSITION_TYPE: Final = TypeRef(URI, 2_001, "CncPositionVariableType", kind="variable", base=DATA)
POSITION: Final = TypeRef(
    URI,
    3_007,
    "CncPositionDataType",
    kind="structure",
    base=base_type(22),
    members=(("ActPos", "Double"), ("CmdPos", "Double"), ("RemDist", "Double")),
    encoding=5_001,
)


def _numbered(number: int, name: str, *names: str) -> TypeRef:
    return TypeRef(
        URI, number, name, kind="enumeration", base=base_type(29), values=dict(enumerate(names))
    )


TURN_DIRECTION: Final = _numbered(3_001, "CncSpindleTurnDirection", "None", "CW", "CCW")
PROGRAM_STATUS: Final = _numbered(
    3_002, "CncChannelProgramStatus", "Stopped", "Running", "Waiting", "Interrupted", "Canceled"
)
CHANNEL_STATUS: Final = _numbered(3_003, "CncChannelStatus", "Active", "Interrupted", "Reset")
AXIS_STATUS: Final = _numbered(3_004, "CncAxisStatus", "InPosition", "Moving", "Parked")
SPINDLE_STATUS: Final = _numbered(
    3_005, "CncSpindleStatus", "Stopped", "InTargetArea", "Accelerating", "Decelerating", "Parked"
)
MODE: Final = _numbered(3_006, "CncOperationMode", "Manual", "MDA", "Automatic")

_PROGRAM: Final = {State.RUNNING: "Running", State.ALARM: "Interrupted", State.OFF: "Canceled"}
_CHANNEL: Final = {State.RUNNING: "Active", State.ALARM: "Interrupted"}


def interface(axes: tuple[str, ...], *, power_w: float) -> Branch:
    """Give the CncInterface of a machine with these axes and this spindle power."""
    return Branch(
        uri=URI,
        name="CncInterface",
        definition=INTERFACE,
        children=(
            prop(URI, "VendorName", "Chulian simulator"),
            prop(URI, "VendorRevision", "1.0.0"),
            prop(URI, "Version", "1.0"),
            prop(URI, "CncTypeName", "SIM-CNC"),
            Branch(
                uri=URI,
                name="CncAxisList",
                definition=AXIS_LIST,
                children=tuple(_axis(name) for name in axes),
            ),
            Branch(uri=URI, name="CncChannelList", definition=CHANNEL_LIST, children=(_channel(),)),
            Branch(
                uri=URI,
                name="CncSpindleList",
                definition=SPINDLE_LIST,
                children=(_spindle(power_w),),
            ),
        ),
    )


def _state(metrics: Mapping[str, Any]) -> State:
    return State(metrics["machine.state"])


def _axis(name: str) -> Branch:
    source = f"axis.{name}.position"

    def position(metrics: Mapping[str, Any]) -> bytes:
        return struct.pack("<3d", metrics[source], metrics[source], 0.0)

    def status(metrics: Mapping[str, Any]) -> str:
        return "Moving" if metrics["feed.rate"] > 1 else "InPosition"

    members = (
        Leaf(uri=URI, name="ActPos", shows=metric(source)),
        Leaf(uri=URI, name="CmdPos", shows=metric(source)),
        Leaf(uri=URI, name="RemDist", value=0.0),
    )
    return Branch(
        uri=URI,
        name=name.upper(),
        definition=AXIS,
        children=(
            enumeration(URI, "ActStatus", AXIS_STATUS, status, definition=DATA_ITEM),
            _item("IsReferenced", "Boolean", lambda _: True),
            _item("IsRotational", "Boolean", lambda _: False),
            Leaf(
                uri=URI, name="PosDirect", type="ExtensionObject", data_type=POSITION,
                definition=POSITION_TYPE, shows=position, leaves=members,
                unit=MM, range=(-5_000.0, 5_000.0), unit_uri=URI,
            ),
        ),
    )  # fmt: skip


def _channel() -> Branch:
    return Branch(
        uri=URI,
        name="Channel1",
        definition=CHANNEL,
        children=(
            prop(URI, "Id", 1, "UInt32"),
            _analog("ActFeedrate", metric("feed.rate"), MM_PER_MIN, (0.0, 20_000.0)),
            _analog("ActOverride", lambda m: float(m["feed.override"]), PERCENT, (0.0, 150.0)),
            _item("ActMainProgramName", "String", metric("program.name")),
            _item("ActProgramName", "String", metric("program.name")),
            _item("ActProgramLine", "String", lambda metrics: str(metrics["program.line"])),
            _item("ToolId", "UInt32", metric("tool.number")),
            _item("FeedHold", "Boolean", lambda metrics: _state(metrics) is State.ALARM),
            enumeration(
                URI,
                "ActProgramStatus",
                PROGRAM_STATUS,
                lambda metrics: _PROGRAM.get(_state(metrics), "Stopped"),
                definition=DATA_ITEM,
            ),
            enumeration(
                URI,
                "ActStatus",
                CHANNEL_STATUS,
                lambda metrics: _CHANNEL.get(_state(metrics), "Reset"),
                definition=DATA_ITEM,
            ),
            enumeration(
                URI,
                "ActOperationMode",
                MODE,
                lambda metrics: "Manual" if _state(metrics) is State.SETUP else "Automatic",
                definition=DATA_ITEM,
            ),
            Leaf(
                uri=URI, name="ActGFunctions", type="UInt32", rank=1, definition=DATA_ITEM,
                shows=lambda metrics: [1 if metrics["spindle.load"] > 5 else 0, 17, 40, 54, 90],
            ),
        ),
    )  # fmt: skip


def _spindle(power_w: float) -> Branch:
    return Branch(
        uri=URI,
        name="S1",
        definition=SPINDLE,
        children=(
            _analog("ActSpeed", metric("spindle.speed"), RPM, (0.0, 12_000.0)),
            _analog("CmdSpeed", metric("spindle.speed_cmd"), RPM, (0.0, 12_000.0)),
            _analog("ActLoad", metric("spindle.load"), PERCENT, (0.0, 150.0)),
            _analog(
                "ActPower",
                lambda metrics: power_w * metrics["spindle.load"] / 100,
                WATT,
                (0.0, 1.5 * power_w),
            ),
            enumeration(
                URI,
                "ActTurnDirection",
                TURN_DIRECTION,
                lambda metrics: "CW" if metrics["spindle.speed"] > 1 else "None",
                definition=DATA_ITEM,
            ),
            enumeration(URI, "ActStatus", SPINDLE_STATUS, _turning, definition=DATA_ITEM),
        ),
    )


def _turning(metrics: Mapping[str, Any]) -> str:
    actual, wanted = metrics["spindle.speed"], metrics["spindle.speed_cmd"]
    if abs(actual - wanted) <= 0.02 * max(wanted, 50):
        return "InTargetArea" if wanted else "Stopped"
    return "Accelerating" if actual < wanted else "Decelerating"


def _item(name: str, type_name: str, shows: Reading) -> Leaf:
    return Leaf(uri=URI, name=name, type=type_name, definition=DATA_ITEM, shows=shows)


def _analog(name: str, shows: Reading, unit: Unit, span: tuple[float, float]) -> Leaf:
    return Leaf(
        uri=URI, name=name, definition=ANALOG, shows=shows, unit=unit, range=span, unit_uri=UA
    )
