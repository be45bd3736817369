"""What is measured, as data: workloads, and the bare loops that stand beside each.

A workload is offered by servers nobody here wrote: libmodbus in C, node-opcua in JavaScript. A bare
loop only reads: it decodes nothing further, stores nothing and sends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Workload:
    """So many values that all change at each interval."""

    name: str
    protocol: Literal["modbus", "opcua"]
    devices: int
    """Servers, each with a connection of its own."""
    values: int
    """Per device."""
    interval_s: float
    bare: tuple[str, ...]
    """Keys of `BARE`; the first is the library the project is built on."""

    @property
    def offered_per_s(self) -> float:
        """Values that change per second, over all devices."""
        return self.devices * self.values / self.interval_s

    @property
    def publishing_s(self) -> float:
        """How often an OPC UA server sends: what the agent's driver asks for by itself."""
        return max(self.interval_s, 0.5)


MODBUS_LOOPS = ("pymodbus", "pymodbus-uvloop", "libmodbus")
OPCUA_LOOPS = ("asyncua", "asyncua-uvloop", "node-opcua")

WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("M1", "modbus", 1, 1000, 1.0, MODBUS_LOOPS),
        Workload("M2", "modbus", 10, 1000, 0.1, MODBUS_LOOPS),
        Workload("M3", "modbus", 8, 1000, 0.01, MODBUS_LOOPS),
        Workload("O1", "opcua", 1, 1000, 1.0, OPCUA_LOOPS),
        Workload("O2", "opcua", 1, 10_000, 1.0, OPCUA_LOOPS),
        Workload("O3", "opcua", 1, 1000, 0.1, OPCUA_LOOPS),
    )
}
"""M3 and its 800,000 values a second are more than a core carries: what arrives is the result."""

REGISTERS_PER_REQUEST = 125
"""Most that one Modbus request may ask for; the agent and the bare loops ask alike."""

NAMESPACE = "urn:chulian:peer:node-opcua"
OPCUA_TYPES = ("Boolean", "Int16", "UInt16", "Int32", "UInt32", "Float", "Double", "Double")
"""Types of the OPC UA variables, in turn: what controllers mostly hold."""


def queue_size(workload: Workload) -> int:
    """Samples per variable the server is asked to hold: as many as the agent asks for."""
    return max(2, round(workload.publishing_s / workload.interval_s) * 2)
