"""What may stand in `agent.yaml`, as pydantic models; nothing here reads a file.

A device's entry is the host's half (`DeviceEntry`); the other keys of the device belong to its
driver's own model and are validated by it. Units stand in the names: `_s`, `_mb`, `_days`.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Literal, Self

from agent.config.derived import Compress, ComputedTag, Oee, States  # noqa: TC001 - pydantic reads it
from agent.config.destination import Destination  # noqa: TC001 - pydantic reads it
from agent.config.ledger import Enterprise, Equipment, Location, Process, Rate
from agent.config.memory import Memory
from agent.config.section import Identifier, MetricName, Section
from agent.config.shifts import Shifts
from drivers.api import DataType
from drivers.api.shape import Field, field_validator, model_validator


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
    keep_hours: float = Field(
        72, ge=0, le=8784, description="Sent rows are kept so long for replay, while there is room."
    )
    commit_interval_s: float = Field(
        1.0, ge=0.02, le=60, description="Least time between two commits; bounds what is in RAM."
    )
    synchronous: Literal["FULL", "NORMAL"] = Field(
        "FULL", description="FULL survives a power cut; NORMAL may lose the last seconds then."
    )


class Clock(Section):
    """When the wall clock of this box is trusted, and what becomes of data until it is."""

    max_hold_s: float = Field(
        600,
        ge=0,
        le=86_400,
        description="How long data of an unset clock waits, online, for the true time.",
    )
    synchronised_file: Path | None = Field(
        None, description="The clock also counts as set while this file exists."
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


class History(Section):
    """Whether what a device kept itself is asked for after a gap."""

    fill: bool = Field(
        True, description="Fill gaps of subscribed groups from the device's own history."
    )
    polled: bool = Field(False, description="Fill gaps of polled groups too.")
    max_hours: float = Field(
        24, gt=0, le=8784, description="What is older than this is not asked for."
    )
    values_per_s: float = Field(
        2000, ge=1, le=1_000_000, description="Past values taken in per second; live ones go first."
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
    history: History = Field(History(), description="Filling gaps from the device's history.")
    groups: dict[Identifier, Group] = Field(
        default_factory=dict, description="Poll groups; 'default' exists without being named."
    )
    tags: tuple[TagEntry, ...] = Field((), description="Points, in the file itself.")
    computed: tuple[ComputedTag, ...] = Field((), description="Points computed of other points.")
    states: States | None = Field(None, description="How the machine's state follows from points.")
    compress: dict[str, Compress] = Field(
        default_factory=dict, description="Points whose trend is compressed, by name."
    )
    oee: Oee | None = Field(None, description="Where the figures of effectiveness come from.")


class AgentConfig(Section):
    """The host's half of `agent.yaml`; `agent.config.load` adds each device's driver half."""

    gateway: Gateway = Field(description="This box.")
    enterprise: Enterprise = Field(description="Whose machines these are.")
    store: Store = Field(Store(), description="The outbox on disk.")
    publish: tuple[Destination, ...] = Field(
        min_length=1, max_length=8, description="Where to send; at least one with policy must."
    )
    clock: Clock = Field(Clock(), description="Trust in the clock of this box.")
    memory: Memory = Field(Memory(), description="What the agent may take of this box.")
    http: Http = Field(Http(), description="The status page.")
    shifts: Shifts = Field(Shifts(), description="Working days and shifts.")
    rate: Rate = Field(Rate(), description="The key-process CNC rate.")
    locations: tuple[Location, ...] = Field((), description="Sites, workshops and lines.")
    processes: tuple[Process, ...] = Field((), description="Processes of the enterprise.")
    equipment: tuple[Equipment, ...] = Field((), description="Machines of the ledger.")
    devices: tuple[DeviceEntry, ...] = Field((), description="What is read.")

    @field_validator("publish")
    @classmethod
    def _somebody_must(cls, publish: tuple[Destination, ...]) -> tuple[Destination, ...]:
        if all(one.policy != "must" for one in publish):
            msg = "at least one destination needs policy: must"
            raise ValueError(msg)
        if len({one.name for one in publish}) < len(publish):
            msg = "every destination needs a name of its own"
            raise ValueError(msg)
        return publish
