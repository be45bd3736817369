"""Settings of one Modbus TCP device, and the link that devices behind one address share.

Guarantees that two devices with the same host and port give equal links. Never does I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints

from drivers.api import DeviceConfig, Port, Seconds

Endianness: TypeAlias = Literal["big", "little"]
"""Which part of a value stands first."""

TransactionIds: TypeAlias = Literal["strict", "unit", "off"]
"""How an answer is recognised; see the field `transaction_ids`."""

Host = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, pattern=r"^[^\s/\[\]@]{1,255}$"),
]
"""A host name or an IP address, without scheme, port or brackets."""

MAX_REGISTERS = 125
"""Most registers one request may ask for. Source: Modbus Application Protocol V1.1b3, 6.3."""

MAX_BITS = 2000
"""Most coils or inputs one request may ask for. Source: the same, 6.1."""


class ModbusConfig(DeviceConfig):
    """How to reach one Modbus TCP device, and what it can bear."""

    driver: Literal["modbus"] = Field(description="Name of this driver: modbus.")
    host: Host = Field(description="IP address or name of the device, or of the gateway before it.")
    port: Port = Field(502, description="TCP port.")
    unit: int = Field(
        1, ge=0, le=255, description="Unit id (slave address, 站号); behind a gateway it selects."
    )
    timeout_s: Seconds = Field(
        1.0,
        description="Longest wait for one answer; behind a serial gateway, above its own timeout.",
    )
    connect_timeout_s: Seconds = Field(3.0, description="Longest wait for the connection.")
    max_registers: int = Field(
        MAX_REGISTERS, ge=1, le=MAX_REGISTERS, description="Most registers in one request."
    )
    max_bits: int = Field(
        MAX_BITS, ge=1, le=MAX_BITS, description="Most coils or inputs in one request."
    )
    max_gap: int = Field(
        0,
        ge=0,
        le=MAX_BITS,
        description="Unasked addresses read along to save a request; 0 reads none, because "
        "one address that does not exist fails the whole request.",
    )
    word_order: Endianness = Field(
        "big", description="Which register of a 32 or 64 bit value comes first."
    )
    byte_order: Endianness = Field("big", description="Which byte of a register comes first.")
    transaction_ids: TransactionIds = Field(
        "strict",
        description="strict: an answer must carry its request's id; unit: only unit, function and "
        "length must fit; off: not even the unit. For gateways that do not echo.",
    )
    pause_between_s: float = Field(
        0.0, ge=0, le=60, description="Rest between an answer and the next request."
    )


@dataclass(frozen=True, slots=True)
class ModbusLink:
    """One TCP endpoint; everything behind it shares one connection."""

    host: str
    port: int
    connect_timeout_s: float = field(default=3.0, compare=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"modbus://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a device grants and demands while it is read."""

    device: str
    timeout_s: float
    pause_s: float
    ids: TransactionIds
