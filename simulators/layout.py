"""The simulated shop: who stands where, what it talks, and what the ledger says of it.

A machining shop of 30 people: lathes L1 to L6, mills V1 to V3, grinders G1 and G2, wire EDM E1 and
E2, a hydraulic press P1. L1 to L3 and V1 to V3 talk OPC UA, P1 has a PLC on Modbus, L5 has nothing
but an energy meter in its feeder, M0 is the meter of the whole shop; the others have no port.
Declared, its key-process CNC rate is 2/3 by the mean formula; proven by data, 3/8.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from simulators.cnc import LATHE, MILL, Cnc
from simulators.machine import ManualMachine
from simulators.meter import EnergyMeter
from simulators.points import METER_POINTS, PRESS_POINTS, cnc_points
from simulators.press import Press

if TYPE_CHECKING:
    from simulators.machine import Machine
    from simulators.points import Point


class Link(StrEnum):
    """How a station is read."""

    OPCUA = "opcua"
    MODBUS = "modbus"


@dataclass(frozen=True, slots=True)
class Station:
    """One device that can be read."""

    id: str
    link: Link
    points: tuple[Point, ...]
    zh: str
    en: str
    unit: int = 0
    """Modbus unit; 0 on OPC UA."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One machine of the equipment ledger."""

    id: str
    zh: str
    en: str
    model: str
    control_type: str
    processes: tuple[str, ...]
    device: str = ""
    controller: str = ""
    since: str = "2019-03-01"


@dataclass(frozen=True, slots=True)
class ShopProcess:
    """One process of the shop."""

    id: str
    zh: str
    en: str
    key: bool = True
    outsourced: tuple[str, str] = ("", "")
    """Who does it outside and why, in Chinese and English; empty when done in house."""
    document: str = ""


_LATHE_POINTS = cnc_points(LATHE.axes)
_MILL_POINTS = cnc_points(MILL.axes)
_CNC_LATHE = ("数控车床", "CNC lathe")
_MILL = ("立式加工中心", "Machining centre")

STATIONS = (
    *(
        Station(f"L{n}", Link.OPCUA, _LATHE_POINTS, f"{n} 号数控车床", f"CNC lathe {n}")
        for n in (1, 2, 3)
    ),
    *(
        Station(f"V{n}", Link.OPCUA, _MILL_POINTS, f"{n} 号加工中心", f"Machining centre {n}")
        for n in (1, 2, 3)
    ),
    Station("P1", Link.MODBUS, PRESS_POINTS, "1 号液压机", "Hydraulic press 1", unit=1),
    Station("L5", Link.MODBUS, METER_POINTS, "5 号普通车床电表", "Meter of lathe 5", unit=2),
    Station("M0", Link.MODBUS, METER_POINTS, "车间总电表", "Main meter of the shop", unit=3),
)
"""Every device that can be read, in the order it is stepped and listed."""

PROCESSES = (
    ShopProcess("turning", "车削", "Turning", document="GY-2026-01"),
    ShopProcess("milling", "铣削", "Milling", document="GY-2026-02"),
    ShopProcess("grinding", "磨削", "Grinding", document="GY-2026-03"),
    ShopProcess("edm", "电加工", "EDM", document="GY-2026-04"),
    ShopProcess(
        "heat-treatment",
        "热处理",
        "Heat treatment",
        outsourced=("外协:本厂无热处理设备", "Done outside: no furnace in house"),
        document="GY-2026-05",
    ),
    ShopProcess("pressing", "压装", "Pressing", key=False),
    ShopProcess("inspection", "检验", "Inspection", key=False),
)

_SIMULATED_CNC = "SIM-CNC"

LEDGER = (
    *(
        LedgerEntry(f"L{n}", *_CNC_LATHE, "CK6150", "CNC", ("turning",), f"L{n}", _SIMULATED_CNC)
        for n in (1, 2, 3)
    ),
    LedgerEntry("L4", *_CNC_LATHE, "CK6136", "CNC", ("turning",), since="2009-06-01"),
    LedgerEntry("L5", "普通车床", "Manual lathe", "CA6140", "manual", ("turning",), "L5"),
    LedgerEntry("L6", "普通车床", "Manual lathe", "CA6140", "manual", ("turning",)),
    *(
        LedgerEntry(f"V{n}", *_MILL, "VMC850", "CNC", ("milling",), f"V{n}", _SIMULATED_CNC)
        for n in (1, 2, 3)
    ),
    *(
        LedgerEntry(f"G{n}", "平面磨床", "Surface grinder", "M7130", "manual", ("grinding",))
        for n in (1, 2)
    ),
    *(LedgerEntry(f"E{n}", "线切割机床", "Wire EDM", "DK7740", "NC", ("edm",)) for n in (1, 2)),
    LedgerEntry("P1", "液压机", "Hydraulic press", "YQ32-200", "PLC", ("pressing",), "P1"),
)

_MOTORS_W = {
    "L4": 7_500,
    "L5": 7_500,
    "L6": 7_500,
    "G1": 5_500,
    "G2": 5_500,
    "E1": 2_200,
    "E2": 2_200,
}
"""Rated power of the machines nobody can read; the main meter sees them."""


def build_machines(seed: int) -> dict[str, Machine]:
    """Make every machine of the shop, loads before the meters that measure them."""
    motors = {
        name: ManualMachine(name, seed=seed, rated_w=watts) for name, watts in _MOTORS_W.items()
    }
    readable: dict[str, Machine] = {
        **{f"L{n}": Cnc(f"L{n}", seed=seed, model=LATHE) for n in (1, 2, 3)},
        **{f"V{n}": Cnc(f"V{n}", seed=seed, model=MILL) for n in (1, 2, 3)},
        "P1": Press("P1", seed=seed),
    }
    loads = (*readable.values(), *motors.values())
    meters = {
        "L5-meter": EnergyMeter("L5-meter", seed=seed, loads=[motors["L5"]]),
        "M0": EnergyMeter("M0", seed=seed, loads=loads),
    }
    return {**readable, **motors, **meters}


def source_of(station_id: str) -> str:
    """Name the machine whose values a station shows: L5 is read through its meter."""
    return "L5-meter" if station_id == "L5" else station_id
