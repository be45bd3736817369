"""Settings of one Modbus device: where it is, how it is spoken to, and what it can bear.

Guarantees that exactly one place is given (`host`, `serial` or `listen`) and that the framing and
the network fit it. Never does I/O.
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic needs it at run time
from typing import Annotated, Literal, Self, TypeAlias

from drivers.api import DataType, DeviceConfig, Port, Seconds
from drivers.api.shape import (
    BaseModel,
    ConfigDict,
    Field,
    PydanticCustomError,
    StringConstraints,
    model_validator,
)
from drivers.modbus.chinese import in_chinese
from drivers.modbus.places import misfit

Endianness: TypeAlias = Literal["big", "little"]
"""Which part of a value stands first."""

TransactionIds: TypeAlias = Literal["strict", "unit", "off"]
"""How an answer is recognised; see the field `transaction_ids`."""

FramingName: TypeAlias = Literal["tcp", "rtu", "ascii"]
"""How requests are wrapped; see the field `framing`."""

Host = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, pattern=r"^[^\s/\[\]@]{1,255}$"),
]
"""A host name or an IP address, without scheme, port or brackets."""

SerialPort = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\s:]{1,255}$")]
"""A serial port of this gateway, such as /dev/ttyUSB0."""

ListenAddress = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=r"^[^\s/@]{1,255}:[0-9]{1,5}$")
]
"""An own address and port to wait at, such as 192.168.1.2:5020."""

MAX_REGISTERS = 125
"""Most registers one request may ask for. Source: Modbus Application Protocol V1.1b3, 6.3."""

MAX_BITS = 2000
"""Most coils or inputs one request may ask for. Source: the same, 6.1."""

DEFAULT_BAUD = 9600
"""Speed of a serial line that names none: what most meters leave the factory with."""


class ProbeRegister(BaseModel):
    """A register that tells who a device is, where function 0x2B is not offered."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: str = Field(
        description="Where it stands, such as hr:100/8.", json_schema_extra=in_chinese("address")
    )
    type: DataType = Field(
        DataType.AUTO, description="Type at the machine.", json_schema_extra=in_chinese("type")
    )


class ModbusConfig(DeviceConfig):
    """How to reach one Modbus device, and what it can bear."""

    driver: Literal["modbus"] = Field(
        description="Name of this driver: modbus.", json_schema_extra=in_chinese("driver")
    )
    host: Host | None = Field(
        None,
        description="IP address or name of the device, or of the gateway before it.",
        json_schema_extra=in_chinese("host"),
    )
    port: Port | None = Field(
        None,
        description="Port of the host; 502, with network tls 802.",
        json_schema_extra=in_chinese("port"),
    )
    serial: SerialPort | None = Field(
        None,
        description="Serial port of this gateway, such as /dev/ttyUSB0, instead of a host.",
        json_schema_extra=in_chinese("serial"),
    )
    listen: ListenAddress | None = Field(
        None,
        description="Own address:port where a DTU dials in, instead of a host.",
        json_schema_extra=in_chinese("listen"),
    )
    framing: FramingName | None = Field(
        None,
        description="tcp, rtu or ascii; a host speaks tcp unless told, a serial line or DTU rtu. "
        "A serial server that passes bytes through is a host with framing rtu.",
        json_schema_extra=in_chinese("framing"),
    )
    network: Literal["tcp", "udp", "tls"] = Field(
        "tcp", description="How the host is reached.", json_schema_extra=in_chinese("network")
    )
    tls_ca: Path | None = Field(
        None,
        description="With tls: CA certificate to trust, PEM.",
        json_schema_extra=in_chinese("tls_ca"),
    )
    tls_certificate: Path | None = Field(
        None,
        description="With tls: our certificate, PEM.",
        json_schema_extra=in_chinese("tls_certificate"),
    )
    tls_key: Path | None = Field(
        None, description="With tls: our private key, PEM.", json_schema_extra=in_chinese("tls_key")
    )
    tls_name: str = Field(
        "",
        description="With tls: name in the certificate, if not the host.",
        json_schema_extra=in_chinese("tls_name"),
    )
    baud: int | None = Field(
        None,
        ge=300,
        le=4_000_000,
        description="Speed of the serial line in bit/s, 9600 unless told; behind a serial server "
        "it lets the plan and chulian check reckon with the line's time.",
        json_schema_extra=in_chinese("baud"),
    )
    parity: Literal["none", "even", "odd"] = Field(
        "none", description="Of the serial line.", json_schema_extra=in_chinese("parity")
    )
    stop_bits: Literal[1, 2] = Field(
        1, description="Of the serial line.", json_schema_extra=in_chinese("stop_bits")
    )
    data_bits: Literal[7, 8] = Field(
        8,
        description="Of the serial line; 7 only with ascii.",
        json_schema_extra=in_chinese("data_bits"),
    )
    registration: str = Field(
        "",
        max_length=256,
        description="What a DTU sends first and is told by; text or hex:0A0B.",
        json_schema_extra=in_chinese("registration"),
    )
    heartbeat: str = Field(
        "",
        max_length=256,
        description="What a DTU sends now and then; text or hex:0A0B. Skipped.",
        json_schema_extra=in_chinese("heartbeat"),
    )
    unit: int = Field(
        1,
        ge=0,
        le=255,
        description="Unit id (slave address, 站号); behind a gateway it selects.",
        json_schema_extra=in_chinese("unit"),
    )
    timeout_s: Seconds = Field(
        1.0,
        description="Longest wait for one answer; behind a serial gateway, above its own timeout.",
        json_schema_extra=in_chinese("timeout_s"),
    )
    connect_timeout_s: Seconds = Field(
        3.0,
        description="Longest wait for the connection.",
        json_schema_extra=in_chinese("connect_timeout_s"),
    )
    late_s: Seconds = Field(
        30.0,
        description="How late an answer may still come on a line without transaction ids.",
        json_schema_extra=in_chinese("late_s"),
    )
    max_registers: int = Field(
        MAX_REGISTERS,
        ge=1,
        le=MAX_REGISTERS,
        description="Most registers in one request.",
        json_schema_extra=in_chinese("max_registers"),
    )
    max_bits: int = Field(
        MAX_BITS,
        ge=1,
        le=MAX_BITS,
        description="Most coils or inputs in one request.",
        json_schema_extra=in_chinese("max_bits"),
    )
    max_gap: int | None = Field(
        None,
        ge=0,
        le=MAX_BITS,
        description="Most unasked addresses in a row that are read along to save a request; empty: "
        "as many as cost less than the request saved; 0: none.",
        json_schema_extra=in_chinese("max_gap"),
    )
    learn: bool = Field(
        True,
        description="Find addresses and lengths the device refuses, and read around them.",
        json_schema_extra=in_chinese("learn"),
    )
    word_order: Endianness = Field(
        "big",
        description="Which register of a 32 or 64 bit value comes first.",
        json_schema_extra=in_chinese("word_order"),
    )
    byte_order: Endianness = Field(
        "big",
        description="Which byte of a register comes first.",
        json_schema_extra=in_chinese("byte_order"),
    )
    transaction_ids: TransactionIds = Field(
        "strict",
        description="strict: an answer must carry its request's id; unit: only unit, function and "
        "length must fit; off: not even the unit. For gateways that do not echo.",
        json_schema_extra=in_chinese("transaction_ids"),
    )
    pause_between_s: float = Field(
        0.0,
        ge=0,
        le=60,
        description="Rest between an answer and the next request.",
        json_schema_extra=in_chinese("pause_between_s"),
    )
    pause_alike_s: float = Field(
        0.005,
        ge=0,
        le=60,
        allow_inf_nan=False,
        description="Without transaction ids: least rest before a request whose answer looks like "
        "an earlier one, so that an answer sent twice is told; 0: none.",
        json_schema_extra=in_chinese("pause_alike_s"),
    )
    pause_after_connect_s: float = Field(
        0.0,
        ge=0,
        le=60,
        description="Rest between the connection and the first request.",
        json_schema_extra=in_chinese("pause_after_connect_s"),
    )
    close_after_poll: bool = Field(
        False,
        description="Leave the connection after each read, for devices that allow only one.",
        json_schema_extra=in_chinese("close_after_poll"),
    )
    write_multiple: bool = Field(
        False,
        description="Write a single register with function 16 too, for devices without function 6.",
        json_schema_extra=in_chinese("write_multiple"),
    )
    ask_identity: bool = Field(
        True,
        description="Ask the device who it is (function 0x2B), once a day.",
        json_schema_extra=in_chinese("ask_identity"),
    )
    identity: dict[Literal["maker", "model", "serial", "firmware"], ProbeRegister] = Field(
        default_factory=dict,
        description="Registers that tell who the device is.",
        json_schema_extra=in_chinese("identity"),
    )

    @model_validator(mode="after")
    def _fits_its_place(self) -> Self:
        problem = misfit(self)
        if problem is not None:
            raise PydanticCustomError("misfit", "{en}", {"en": problem.en, "zh": problem.zh})
        return self

    @property
    def framed(self) -> FramingName:
        """The framing in force."""
        return self.framing or ("tcp" if self.host is not None else "rtu")

    @property
    def line_baud(self) -> int | None:
        """Speed of the serial line in bit/s; None where no serial line is known of."""
        return self.baud or (DEFAULT_BAUD if self.serial is not None else None)
