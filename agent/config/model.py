"""What may stand in `agent.yaml`, as pydantic models; nothing here reads a file.

A device's entry is the host's half (`DeviceEntry`); the other keys of the device belong to its
driver's own model and are validated by it. Units stand in the names: `_s`, `_mb`, `_days`.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from agent.config.ledger import Enterprise, Equipment, Process, Rate
from agent.config.section import Identifier, MetricName, Section
from drivers.api import DataType


class MachineState(StrEnum):
    """The six states every machine is shown in. Source: docs/specs/payload, states."""

    RUNNING = "running"
    IDLE = "idle"
    ALARM = "alarm"
    SETUP = "setup"
    OFF = "off"
    UNKNOWN = "unknown"


class Mode(StrEnum):
    """How a group gets its values."""

    POLL = "poll"
    SUBSCRIBE = "subscribe"


class Report(StrEnum):
    """Which of the collected values are stored."""

    ALL = "all"
    CHANGE = "change"


class Gateway(Section):
    """This box."""

    id: Identifier = Field(description="Unique id of the gateway; part of every topic.")
    name: str = Field("", description="Name for people.")
    timezone: str = Field("Asia/Shanghai", description="IANA time zone of the factory.")
    language: Literal["zh", "en"] = Field("zh", description="Language of pages and messages.")


class Store(Section):
    """The outbox on disk."""

    path: Path = Field(Path("chulian.db"), description="File of the outbox, on a local disk.")
    max_mb: float = Field(1024, ge=1, le=1_000_000, description="Upper bound on disk, megabytes.")
    max_age_days: float = Field(
        30, gt=0, le=3650, description="Rows older than this are dropped, counted and announced."
    )
    commit_interval_s: float = Field(
        1.0, ge=0.02, le=60, description="Least time between two commits; bounds what is in RAM."
    )
    synchronous: Literal["FULL", "NORMAL"] = Field(
        "FULL", description="FULL survives a power cut; NORMAL may lose the last seconds then."
    )


class Tls(Section):
    """How the broker is recognised, and we by it."""

    ca: Path | None = Field(None, description="PEM file of the CAs to trust; none: the system's.")
    cert: Path | None = Field(None, description="PEM file of our certificate (mutual TLS).")
    key: Path | None = Field(None, description="PEM file of our private key.")

    @model_validator(mode="after")
    def _cert_with_key(self) -> Self:
        if (self.cert is None) != (self.key is None):
            msg = "cert and key go together"
            raise ValueError(msg)
        return self


class Destination(Section):
    """One MQTT broker that gets everything."""

    name: Identifier = Field("platform", description="Name of the destination.")
    url: str = Field(
        pattern=r"^mqtts?://[^/\s]+$", description="mqtt://host:1883 or mqtts://host:8883."
    )
    protocol: Literal["mqtt5", "mqtt311"] = Field(
        "mqtt5", description="mqtt311 is a degraded mode: a refused message looks accepted."
    )
    client_id: str = Field("", max_length=64, description="MQTT client id; empty: gateway id.")
    username: str = Field("", description="User name at the broker.")
    password: SecretStr | None = Field(None, description="env:NAME or file:PATH.")
    tls: Tls = Field(Tls(), description="Certificates, for mqtts.")
    topic_root: str = Field(
        "hb/v1", pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$", description="First topic levels."
    )
    keepalive_s: int = Field(30, ge=5, le=1200, description="MQTT keep alive.")
    max_delay_s: float = Field(
        0.0, ge=0, le=60, description="How long committed rows wait for company in one message."
    )
    reconnect_max_s: float = Field(
        30, ge=1, le=600, description="Longest pause between two attempts to connect."
    )
    max_message_kb: float = Field(
        48, ge=1, le=256_000, description="Largest message; the broker's own limit also holds."
    )
    window: int = Field(20, ge=1, le=1000, description="Most messages sent and not acknowledged.")
    backlog_share: float = Field(
        0.8, gt=0, le=1, description="Share of the window that the backlog may fill."
    )
    no_subscriber: Literal["accept", "keep"] = Field(
        "keep", description="What an acknowledgement 'no matching subscribers' (0x10) counts as."
    )


class Http(Section):
    """The status page, metrics and health."""

    enabled: bool = Field(True, description="Whether to serve the page.")
    host: str = Field("127.0.0.1", description="Address to bind; 127.0.0.1 keeps it on the box.")
    allowed_hosts: tuple[str, ...] = Field(
        (), description="Names, beside localhost and addresses, under which browsers may ask."
    )
    port: int = Field(8642, ge=0, le=65535, description="Port; 0 picks a free one.")


class Group(Section):
    """How often and how a set of tags is collected."""

    interval_s: float = Field(1.0, ge=0.01, le=86_400, description="Poll or sampling interval.")
    mode: Mode | None = Field(None, description="poll or subscribe; empty: what the driver can.")
    report: Report = Field(
        Report.ALL, description="all: every value is stored; change: only what changed."
    )
    full_every_s: float = Field(
        60, ge=1, le=86_400, description="With report change: everything is stored this often."
    )


_TRUTHS = frozenset({DataType.BOOL, DataType.BIT})
_NUMBERS = frozenset(DataType) - _TRUTHS - {DataType.STRING, DataType.DATETIME, DataType.AUTO}
"""Types that need limits before they may be written."""


class Write(Section):
    """What a person at the box may write to a point; without it a point is only read."""

    min: float | None = Field(None, description="Least value, after scaling; numbers need it.")
    max: float | None = Field(None, description="Greatest value, after scaling; numbers need it.")
    step: float | None = Field(None, gt=0, description="Only min, min + step, … may be written.")
    min_interval_s: float = Field(
        1.0, ge=0, le=86_400, description="Least time between two writes of the point."
    )
    confirm: Literal["read-back", "none"] = Field(
        "read-back", description="none: for points that do not keep what is written to them."
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            msg = "write.min must not be above write.max"
            raise ValueError(msg)
        if self.step is not None and self.min is None:
            msg = "write.step is counted from write.min"
            raise ValueError(msg)
        return self


class TagEntry(Section):
    """One point (点位) of a device."""

    name: MetricName = Field(description="Metric name, such as spindle.speed.")
    address: str = Field(min_length=1, max_length=512, description="Where the driver finds it.")
    type: DataType = Field(DataType.AUTO, description="Type at the machine.")
    unit: str = Field("", max_length=32, description="UCUM unit after scaling, such as kW.h.")
    group: Identifier = Field("default", description="Poll group.")
    scale: float = Field(1.0, description="value = raw x scale + offset.")
    offset: float = Field(0.0, description="value = raw x scale + offset.")
    min: float | None = Field(None, description="Below this a value is uncertain.")
    max: float | None = Field(None, description="Above this a value is uncertain.")
    deadband: float = Field(
        0.0, ge=0, description="With report change: smaller changes are not stored."
    )
    states: dict[str, MachineState] = Field(
        default_factory=dict, description="Raw value -> machine state; others become unknown."
    )
    description: str = Field("", max_length=256, description="Name for people.")
    write: Write | None = Field(
        None, description="Lets a person at the box write the point; empty: it is only read."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.min is not None and self.max is not None and self.min >= self.max:
            msg = "min must be below max"
            raise ValueError(msg)
        if self.scale == 0:
            msg = "scale must not be 0"
            raise ValueError(msg)
        if self.states and (self.scale != 1 or self.offset != 0 or self.deadband):
            msg = "a tag with states takes no scale, offset or deadband"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _writable(self) -> Self:
        if self.write is None:
            return self
        if self.states or self.type not in _NUMBERS | _TRUTHS:
            msg = "only numbers and bool can be written, and the type must be given"
            raise ValueError(msg)
        limits = {self.write.min, self.write.max}
        if self.type in _NUMBERS and None in limits:
            msg = "a number that may be written needs write.min and write.max"
            raise ValueError(msg)
        if self.type in _TRUTHS and (limits != {None} or self.scale != 1 or self.offset):
            msg = "a bool that may be written takes no limits, scale or offset"
            raise ValueError(msg)
        return self


class DeviceEntry(Section):
    """The host's half of a device; the remaining keys are the driver's."""

    id: Identifier = Field(description="Id of the device; stands in every record.")
    name: str = Field("", description="Name for people.")
    driver: str = Field(description="modbus, opcua or a plug-in's name.")
    enabled: bool = Field(True, description="false leaves the device out.")
    description: str = Field("", description="Free text.")
    workshop: str = Field("", description="Workshop the machine stands in.")
    line: str = Field("", description="Line the machine belongs to.")
    template: str | None = Field(None, description="File under templates/ that holds the tags.")
    points: Path | None = Field(None, description="Point table, .csv or .xlsx.")
    groups: dict[Identifier, Group] = Field(
        default_factory=dict, description="Poll groups; 'default' exists without being named."
    )
    tags: tuple[TagEntry, ...] = Field((), description="Points, in the file itself.")


class AgentConfig(Section):
    """The host's half of `agent.yaml`; `agent.config.load` adds each device's driver half."""

    gateway: Gateway = Field(description="This box.")
    enterprise: Enterprise = Field(description="Whose machines these are.")
    store: Store = Field(Store(), description="The outbox on disk.")
    publish: tuple[Destination, ...] = Field(
        min_length=1, max_length=1, description="Where to send; one destination in this version."
    )
    http: Http = Field(Http(), description="The status page.")
    rate: Rate = Field(Rate(), description="The key-process CNC rate.")
    processes: tuple[Process, ...] = Field((), description="Processes of the enterprise.")
    equipment: tuple[Equipment, ...] = Field((), description="Machines of the ledger.")
    devices: tuple[DeviceEntry, ...] = Field((), description="What is read.")
