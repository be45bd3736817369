"""The link that devices at one place share: a TCP endpoint, a serial line, a DTU that dials in.

Two links are equal when everything agrees that the devices on one wire must agree on. Two that read
the same and are not equal are a contradiction in the configuration.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from drivers.modbus.config import DEFAULT_BAUD
from drivers.modbus.places import own_address, packet
from drivers.modbus.wire.counts import LineCounts
from drivers.modbus.wire.trust import Trust

if TYPE_CHECKING:
    from pathlib import Path

    from drivers.modbus.config import FramingName, ModbusConfig

Carrier: TypeAlias = Literal["tcp", "udp", "tls", "serial", "listen"]
"""What bears the bytes of a link."""

MODBUS_PORT = 502
MODBUS_TLS_PORT = 802
"""Registered ports. Source: Modbus/TCP Security Protocol Specification, 8.1."""

REST_CHARACTERS = 3.5
"""Silence between two RTU frames. Source: Modbus over Serial Line V1.02, 2.5.1.1."""

REST_FIXED_S = 0.00175
REST_FIXED_ABOVE_BAUD = 19_200
"""Above this speed the silence no longer shrinks. Source: the same."""


@dataclass(frozen=True, slots=True)
class SerialLine:
    """How fast and in what form characters run over a serial line."""

    baud: int
    parity: Literal["none", "even", "odd"] = "none"
    stop_bits: Literal[1, 2] = 1
    data_bits: Literal[7, 8] = 8

    @property
    def character_s(self) -> float:
        """Time of one character: start bit, data, parity, stop."""
        bits = 1 + self.data_bits + (self.parity != "none") + self.stop_bits
        return bits / self.baud

    @property
    def rest_s(self) -> float:
        """Silence that parts two RTU frames."""
        if self.baud > REST_FIXED_ABOVE_BAUD:
            return REST_FIXED_S
        return REST_CHARACTERS * self.character_s


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Whom to trust, who we are, and the name expected in the certificate."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class ModbusLink:
    """One wire; everything on it shares one session."""

    host: str
    """Host name or address; the own address with `listen`; the port's path with `serial`."""
    port: int = 0
    connect_timeout_s: float = field(default=3.0, compare=False)
    framing: FramingName = "tcp"
    carrier: Carrier = "tcp"
    serial: SerialLine | None = None
    """The serial line, here or behind a serial server; None where none is known of."""
    tls: TlsFiles | None = None
    registration: bytes = b""
    heartbeat: bytes = b""
    close_after_poll: bool = False
    pause_after_connect_s: float = 0.0
    transaction_ids_off_at: int | None = None
    """The only unit that may be on the link, where not even the unit of an answer is looked at."""
    trust: Trust = field(default_factory=Trust, compare=False, repr=False)
    """What may still be answered; outlives the sessions."""
    counts: LineCounts = field(default_factory=LineCounts, compare=False, repr=False)
    """What was met on the wire; outlives the sessions."""

    @property
    def lives_on(self) -> bool:
        """Whether a silence leaves the line as it is: nothing is gained by opening it again."""
        return self.carrier in {"serial", "udp", "listen"}

    @property
    def rest_s(self) -> float:
        """Silence that the line needs between two frames."""
        return self.serial.rest_s if self.serial is not None and self.framing == "rtu" else 0.0

    @property
    def character_s(self) -> float:
        """Time of one character on the serial line; 0 where no line is known of."""
        return self.serial.character_s if self.serial is not None else 0.0

    def __str__(self) -> str:
        if self.carrier == "serial":
            return f"serial://{self.host}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        if self.carrier == "listen":
            told_by = _shown(self.registration)
            return f"listen://{host}:{self.port}" + (f"#{told_by}" if told_by else "")
        ways: list[str] = [self.framing] if self.framing != "tcp" else []
        ways += [self.carrier] if self.carrier != "tcp" else []
        return f"{'+'.join(['modbus', *ways])}://{host}:{self.port}"


def link_of(config: ModbusConfig) -> ModbusLink:
    """Give the link a device is on."""
    host, port, carrier = _place(config)
    return ModbusLink(
        host,
        port,
        config.connect_timeout_s,
        framing=config.framed,
        carrier=carrier,
        serial=_serial(config),
        tls=_tls(config),
        registration=packet(config.registration),
        heartbeat=packet(config.heartbeat),
        close_after_poll=config.close_after_poll,
        pause_after_connect_s=config.pause_after_connect_s,
        transaction_ids_off_at=config.unit if config.transaction_ids == "off" else None,
    )


def _place(config: ModbusConfig) -> tuple[str, int, Carrier]:
    if config.serial is not None:
        return config.serial, 0, "serial"
    if config.listen is not None:
        return *own_address(config.listen), "listen"
    default = MODBUS_TLS_PORT if config.network == "tls" else MODBUS_PORT
    return config.host or "", config.port or default, config.network


def _serial(config: ModbusConfig) -> SerialLine | None:
    if config.line_baud is None:
        return None
    return SerialLine(
        config.line_baud or DEFAULT_BAUD, config.parity, config.stop_bits, config.data_bits
    )


def _tls(config: ModbusConfig) -> TlsFiles | None:
    if config.network != "tls":
        return None
    return TlsFiles(config.tls_ca, config.tls_certificate, config.tls_key, config.tls_name)


def _shown(registration: bytes) -> str:
    """Write a registration as its setting was: text, or hexadecimal digits."""
    text = registration.decode("ascii", errors="replace")
    return text if text.isprintable() and text.isascii() else f"hex:{registration.hex()}"
