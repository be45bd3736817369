"""Points of the simulated machines: where a metric stands, as what type, in what unit.

One table per kind of machine; the servers, the documentation and `Workshop.describe` all read
these and nothing else. Modbus addresses are zero-based protocol addresses.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulators.machine import Value

NAMESPACE = "urn:chulian:simulator:workshop"
"""OPC UA namespace of every simulated variable; its index is the server's business."""

_INTEGERS = frozenset({"int16", "uint16", "int32", "uint32"})


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a machine."""

    metric: str
    """Metric name, such as `spindle.speed`."""
    address: str
    """Modbus: `hr:10`, `hr:20/8`, `hr:16.3`, `ir:0`, `co:0`, `di:0`. OPC UA: below the machine."""
    type: str
    zh: str
    en: str
    unit: str = ""
    """UCUM unit of the physical value."""
    scale: float = 1.0
    """Physical value = raw value x scale."""
    group: str = "default"

    def raw(self, value: Value) -> Value:
        """Give what the machine holds for a physical value: scaled, as precise as its type."""
        if self.type in _INTEGERS:
            return round(float(value) / self.scale)
        if self.type == "float32":
            rounded: float = struct.unpack(">f", struct.pack(">f", float(value) / self.scale))[0]
            return rounded
        if self.type == "float64":
            return float(value) / self.scale
        return value


_COMMON_CNC = (
    Point("machine.state", "State", "int32", "机床状态", "Machine state"),
    Point("machine.mode", "Mode", "string", "操作方式", "Operation mode"),
    Point("program.name", "Program.Name", "string", "程序名", "Program name"),
    Point("program.line", "Program.Line", "uint32", "程序段号", "Program line"),
    Point("spindle.speed", "Spindle.Speed", "float64", "主轴转速", "Spindle speed", "{rev}/min"),
    Point(
        "spindle.speed_cmd",
        "Spindle.SpeedCommanded",
        "float64",
        "主轴指令转速",
        "Commanded spindle speed",
        "{rev}/min",
    ),
    Point("spindle.load", "Spindle.Load", "float64", "主轴负载", "Spindle load", "%"),
    Point("feed.rate", "Feed.Rate", "float64", "进给速度", "Feed rate", "mm/min"),
    Point("feed.override", "Feed.Override", "uint16", "进给倍率", "Feed override", "%"),
    Point("tool.number", "Tool.Number", "uint16", "刀具号", "Tool number"),
    Point("alarm.active", "Alarm.Active", "bool", "报警", "Alarm present"),
    Point("alarm.code", "Alarm.Code", "int32", "报警号", "Alarm code"),
    Point("part.count", "Part.Count", "uint32", "加工件数", "Parts made", "1"),
    Point("part.target", "Part.Target", "uint32", "批量", "Batch size", "1", group="slow"),
    Point(
        "time.power_on", "Time.PowerOn", "uint32", "通电时间", "Power-on time", "s", group="slow"
    ),
    Point(
        "time.operating",
        "Time.Operating",
        "uint32",
        "运行时间",
        "Operating time",
        "s",
        group="slow",
    ),
    Point("time.cutting", "Time.Cutting", "uint32", "切削时间", "Cutting time", "s", group="slow"),
    Point(
        "time.cycle",
        "Time.LastCycle",
        "float64",
        "上一循环时间",
        "Last cycle time",
        "s",
        group="slow",
    ),
)


def cnc_points(axes: tuple[str, ...]) -> tuple[Point, ...]:
    """Give the OPC UA points of a CNC machine with the given axes."""
    positions = (
        Point(
            f"axis.{axis}.position",
            f"Axis.{axis.upper()}.Position",
            "float64",
            f"{axis.upper()} 轴位置",
            f"{axis.upper()} axis position",
            "mm",
        )
        for axis in axes
    )
    return (*_COMMON_CNC, *positions)


PRESS_POINTS = (
    Point("machine.state", "hr:0", "uint16", "设备状态", "Machine state"),
    Point("machine.mode", "hr:1", "uint16", "工作方式(1 自动,2 手动)", "Mode (1 auto, 2 manual)"),
    Point("machine.step", "hr:2", "uint16", "工步", "Step of the cycle"),
    Point("alarm.code", "hr:3", "uint16", "报警号", "Alarm code"),
    Point("part.count", "hr:4", "uint32", "冲压次数", "Strokes", "1"),
    Point("time.power_on", "hr:6", "uint32", "通电时间", "Power-on time", "s"),
    Point("time.operating", "hr:8", "uint32", "运行时间", "Operating time", "s"),
    Point("pressure.hydraulic", "hr:10", "float32", "系统压力", "Hydraulic pressure", "MPa"),
    Point("temperature.oil", "hr:12", "int16", "油温", "Oil temperature", "Cel", scale=0.1),
    Point("time.cycle", "hr:13", "uint16", "上一循环时间", "Last cycle time", "s", scale=0.1),
    Point("axis.z.position", "hr:14", "float32", "滑块位置", "Ram position", "mm"),
    Point("pump.running", "hr:16.0", "bit", "油泵运行", "Pump running"),
    Point("alarm.active", "hr:16.3", "bit", "报警", "Alarm present"),
    Point("program.name", "hr:20/8", "string", "程序名", "Program name"),
    Point("guard.closed", "di:0", "bool", "安全门关闭", "Guard closed"),
    Point("pump.contactor", "co:0", "bool", "油泵接触器", "Pump contactor"),
)
"""The map of the press: big-endian, high word first; hr:17 to hr:19 do not exist."""

METER_POINTS = (
    Point("voltage.l1", "ir:0", "float32", "A 相电压", "Voltage L1", "V"),
    Point("voltage.l2", "ir:2", "float32", "B 相电压", "Voltage L2", "V"),
    Point("voltage.l3", "ir:4", "float32", "C 相电压", "Voltage L3", "V"),
    Point("current.l1", "ir:6", "float32", "A 相电流", "Current L1", "A"),
    Point("current.l2", "ir:8", "float32", "B 相电流", "Current L2", "A"),
    Point("current.l3", "ir:10", "float32", "C 相电流", "Current L3", "A"),
    Point(
        "power.active", "ir:52", "float32", "总有功功率", "Total active power", "kW", scale=0.001
    ),
    Point("power.factor", "ir:62", "float32", "总功率因数", "Total power factor", "1"),
    Point("grid.frequency", "ir:70", "float32", "频率", "Frequency", "Hz"),
    Point("energy.total", "ir:72", "float32", "正向有功总电能", "Total import energy", "kW.h"),
    Point(
        "energy.import",
        "ir:1000",
        "uint32",
        "正向有功总电能(整数,10 W·h)",
        "Total import energy (integer, 10 W h)",
        "kW.h",
        scale=0.01,
        group="slow",
    ),
)
"""The map of a meter: input registers as on an Eastron SDM630, plus an integer counter."""
